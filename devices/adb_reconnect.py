"""Wait for a phone that went away: replugged, rebooted, or found by the server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.errors import Cancelled, DeviceError

if TYPE_CHECKING:
    import threading

    from devices.adb_shell import AdbShell

_PAUSE_S = 0.25
_LISTED_TIMEOUT_S = 5.0
_ANSWER_TIMEOUT_S = 5.0


def wait_until_back(
    shell: AdbShell, serialno: str, timeout_s: float, cancel: threading.Event
) -> bool:
    """Wait until the same phone answers a command again; whether it did in time.

    The server itself looks for a USB phone for ever, and for a phone on the network
    for a minute, which a reboot can outlast: then it is asked to connect again. The
    server is not started when it is gone: the one who replaced it starts one. A phone
    that the server still lists although it went is found out by its silence.

    Raises:
        Cancelled: The cancel event was set.
    """
    deadline = time.monotonic() + timeout_s
    while (remaining_s := deadline - time.monotonic()) > 0:
        try:
            if not shell.wait_until_listed(min(_LISTED_TIMEOUT_S, remaining_s)):
                shell.connect_again()
                continue
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
