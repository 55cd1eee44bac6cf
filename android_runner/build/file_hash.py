"""The sha256 of large files, remembered while they do not change."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pocketbench.bench.paths import cache_dir, replace_file
from pocketbench.bench.records.device import LocalFile, describe_local_file
from pocketbench.bench.records.record import Value


class _Known(Value, frozen=True, kw_only=True):
    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str


def file_sha256(path: Path) -> str:
    """The sha256 of a file, computed again only when its size or time changed.

    libtorch_cpu alone has over 400 MB, which is seconds of every run.
    """
    path = path.resolve()
    status = path.stat()
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
    entry = cache_dir() / "hashes" / f"{name}.json"
    known = _read(entry)
    if known and (known.path, known.size_bytes, known.mtime_ns) == (
        str(path),
        status.st_size,
        status.st_mtime_ns,
    ):
        return known.sha256
    digest = hash_bytes_of(path)
    _write(
        entry,
        _Known(
            path=str(path),
            size_bytes=status.st_size,
            mtime_ns=status.st_mtime_ns,
            sha256=digest,
        ),
    )
    return digest


def hash_bytes_of(path: Path) -> str:
    """Read the whole file for its sha256, whatever is remembered of it.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashed_object(path: Path, *, executable: bool = False) -> LocalFile:
    """Describe a file for a device, under its own name."""
    return describe_local_file(path, sha256=file_sha256(path), executable=executable)


def keep_hashes(folder: Path, names: Iterable[str]) -> None:
    """Keep beside a folder what the files in it are, for `has_kept_files`."""
    known = {name: hash_bytes_of(folder / name) for name in names}
    replace_file(_kept(folder), msgspec.json.format(msgspec.json.encode(known)))


def has_kept_files(folder: Path, names: Iterable[str]) -> bool:
    """Return whether these files are as they were when their hashes were kept."""
    try:
        known = msgspec.json.decode(_kept(folder).read_bytes(), type=dict[str, str])
        return all(known[name] == file_sha256(folder / name) for name in names)
    except (OSError, msgspec.MsgspecError, KeyError):
        return False


def _kept(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.sha256.json")


def _read(entry: Path) -> _Known | None:
    try:
        return msgspec.json.decode(entry.read_bytes(), type=_Known)
    except (OSError, msgspec.MsgspecError):
        return None


def _write(entry: Path, known: _Known) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    replace_file(entry, msgspec.json.encode(known))
