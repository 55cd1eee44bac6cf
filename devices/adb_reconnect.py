"""Wait for a phone that went away: replugged, rebooted, or found by the server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.errors import Cancelled, DeviceError

if TYPE_CHECKING:
    import threading

    from devices.adb_shell import AdbShell

_PAUSE_S = 0.25
_ANSWER_TIMEOUT_S = 5.0


def wait_until_back(
    shell: AdbShell, serialno: str, timeout_s: float, cancel: threading.Event
) -> bool:
    """Wait until the same phone answers a command again; whether it did in time.

    The server itself looks for a phone on the network every few seconds for a minute,
    and for a USB phone for ever. It is not started again when it is gone: the one who
    replaced it starts one. A phone that the server still lists although it went is
    found out by its silence.

    Raises:
        Cancelled: The cancel event was set.
    """
    deadline = time.monotonic() + timeout_s
    while (remaining_s := deadline - time.monotonic()) > 0:
        try:
            if not shell.wait_until_listed(remaining_s):
                return False
            answer = shell.run(
                ["getprop", "ro.serialno"],
                timeout_s=min(_ANSWER_TIMEOUT_S, remaining_s),
            )
        except DeviceError:
            pass
        else:
            if not answer.timed_out:
                return answer.stdout.decode(errors="replace").strip() == serialno
        if cancel.wait(_PAUSE_S):
            raise Cancelled("waiting for a phone", "stopped", "It did not come back")
    return False
