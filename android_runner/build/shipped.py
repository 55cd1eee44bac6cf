"""Programs for phones that came with pocketbench's own wheel, compiled before.

`scripts/build-wheel` fills the folder; a clone has none of it, and compiles.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from pocketbench.android_runner.build.built import sources_sha256
from pocketbench.bench.records.record import Value

FOLDER = Path(__file__).parent / "shipped"
MANIFEST = "manifest.json"
C_LIBRARY = "c-library"


class ShippedProgram(Value, frozen=True, kw_only=True):
    """One program of the wheel."""

    engine: str
    abi: str
    version: str
    """Of the runtime that it was linked against: `executorch 1.5.1`."""
    compiler: str
    """`aarch64-linux-gnu-g++ 12.2.0`."""
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return FOLDER / self.abi / f"pocketbench-{self.engine}"


class Manifest(Value, frozen=True, kw_only=True):
    """What the folder holds, and what of it was compiled from."""

    sources_sha256: str
    programs: tuple[ShippedProgram, ...]
    packages: tuple[str, ...] = ()
    """Debian's, of the C library: `libc6-arm64-cross 2.36-8cross1`."""


def shipped_program(engine: str, abi: str, version: str) -> ShippedProgram | None:
    """The program for a runtime; `None` without one of exactly these sources."""
    manifest = read_manifest()
    if manifest is None or manifest.sources_sha256 != sources_sha256():
        return None
    for program in manifest.programs:
        asked = (program.engine, program.abi, program.version)
        if (
            asked == (engine, abi, without_local_part(version))
            and program.path.is_file()
        ):
            return program
    return None


def without_local_part(version: str) -> str:
    """`torch 2.13.0` of `torch 2.13.0+cpu`: builds of one version are alike."""
    return version.partition("+")[0]


def read_manifest() -> Manifest | None:
    """What came along; `None` in a clone."""
    try:
        raw = (FOLDER / MANIFEST).read_bytes()
        return msgspec.json.decode(raw, type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None
