"""One running phone of a name at a time: the name's file system is its own."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from pocketbench.bench.errors import DeviceUnavailableError
from pocketbench.bench.paths import private_dir
from pocketbench.bench.records.failure import FailureReason

REMEDY = "End it, or start `pocketbench simulate` with another --name"
_ENDING_S = 60.0
_POLL_S = 0.02
_PAUSE_S = 0.1
"""Far longer than `is_taken` holds a name to see whether it is free."""


def folder_of(name: str) -> Path:
    """What is kept of the phone of this name."""
    return private_dir("simulated") / name


def lock_name(name: str, starter: int) -> int:
    """Take the name until the returned file descriptor is closed.

    A phone ends with the process that started it: one whose starter was killed, a
    moment ago, is waited for.

    Raises:
        DeviceUnavailableError: A phone of this name is running.
    """
    begin = time.monotonic()
    while (lock := _locked(name)) is None:
        wait_s = _ENDING_S if _is_ending(name) else _PAUSE_S
        if time.monotonic() - begin > wait_s:
            raise DeviceUnavailableError(
                f"simulated:{name}",
                "a phone of this name is running already",
                REMEDY,
                FailureReason.DEVICE_BUSY,
            )
        time.sleep(_POLL_S)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(starter).encode(), 0)
    return lock


def is_taken(name: str) -> bool:
    """Whether a phone of this name is running, and will be."""
    if not (folder_of(name) / "lock").exists():
        return False
    lock = _locked(name)
    if lock is not None:
        os.close(lock)
    return lock is None and not _is_ending(name)


def _is_ending(name: str) -> bool:
    """Whether the process that started the running phone is no more."""
    starter = (folder_of(name) / "lock").read_text()
    return starter != "" and not os.path.isdir(f"/proc/{starter}")


def _locked(name: str) -> int | None:
    lock = os.open(folder_of(name) / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
