"""adbutils' client without its habit of starting an adb server by itself."""

from __future__ import annotations

import socket

from adbutils import AdbClient
from adbutils._adb import AdbConnection
from adbutils.errors import AdbConnectionError

_CONNECT_TIMEOUT_S = 3.0
_ANSWER_TIMEOUT_S = 20.0
"""For a question that states no limit of its own; adbutils would wait for ever."""


class Connection(AdbConnection):  # type: ignore[misc]
    """A connection that fails when no server listens, and leaves no socket behind.

    adbutils runs `adb start-server` instead, on the port of the environment and not
    on its own: that would start the user's server when a private one has gone.
    """

    def __init__(self, host: str, port: int) -> None:
        """Connect.

        Raises:
            AdbConnectionError: No server takes the connection.
        """
        self._address = (host, port)
        super().__init__(host, port)

    def _safe_connect(self) -> socket.socket:
        try:
            connected = socket.create_connection(self._address, _CONNECT_TIMEOUT_S)
        except OSError as error:
            words = f"connect to adb server failed: {error.strerror or error}"
            raise AdbConnectionError(words) from error
        # A server on another computer may vanish without a word.
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return connected

    def check_okay(self) -> None:
        """Read one OKAY; on anything else close the socket, which adbutils forgets."""
        try:
            super().check_okay()
        except BaseException:
            self.conn.close()
            raise


class Client(AdbClient):  # type: ignore[misc]
    """An adbutils client that only ever talks to a server that is there."""

    _version: int | None = None

    def make_connection(self, timeout: float | None = None) -> Connection:
        """Connect to the server.

        Raises:
            AdbConnectionError: No server takes the connection.
        """
        connection = Connection(self.host, self.port)
        connection.conn.settimeout(timeout or _ANSWER_TIMEOUT_S)
        return connection

    def server_version(self) -> int:
        """The server's version, asked once: adbutils asks before every stream."""
        if self._version is None:
            self._version = int(super().server_version())
        return self._version
