"""Wait for a phone that went away: replugged, rebooted, or found by the server."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

from pocketbench.bench.errors import Cancelled, DeviceError
from pocketbench.devices.android.adb.errors import adb_errors
from pocketbench.devices.android.adb.stream import (
    AdbStream,
    DeadlinePassed,
    Limits,
    StopRequested,
)
from pocketbench.devices.android.shell.shell import AdbShell

if TYPE_CHECKING:
    import threading

    from pocketbench.devices.android.adb.server import AdbServer

logger = logging.getLogger(__name__)

_PAUSE_S = 0.25
_LISTED_TIMEOUT_S = 5.0
_ANSWER_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 15.0
"""The server itself gives up after ten seconds."""


def wait_until_back(
    server: AdbServer,
    serial: str,
    *,
    device_id: str,
    timeout_s: float,
    cancel: threading.Event,
) -> str | None:
    """Wait until a phone answers a command; its own serial, or `None` if too late.

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
            limits = Limits.of(min(_LISTED_TIMEOUT_S, remaining_s), cancel)
            if not _becomes_listed(server, serial, device_id, limits):
                _connect_again(server, serial, device_id, cancel)
                continue
            with contextlib.closing(
                AdbShell(server, serial, device_id=device_id, cancel=cancel)
            ) as shell:
                answer = shell.run(
                    ["getprop", "ro.serialno"],
                    timeout_s=min(_ANSWER_TIMEOUT_S, remaining_s),
                )
        except DeviceError as error:
            logger.debug("%s is not back: %s", device_id, error)
        except StopRequested:
            raise _cancelled(device_id) from None
        else:
            if not answer.timed_out:
                return answer.stdout.decode(errors="replace").strip()
        if cancel.wait(_PAUSE_S):
            raise _cancelled(device_id)
    return None


def _cancelled(device_id: str) -> Cancelled:
    return Cancelled(device_id, "stopped", "It was waited for")


def _becomes_listed(
    server: AdbServer, serial: str, device_id: str, limits: Limits
) -> bool:
    """Whether the server lists the phone as ready in time."""
    request = f"host-serial:{serial}:wait-for-any-device"
    try:
        with (
            adb_errors(device_id),
            AdbStream.to_server(server.client(), request, limits) as stream,
        ):
            # One for the request, which the constructor read; one for the phone.
            stream.receive_okay()
    except DeadlinePassed:
        return False
    return True


def _connect_again(
    server: AdbServer, serial: str, device_id: str, cancel: threading.Event
) -> None:
    """Let the server look for a phone on the network that it has given up."""
    if ":" in serial:
        words = ask_server(server, f"host:connect:{serial}", device_id, cancel)
        logger.debug("%s: %s", device_id, words)


def ask_server(
    server: AdbServer, request: str, device_id: str, cancel: threading.Event
) -> str:
    """Have the server connect to a phone or let it go; its words, empty if too late.

    Raises:
        DeviceLostError: No server answers.
    """
    limits = Limits.of(_CONNECT_TIMEOUT_S, cancel)
    with (
        contextlib.suppress(DeadlinePassed),
        adb_errors(device_id),
        AdbStream.to_server(server.client(), request, limits) as stream,
    ):
        length = int(stream.receive_exactly(4), 16)
        return stream.receive_exactly(length).decode(errors="replace")
    return ""
