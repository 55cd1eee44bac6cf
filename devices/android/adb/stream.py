"""One service of a phone as a stream of bytes, with a deadline and a way to stop."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    import threading

_POLL_S = 0.25
"""How often the cancel event is looked at; data wakes us at once."""
_OPENING_GRACE_S = 1.0
_CHUNK_BYTES = 1 << 18
_SERVER_TIMEOUT_S = 20.0
"""For the server's own answers, which need no phone."""
SERVICE_LIMIT_BYTES = 0xFFFF
"""The length of a service goes to the server as four hex digits."""


class DeadlinePassed(Exception):
    """The stream's deadline is over; internal, never leaves the room."""


class StopRequested(Exception):
    """The cancel event was set; internal, never leaves the room."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to give up on a stream."""

    deadline: float
    """In `time.monotonic()` seconds."""
    cancel: threading.Event | None = None

    @classmethod
    def of(cls, timeout_s: float, cancel: threading.Event | None = None) -> Limits:
        """So many seconds from now."""
        return cls(time.monotonic() + timeout_s, cancel)


class AdbStream:
    """A service of a phone, or a request to the adb server."""

    def __init__(self, connection: socket.socket, service: str, limits: Limits) -> None:
        """Ask for the service and wait until it is granted.

        Raises:
            adbutils.errors.AdbError: The server or the phone refused; in their words.
            EOFError, OSError: The server went away.
            DeadlinePassed, StopRequested: Before there was an answer.
        """
        self.limits = limits
        self._socket = connection
        # What has been asked for starts anyway: with its answer it can be ended.
        self._patient_until = time.monotonic() + _OPENING_GRACE_S
        try:
            words = service.encode("utf-8", "surrogateescape")
            connection.sendall(b"%04x" % len(words) + words)
            self.receive_okay()
        except BaseException:
            connection.close()
            raise
        self._patient_until = 0.0

    @classmethod
    def to_phone(
        cls, client: Any, serial: str, service: str, limits: Limits
    ) -> AdbStream:
        """Open a service on a phone; its answer counts against the deadline too.

        Raises:
            adbutils.errors.AdbError: And the others, as for the constructor.
        """
        from adbutils import AdbDevice

        device = AdbDevice(client, serial=serial)
        return cls(
            device.open_transport(timeout=_SERVER_TIMEOUT_S).conn, service, limits
        )

    @classmethod
    def to_server(cls, client: Any, request: str, limits: Limits) -> AdbStream:
        """Ask the adb server itself.

        Raises:
            adbutils.errors.AdbError: And the others, as for the constructor.
        """
        connection = client.make_connection(timeout=_SERVER_TIMEOUT_S)
        return cls(connection.conn, request, limits)

    def receive_okay(self) -> None:
        """Read one OKAY.

        Raises:
            adbutils.errors.AdbError: A FAIL came instead, with these words.
        """
        from adbutils.errors import AdbError

        if self.receive_exactly(4) != b"OKAY":
            length = int(self.receive_exactly(4), 16)
            raise AdbError(self.receive_exactly(length).decode(errors="replace"))

    def __enter__(self) -> AdbStream:
        """Use it as a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it; what runs on the phone may go on."""
        self._socket.close()

    def receive(self, size: int = _CHUNK_BYTES) -> bytes:
        """The next bytes; empty at the end.

        Raises:
            DeadlinePassed: The time is over.
            StopRequested: The cancel event is set.
            OSError: The server broke the connection.
        """
        while True:
            now = time.monotonic()
            cancel = self.limits.cancel
            if cancel and cancel.is_set() and now >= self._patient_until:
                raise StopRequested
            remaining_s = max(self.limits.deadline, self._patient_until) - now
            if remaining_s <= 0:
                raise DeadlinePassed
            self._socket.settimeout(min(_POLL_S, remaining_s))
            try:
                return bytes(self._socket.recv(size))
            except TimeoutError:
                continue

    def send(self, data: bytes) -> None:
        """Write a few bytes, no more than the socket takes at once.

        Raises:
            OSError: The server broke the connection.
        """
        self._socket.sendall(data)

    def receive_exactly(self, size: int) -> bytes:
        """So many bytes.

        Raises:
            EOFError: The stream ended before.
        """
        received = b""
        while len(received) < size:
            chunk = self.receive(size - len(received))
            if not chunk:
                raise EOFError("the adb server closed the connection")
            received += chunk
        return received
