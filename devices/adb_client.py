"""adbutils' client without its habit of starting an adb server by itself."""

from __future__ import annotations

from typing import Any

from adbutils import AdbClient
from adbutils._adb import AdbConnection


class Connection(AdbConnection):  # type: ignore[misc]
    """A connection that fails when no server listens.

    adbutils runs `adb start-server` instead, on the port of the environment and not
    on its own: that would start the user's server when a private one has gone.
    """

    def _safe_connect(self) -> Any:
        return self._create_socket()


class Client(AdbClient):  # type: ignore[misc]
    """An adbutils client that only ever talks to a server that is there."""

    _version: int | None = None

    def make_connection(self, timeout: float | None = None) -> Connection:
        """Connect to the server.

        Raises:
            AdbConnectionError: No server listens there.
            AdbTimeout: It did not take the connection.
        """
        connection = Connection(self.host, self.port)
        connection.conn.settimeout(timeout)
        return connection

    def server_version(self) -> int:
        """The server's version, asked once: adbutils asks before every stream."""
        if self._version is None:
            self._version = int(super().server_version())
        return self._version
