"""The phones that an adb server lists, with their states in its words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pocketbench.bench.errors import DeviceUnavailableError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.errors import (
    PERMISSION_REMEDY,
    adb_errors,
    server_silent,
)
from pocketbench.devices.android.adb.stream import AdbStream, DeadlinePassed, Limits

if TYPE_CHECKING:
    from pocketbench.bench.records.device import DeviceState
    from pocketbench.devices.android.adb.server import AdbServer

_LIST_TIMEOUT_S = 20.0
_TAG = re.compile(r"\s+(?:([a-z_]+):(\S*)|(\d+-\d+(?:\.\d+)*))$")
"""At the end of a line; libusb's path of a USB port has no name before it."""
_STATED = re.compile(
    r"(?P<serial>\S.*?)\s+(?P<state>no permissions\b.*)"
    r"|(?P<serial2>\S.*)\s+(?P<state2>device|offline|unauthorized|authorizing|connecting"
    r"|bootloader|recovery|rescue|sideload|host|detached|unknown)"
)
"""A serial may hold blanks: adb adds ` (2)` to a name that was announced twice."""


@dataclass(frozen=True, slots=True)
class Transport:
    """One way to one phone, as a line of `adb devices -l` reports it."""

    serial: str
    state_words: str
    """`device`, `unauthorized`, `no permissions (...)`, `recovery` ..."""
    model: str | None = None
    """From the phone's banner, spaces as underscores; reported by ready phones only."""
    usb_path: str | None = None
    """Of the port that it is plugged into: `usb:1-1.4.1`, with libusb `3-1`."""
    transport_id: int | None = None
    address: str | None = None
    """What adb takes for its serial: the path where several phones have one serial;
    `None`: nothing distinguishes it from another phone."""

    @property
    def is_usb(self) -> bool:
        """Whether it is on a cable."""
        return self.usb_path is not None

    @property
    def name(self) -> str:
        """What selects it among all transports of a server."""
        return self.address or f"{self.serial}#{self.transport_id}"

    @property
    def state(self) -> DeviceState:
        """In our words."""
        words = self.state_words
        if self.address is None:
            return "unknown"
        if words.startswith("no permissions"):
            return "no_permissions"
        return _STATES.get(words, "unknown")

    @property
    def reason(self) -> FailureReason:
        """Why it cannot be used, when it cannot."""
        return _REASONS.get(self.state, FailureReason.OFFLINE)

    @property
    def remedy(self) -> str | None:
        """What makes it ready; `None` when it is."""
        if self.state == "ready":
            return None
        if self.address is None:
            return (
                f"Several phones have the serial {self.serial}, and adb names no USB "
                "port by which to distinguish them: leave one of them attached"
            )
        if self.state == "no_permissions":
            return PERMISSION_REMEDY
        if self.state == "unknown":
            return f"It is in the state '{self.state_words}': start Android on it"
        return self.reason.remedy


_STATES: dict[str, DeviceState] = {
    "device": "ready",
    "unauthorized": "unauthorized",
    "authorizing": "unauthorized",
    "offline": "offline",
    "connecting": "offline",
}

_REASONS: dict[DeviceState, FailureReason] = {
    "unauthorized": FailureReason.UNAUTHORIZED,
    "offline": FailureReason.OFFLINE,
    "no_permissions": FailureReason.NO_PERMISSION,
}


def list_transports(server: AdbServer) -> tuple[Transport, ...]:
    """Every phone the server knows, in its order.

    Raises:
        DeviceLostError: No server answers.
    """
    name, limits = f"adb server {server}", Limits.of(_LIST_TIMEOUT_S)
    try:
        with (
            adb_errors(name),
            AdbStream.to_server(server.client(), "host:devices-l", limits) as stream,
        ):
            length = int(stream.receive_exactly(4), 16)
            text = stream.receive_exactly(length).decode(errors="replace")
    except DeadlinePassed as error:
        raise server_silent(name) from error
    return parse_transports(text)


def ready_transport(server: AdbServer, serial: str, device_id: str) -> Transport:
    """Return the way to a phone, which the server lists as ready.

    Raises:
        DeviceUnavailableError: It does not.
    """
    for transport in list_transports(server):
        if transport.name == serial:
            if transport.remedy is None:
                return transport
            raise DeviceUnavailableError(
                device_id, transport.state_words, transport.remedy, transport.reason
            )
    raise DeviceUnavailableError(
        device_id,
        "not attached any more",
        "See `pocketbench devices` for what is",
        FailureReason.OFFLINE,
    )


def parse_transports(text: str) -> tuple[Transport, ...]:
    """Read the answer to `host:devices-l`; serials and states may hold spaces."""
    found = [transport for line in text.splitlines() if (transport := _read(line))]
    count = Counter(transport.serial for transport in found)
    return tuple(
        transport
        if count[transport.serial] == 1
        else replace(transport, address=transport.usb_path)
        for transport in found
    )


def _read(line: str) -> Transport | None:
    """One line from its end: tags, a state that is known, and the serial before it."""
    rest, tags, usb_path = line.rstrip(), dict[str, str](), None
    while match := _TAG.search(rest):
        name, value, bare = match.groups()
        if bare or name == "usb":
            usb_path = match[0].strip()
        else:
            tags.setdefault(name, value)
        rest = rest[: match.start()]
    stated = _STATED.fullmatch(rest)
    if stated is not None:
        serial = stated["serial"] or stated["serial2"]
        state_words = stated["state"] or stated["state2"]
    else:
        serial, _, state_words = rest.partition(" ")
    serial, state_words = serial.strip(), state_words.strip()
    if not serial or not state_words:
        return None
    number = tags.get("transport_id", "")
    return Transport(
        serial=serial,
        state_words=state_words,
        model=tags.get("model"),
        usb_path=usb_path,
        transport_id=int(number) if number.isdecimal() else None,
        address=serial,
    )
