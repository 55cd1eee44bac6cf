"""One pocketbench at a time on a phone, whichever way it is reached."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pocketbench.bench.errors import DeviceUnavailableError
from pocketbench.bench.paths import state_dir
from pocketbench.bench.records.failure import FailureReason

if TYPE_CHECKING:
    from collections.abc import Iterator


def serial_hash(serial: str) -> str:
    """The first 8 hex digits of the sha256 of a serial."""
    return hashlib.sha256(serial.encode()).hexdigest()[:8]


@contextlib.contextmanager
def device_lock(device_id: str, phone: str) -> Iterator[None]:
    """Hold the phone of a serial hash for this process, however it is reached.

    The lock ends with the process, also when that is killed.

    Raises:
        DeviceUnavailableError: Another run holds it; its pid is named.
    """
    folder = state_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    # The holder is named in a file of its own: who tries a lock empties its file.
    holder = folder / f"{phone}.pid"
    lock = FileLock(folder / f"{phone}.lock", thread_local=False)
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
