"""The adb key of our own servers, which alone may connect to simulated phones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from pocketbench.bench.errors import ToolMissingError
from pocketbench.bench.paths import private_dir
from pocketbench.bench.processes.tool import run_to_end

if TYPE_CHECKING:
    from pocketbench.devices.android.adb.program import AdbProgram


def own_public_key() -> Path:
    """Where the public half is, once one of our servers has started."""
    return private_dir("adb") / "adbkey.pub"


def ensure_own_key(adb: AdbProgram) -> Path:
    """Where the private half is, which only this user can read; made the first time.

    Raises:
        ToolMissingError: This adb makes no key.
    """
    public = own_public_key()
    private = public.with_suffix("")
    with FileLock(private.with_suffix(".lock")):
        if not (private.is_file() and public.is_file()):
            done = run_to_end(adb.path, "keygen", private, timeout_s=60)
            if not done.succeeded or not public.is_file():
                words = " ".join((done.stderr or done.stdout).split())
                raise ToolMissingError(
                    "adb",
                    f"{adb} made no key: {words}",
                    f"See that {private.parent} can be written",
                )
    return private
