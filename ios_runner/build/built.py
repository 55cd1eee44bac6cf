"""Programs for Apple devices that were built before and lie in the cache."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from pocketbench.bench.paths import cache_dir
from pocketbench.bench.records.device import LocalFile, describe_local_file
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.runner import Program

SOURCES = Path(__file__).parents[1] / "native"
LOOP_SOURCES = Path(__file__).parents[2] / "android_runner" / "native"
"""The measurement loop and the protocol, which every system shares."""

RECORD_NAME = "build.json"
_SUFFIXES = (
    ".cpp",
    ".h",
    ".mm",
    ".swift",
    ".yml",
    ".entitlements",
)


class BuiltApp(Value, frozen=True, kw_only=True):
    """One program and what it was made of; stored beside it."""

    platform: str
    """The device family it runs on: `ios` or `ios-simulator`."""
    engine: str
    abis: tuple[str, ...]
    version: str | None
    """Of the runtime inside; `None` when it is not known or there is none."""
    origin: str
    program: str
    """Path, relative to the record's folder: an `.ipa`, or a simulator's program."""
    sources_sha256: str
    built_at: str
    """ISO-8601, UTC."""

    @property
    def is_current(self) -> bool:
        """Whether it was built from the sources of this pocketbench."""
        return self.sources_sha256 == sources_sha256()


def apps_folder() -> Path:
    """Where built programs lie, a folder each."""
    return cache_dir() / "ios-runners"


def built_apps() -> tuple[BuiltApp, ...]:
    """Every program in the cache that is whole, newest first."""
    records = (read_built(path.parent) for path in apps_folder().glob("*/build.json"))
    found = [built for built in records if built is not None]
    return tuple(sorted(found, key=lambda built: built.built_at, reverse=True))


def read_built(folder: Path) -> BuiltApp | None:
    """The program of a folder; `None` when there is none."""
    try:
        raw = (folder / RECORD_NAME).read_bytes()
        built = msgspec.json.decode(raw, type=BuiltApp)
    except (OSError, msgspec.MsgspecError):
        return None
    path = folder / built.program
    if not path.is_file():
        return None
    return msgspec.structs.replace(built, program=str(path))


def write_built(folder: Path, built: BuiltApp) -> None:
    """Store what a folder holds."""
    raw = msgspec.json.format(msgspec.json.encode(built))
    (folder / RECORD_NAME).write_bytes(raw + b"\n")


def as_program(
    path: Path, *, engine: str, abi: str, version: str | None, origin: str
) -> Program:
    """A program file as what a device is given.

    The name is the engine's own, as on every other system: it is the same loop.
    """
    return Program(
        runner=engine,
        abi=abi,
        libc="darwin",
        executable=_hashed(path),
        version=version,
        origin=origin,
    )


def _hashed(path: Path) -> LocalFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return describe_local_file(path, sha256=digest, executable=path.suffix != ".ipa")


def sources_sha256() -> str:
    """Of everything a program is built from."""
    digest = hashlib.sha256()
    for folder in (SOURCES, LOOP_SOURCES):
        for path in sorted(folder.iterdir()):
            if path.suffix in _SUFFIXES:
                content = path.read_bytes()
                digest.update(f"{path.name}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()
