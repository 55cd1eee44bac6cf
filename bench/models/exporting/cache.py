"""Exports that were made before, and whether they are still what they claim."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock

from pocketbench.bench.paths import UNFINISHED_EXPORTS, cache_dir, replace_file
from pocketbench.bench.records.artifact import (
    Artifact,
    KeptFile,
    MemoryFormat,
    TensorSpec,
)
from pocketbench.bench.records.engines import PACKAGES, split_variant
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from pocketbench.bench.planning.sources import Source

logger = logging.getLogger(__name__)

LAYOUT = 4
"""Raised when old entries must not be read any more."""
KEPT_S = 30 * 24 * 3600
"""How long an exported file is kept after its last use."""


class SourceFile(Value, frozen=True, kw_only=True):
    """A file the export read, as it was then."""

    path: str
    sha256: str


class Key(Value, frozen=True, kw_only=True):
    """What an export was asked to do; everything but the state of its files."""

    source: str
    origin: str | None
    """The file of a factory's module: the same name elsewhere is another model."""
    variant: str
    inputs: tuple[TensorSpec, ...]
    memory_format: MemoryFormat | None = None
    seed: int
    torch_version: str
    executorch_version: str | None
    """Of the engine's own package; `None` for an engine that needs torch alone."""
    pocketbench_version: str
    layout: int = LAYOUT

    @property
    def digest(self) -> str:
        """The name of its entry."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class Entry(Value, frozen=True, kw_only=True):
    """A finished export and every file it depends on."""

    key: Key
    artifact: Artifact
    files: tuple[SourceFile, ...]


def version_of(distribution: str) -> str:
    """An installed version, read without importing; `unknown` when not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"


def key_for(
    source: Source,
    variant: str,
    inputs: tuple[TensorSpec, ...],
    seed: int,
    *,
    memory_format: MemoryFormat | None = None,
) -> Key:
    """The key of one export with the packages that are installed now."""
    package = PACKAGES.get(split_variant(variant).engine.name)
    return Key(
        source=source.spec,
        origin=source.origin,
        variant=variant,
        inputs=inputs,
        memory_format=memory_format,
        seed=seed,
        torch_version=version_of("torch"),
        executorch_version=version_of(package) if package else None,
        pocketbench_version=version_of("pocketbench"),
    )


def sha256_of(path: Path) -> str | None:
    """The hash of a file's bytes; `None` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def lock(key: Key) -> FileLock:
    """Let one export of a key go on at a time, over all processes."""
    return FileLock(_folder("locks") / f"{key.digest}.lock")


def find(key: Key) -> Artifact | None:
    """The artifact of an earlier export, when nothing it depends on has changed."""
    path = _entry_path(key)
    try:
        entry = msgspec.json.decode(path.read_bytes(), type=Entry)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        logger.debug("%s: unreadable, exported again (%s)", path, error)
        return None
    for file in entry.files:
        if sha256_of(Path(file.path)) != file.sha256:
            logger.info("%s has changed: exported again", file.path)
            return None
    for kept in _files_of(entry.artifact):
        path = Path(kept.path)
        if sha256_of(path) != kept.sha256:
            logger.warning("%s is damaged or gone: exported again", path)
            return None
        if path.parent == _objects():
            os.utime(path)
    return entry.artifact


def _files_of(artifact: Artifact) -> tuple[KeptFile, ...]:
    """The model file and those beside it."""
    model = KeptFile(
        path=artifact.path, sha256=artifact.sha256, size_bytes=artifact.size_bytes
    )
    reference = artifact.reference
    return (model, reference.inputs, reference.outputs) if reference else (model,)


def keep(entry: Entry) -> Artifact:
    """Move a fresh export in; its file is named for its content.

    A run that still pushes the file of an earlier commit keeps it: nothing is
    overwritten by something else.
    """
    kept = _with_kept_reference(entry.artifact)
    if kept.path != entry.key.source:
        target = _objects() / f"{kept.sha256}.{kept.format}"
        os.replace(kept.path, target)
        kept = msgspec.structs.replace(kept, path=str(target))
    _forget_old_objects()
    entry = msgspec.structs.replace(entry, artifact=kept)
    path = _entry_path(entry.key)
    replace_file(path, msgspec.json.format(msgspec.json.encode(entry)))
    return kept


def _with_kept_reference(artifact: Artifact) -> Artifact:
    reference = artifact.reference
    if reference is None:
        return artifact
    reference = msgspec.structs.replace(
        reference, inputs=_kept(reference.inputs), outputs=_kept(reference.outputs)
    )
    return msgspec.structs.replace(artifact, reference=reference)


def _kept(file: KeptFile) -> KeptFile:
    target = _objects() / f"{file.sha256}.bin"
    os.replace(file.path, target)
    return msgspec.structs.replace(file, path=str(target))


def _forget_old_objects() -> None:
    """Delete files that no run has asked for in a while: each commit leaves some."""
    oldest = time.time() - KEPT_S
    for path in _objects().iterdir():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def workspace() -> Path:
    """Where an export writes until it is finished: on the cache's own disk."""
    path = cache_dir() / UNFINISHED_EXPORTS
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def _objects() -> Path:
    return _folder("objects")


def _entry_path(key: Key) -> Path:
    return _folder("entries") / f"{key.digest}.json"


def _folder(name: str) -> Path:
    """Where it really is: entries name their files, and links to a cache may go."""
    path = cache_dir() / "exports" / name
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()
