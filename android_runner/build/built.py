"""Runners that were compiled before and lie in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from pathlib import Path

import msgspec

from pocketbench.android_runner.build.file_hash import hash_bytes_of, hashed_object
from pocketbench.bench.paths import cache_dir
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.runner import Program, is_loader

logger = logging.getLogger(__name__)

SOURCES = Path(__file__).parents[1] / "native"
RECORD_NAME = "build.json"


class BuiltRunner(Value, frozen=True, kw_only=True):
    """One compiled program and what it was made of; stored beside it."""

    engine: str
    abi: str
    libc: str
    version: str | None
    """Of the runtime inside: `torch 2.13.0+cpu`; `None` when it has none."""
    origin: str
    program: str
    """Path, relative to the record's folder where it lies in it."""
    libraries: tuple[str, ...]
    """Paths likewise, named as the program asks for them."""
    sources_sha256: str
    built_at: str
    """ISO-8601, UTC."""
    sha256: dict[str, str] = msgspec.field(default_factory=dict)
    """Of each file that lies in the record's folder, by its relative path."""

    @property
    def is_current(self) -> bool:
        """Whether it was compiled from the sources of this pocketbench."""
        return self.sources_sha256 == sources_sha256()

    @property
    def brings_loader(self) -> bool:
        """Whether its own C library, and what starts it, is among its libraries."""
        return any(is_loader(Path(path).name) for path in self.libraries)

    @property
    def is_whole(self) -> bool:
        """Whether every file it needs is still there."""
        return all(Path(path).is_file() for path in (self.program, *self.libraries))

    def as_program(self) -> Program:
        """Its files as objects for a device."""
        return Program(
            runner=self.engine,
            abi=self.abi,
            libc=self.libc,
            executable=hashed_object(Path(self.program), executable=True),
            libraries=tuple(
                hashed_object(path, executable=is_loader(path.name))
                for path in map(Path, self.libraries)
            ),
            version=self.version,
            origin=self.origin,
        )


def runners_folder() -> Path:
    """Where compiled runners lie, a folder each."""
    return cache_dir() / "runners"


def built_runners() -> tuple[BuiltRunner, ...]:
    """Every compiled runner in the cache whose files are all there, newest first."""
    records = (
        read_built(path.parent) for path in runners_folder().glob("*/build.json")
    )
    found = [built for built in records if built is not None]
    return tuple(sorted(found, key=lambda built: built.built_at, reverse=True))


def read_built(folder: Path) -> BuiltRunner | None:
    """The runner of a folder; `None` when there is none or it is damaged."""
    try:
        raw = (folder / RECORD_NAME).read_bytes()
        built = msgspec.json.decode(raw, type=BuiltRunner)
    except (OSError, msgspec.MsgspecError):
        return None
    if built.sha256 != _own_hashes(folder, built):
        if built.sha256:  # An earlier pocketbench kept none: it is built again.
            logger.warning("%s is damaged", folder)
        return None
    located = msgspec.structs.replace(
        built,
        program=str(folder / built.program),
        libraries=tuple(str(folder / path) for path in built.libraries),
    )
    return located if located.is_whole else None


def write_built(folder: Path, built: BuiltRunner) -> None:
    """Store what a folder holds."""
    built = msgspec.structs.replace(built, sha256=_own_hashes(folder, built))
    raw = msgspec.json.format(msgspec.json.encode(built))
    (folder / RECORD_NAME).write_bytes(raw + b"\n")


def _own_hashes(folder: Path, built: BuiltRunner) -> dict[str, str]:
    """Of the files in its folder, not kept: a truncated program ends in SIGSEGV."""
    hashes = {}
    for name in (built.program, *built.libraries):
        with contextlib.suppress(OSError):
            if not Path(name).is_absolute():
                hashes[name] = hash_bytes_of(folder / name)
    return hashes


def sources_sha256() -> str:
    """Of everything a runner is compiled from."""
    digest = hashlib.sha256()
    for path in sorted(SOURCES.iterdir()):
        if path.suffix in (".cpp", ".h", ".txt", ".cmake"):
            content = path.read_bytes()
            digest.update(f"{path.name}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
