"""One pocketbench at a time on a phone, told apart by the phone itself."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from bench.errors import DeviceUnavailableError
from bench.failure import FailureReason
from bench.locations import state_dir

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def device_lock(device_id: str, serial_hash: str) -> Iterator[None]:
    """Hold a phone for this process, however it is reached.

    The lock ends with the process, also when that is killed.

    Raises:
        DeviceUnavailableError: Another run holds it; its pid is named.
    """
    folder = state_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    # The holder is named in a file of its own: who tries a lock empties its file.
    holder = folder / f"{serial_hash}.pid"
    lock = FileLock(folder / f"{serial_hash}.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        reason = FailureReason.DEVICE_BUSY
        raise DeviceUnavailableError(
            device_id, f"in use by {_who(holder)}", reason.remedy, reason
        ) from error
    try:
        holder.write_text(str(os.getpid()))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _who(holder: os.PathLike[str]) -> str:
    try:
        with open(holder) as file:
            pid = int(file.read())
    except (OSError, ValueError):
        return "another pocketbench run"
    if pid == os.getpid():
        return "this very run, through another connection"
    return f"another pocketbench run (pid {pid})"
