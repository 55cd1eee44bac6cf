"""Which adb program is used, and its version."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pocketbench.bench.errors import ToolMissingError
from pocketbench.bench.processes.tool import run_to_end

INSTALL = (
    "Install Android platform-tools, put adb on $PATH, "
    "or set ADBUTILS_ADB_PATH to its path"
)


@dataclass(frozen=True, slots=True)
class AdbProgram:
    """One adb program of this computer."""

    path: str
    version: str
    """Of the platform-tools: `36.0.0-13206524`."""
    protocol: int
    """What it and its server must agree on: 41 for `1.0.41`."""

    def __str__(self) -> str:
        """For people and logs."""
        return f"adb {self.version} ({self.path})"


def find_adb() -> AdbProgram:
    """The adb that adbutils uses too: ADBUTILS_ADB_PATH, then $PATH, then its own.

    Raises:
        ToolMissingError: There is none, or what is there is not adb.
    """
    from adbutils import adb_path
    from adbutils.errors import AdbError

    try:
        path = adb_path()
    except AdbError as error:
        raise ToolMissingError("adb", "no adb program was found", INSTALL) from error
    return read_version(path)


def bundled_adb() -> AdbProgram | None:
    """The adb that adbutils' wheel brings along, where it brings one that runs here."""
    import adbutils

    name = "adb.exe" if os.name == "nt" else "adb"
    path = Path(adbutils.__file__).parent / "binaries" / name
    try:
        return read_version(str(path)) if path.is_file() else None
    except ToolMissingError:
        return None


def read_version(path: str) -> AdbProgram:
    """Ask a program which adb it is; starts no server.

    Raises:
        ToolMissingError: It cannot be run, or is not adb.
    """
    done = run_to_end(path, "version", timeout_s=20)
    if done.exit_code in (None, 126, 127):
        words = " ".join(done.stderr.split())
        raise ToolMissingError("adb", f"{path} cannot be run: {words}", INSTALL)
    # Android Debug Bridge version 1.0.41
    # Version 36.0.0-13206524
    protocol = re.search(r"Android Debug Bridge version \d+\.\d+\.(\d+)", done.stdout)
    version = re.search(r"^(?:Version|Revision) (\S+)", done.stdout, re.M)
    if protocol is None:
        raise ToolMissingError("adb", f"{path} is not adb", INSTALL)
    return AdbProgram(
        path=path,
        version=version[1] if version else f"1.0.{protocol[1]}",
        protocol=int(protocol[1]),
    )
