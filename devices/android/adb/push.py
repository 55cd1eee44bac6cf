"""Send files with the adb program, which is several times faster than adbutils."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

from pocketbench.bench.errors import Cancelled, PushError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.errors import adb_push_failed

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

_POLL_S = 0.05
_LEAST_TIMEOUT_S = 60.0
_SLOWEST_BYTES_PER_S = 0.5e6
"""Slower than old phones over a poor USB 2 hub."""


def adb_push(
    command: Sequence[str],
    paths: Sequence[Path],
    folder: str,
    *,
    size_bytes: int,
    device_id: str,
    cancel: threading.Event,
) -> None:
    """Send files into an existing folder of a phone, under their own names.

    Args:
        command: The adb program with its server and phone.
        paths: Links are followed.
        folder: On the phone, with a final slash.
        size_bytes: Of all of them; the deadline depends on it.
        device_id: For errors.
        cancel: Ends the push.

    Raises:
        PushError: With adb's own words.
        DeviceLostError, DeviceUnavailableError: The phone went away.
        Cancelled: The event was set.
    """
    child = subprocess.Popen(
        [*command, "push", *map(str, paths), folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={k: v for k, v in os.environ.items() if k != "ADB_TRACE"},
        process_group=0,
    )
    timeout_s = _LEAST_TIMEOUT_S + size_bytes / _SLOWEST_BYTES_PER_S
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            try:
                output, _ = child.communicate(timeout=_POLL_S)
                break
            except subprocess.TimeoutExpired:
                if cancel.is_set():
                    raise Cancelled(
                        device_id, "stopped", "Its push was ended"
                    ) from None
                if time.monotonic() > deadline:
                    reason = FailureReason.PUSH_FAILED
                    raise PushError(
                        device_id,
                        f"a push was not done after {timeout_s:.0f} s",
                        "Check the cable; try another port, or USB instead of Wi-Fi",
                        reason,
                    ) from None
    finally:
        if child.returncode is None:
            child.kill()
            child.communicate()
    if child.returncode != 0:
        raise adb_push_failed(device_id, _error_words(output.decode(errors="replace")))


def _error_words(output: str) -> str:
    """Adb's errors without its progress; all of it when it names none."""
    errors = [
        line.removeprefix("adb: ").removeprefix("error: ")
        for line in output.splitlines()
        if line.startswith(("adb: ", "error: "))
    ]
    return "; ".join(errors) or output[-500:]
