"""Send files with the adb program, which is several times faster than adbutils."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.errors import PushError
from pocketbench.bench.processes.child import run_child
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.errors import adb_push_failed

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

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
    timeout_s = _LEAST_TIMEOUT_S + size_bytes / _SLOWEST_BYTES_PER_S
    done = run_child(
        [*command, "push", *map(str, paths), folder],
        timeout_s=timeout_s,
        env={"ADB_TRACE": ""},
        cancel=cancel,
        subject=device_id,
    )
    if done.timed_out:
        reason = FailureReason.PUSH_FAILED
        raise PushError(
            device_id,
            f"a push was not done after {timeout_s:.0f} s",
            "Check the cable; try another port, or USB instead of Wi-Fi",
            reason,
        )
    if done.exit_code != 0:
        output = (done.stderr + done.stdout).decode(errors="replace")
        raise adb_push_failed(device_id, _error_words(output))


def _error_words(output: str) -> str:
    """Adb's errors without its progress; all of it when it names none."""
    errors = [
        line.removeprefix("adb: ").removeprefix("error: ")
        for line in output.splitlines()
        if line.startswith(("adb: ", "error: "))
    ]
    return "; ".join(errors) or output[-500:]
