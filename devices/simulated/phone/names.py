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
_PAUSE_S = 0.1
"""Far longer than `is_taken` holds a name to see whether it is free."""


def folder_of(name: str) -> Path:
    """What is kept of the phone of this name."""
    return private_dir("simulated") / name


def lock_name(name: str) -> int:
    """Take the name until the returned file descriptor is closed.

    Raises:
        DeviceUnavailableError: A phone of this name is running.
    """
    lock = _locked(name)
    if lock is None:
        time.sleep(_PAUSE_S)
        lock = _locked(name)
    if lock is None:
        raise DeviceUnavailableError(
            f"simulated:{name}",
            "a phone of this name is running already",
            REMEDY,
            FailureReason.DEVICE_BUSY,
        )
    return lock


def is_taken(name: str) -> bool:
    """Whether a phone of this name is running."""
    if not (folder_of(name) / "lock").exists():
        return False
    lock = _locked(name)
    if lock is not None:
        os.close(lock)
    return lock is None


def _locked(name: str) -> int | None:
    lock = os.open(folder_of(name) / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
