"""The phones that an adb server lists, with their states in its words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.errors import PERMISSION_REMEDY, adb_errors
from pocketbench.devices.android.adb.stream import AdbStream, Limits

if TYPE_CHECKING:
    from pocketbench.bench.records.device import DeviceState
    from pocketbench.devices.android.adb.server import AdbServer

_LIST_TIMEOUT_S = 20.0
_NO_SERIAL = "(no serial number)"
_TAG = re.compile(r"\s(usb|product|model|device|transport_id|features):(\S+)")


@dataclass(frozen=True, slots=True)
class Transport:
    """One way to one phone, as a line of `adb devices -l` tells it."""

    serial: str
    state_words: str
    """`device`, `unauthorized`, `no permissions (...)`, `recovery` ..."""
    model: str | None = None
    """From the phone's banner, spaces as underscores; told by ready phones only."""
    is_usb: bool = False

    @property
    def state(self) -> DeviceState:
        """In our words."""
        words = self.state_words
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
    with adb_errors(f"adb server {server}"):
        limits = Limits.of(_LIST_TIMEOUT_S)
        with AdbStream.to_server(server.client(), "host:devices-l", limits) as stream:
            length = int(stream.receive_exactly(4), 16)
            text = stream.receive_exactly(length).decode(errors="replace")
    return parse_transports(text)


def parse_transports(text: str) -> tuple[Transport, ...]:
    """Read the answer to `host:devices-l`; a state may hold spaces."""
    found = []
    for line in text.splitlines():
        if line.startswith(_NO_SERIAL):
            serial, rest = _NO_SERIAL, line.removeprefix(_NO_SERIAL)
        else:
            serial, _, rest = line.partition(" ")
        tags = dict(_TAG.findall(rest))
        state_words = _TAG.sub("", rest).strip()
        if serial and state_words:
            found.append(
                Transport(
                    serial=serial,
                    state_words=state_words,
                    model=tags.get("model"),
                    is_usb="usb" in tags,
                )
            )
    return tuple(found)
