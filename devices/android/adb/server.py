"""The adb server that is talked to: where it is, its version, whether it lives."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocketbench.bench.errors import ToolMissingError, UsageError
from pocketbench.devices.android.adb.errors import adb_errors, server_silent

if TYPE_CHECKING:
    from pocketbench.devices.android.adb.program import AdbProgram

logger = logging.getLogger(__name__)

DEFAULT_PORT = 5037
_START_TIMEOUT_S = 60
_LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class AdbServer:
    """Where an adb server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """For people and logs."""
        return f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it runs on this computer, so that we may start it."""
        return self.host in _LOCAL

    def client(self) -> Any:
        """An adbutils client that never starts a server behind our back."""
        from pocketbench.devices.android.adb.client import Client

        return Client(self.host, self.port)

    def protocol(self) -> int | None:
        """The server's version number; `None` when no server listens there.

        Raises:
            DeviceLostError: It gives no answer, or something else listens there.
        """
        from adbutils.errors import AdbConnectionError, AdbTimeout

        with adb_errors(f"adb server {self}"):
            try:
                return int(self.client().server_version())
            except AdbConnectionError:
                return None
            except AdbTimeout as error:
                raise server_silent(f"adb server {self}") from error

    def command(self, adb: AdbProgram, *arguments: str) -> list[str]:
        """A command line of the adb program that neither starts nor ends a server.

        With -H given as a number, adb takes the server for a remote one, and only a
        local one is started when it is not there.
        """
        host = "127.0.0.1" if self.is_local else self.host
        return [adb.path, "-H", host, "-P", str(self.port), *arguments]


def server_from_environment(host: str | None, port: int | None) -> AdbServer:
    """The user's own server: the arguments, then adb's environment variables.

    Raises:
        UsageError: ANDROID_ADB_SERVER_PORT is not a port.
    """
    host = host or os.environ.get("ANDROID_ADB_SERVER_HOST") or "127.0.0.1"
    if port is None:
        words = os.environ.get("ANDROID_ADB_SERVER_PORT") or str(DEFAULT_PORT)
        if not (words.isdecimal() and 0 < int(words) < 2**16):
            raise UsageError(
                "ANDROID_ADB_SERVER_PORT",
                f"{words!r} is not a port",
                "Set it to a number from 1 to 65535, or unset it",
            )
        port = int(words)
    return AdbServer(host, port)


def ensure_running(server: AdbServer, adb: AdbProgram) -> None:
    """Start the user's server as any adb command would, unless one runs there.

    A running server of another version is left alone: this adb program would end
    it, and with it the connections of everybody who uses it.

    Raises:
        ToolMissingError: It cannot be started, or is of another version.
    """
    protocol = server.protocol()
    if protocol is None:
        _start(server, adb)
        protocol = server.protocol()
    if protocol != adb.protocol:
        raise ToolMissingError(
            "adb",
            f"the server at {server} speaks version {protocol} and {adb} speaks "
            f"{adb.protocol}",
            "Set ADBUTILS_ADB_PATH to the adb that started the server, "
            "or end the server with that adb's `adb kill-server`",
        )
    logger.info("using %s with the adb server at %s", adb, server)


def _start(server: AdbServer, adb: AdbProgram) -> None:
    if not server.is_local:
        raise ToolMissingError(
            "adb",
            f"no adb server answers at {server}",
            f"Start one there: `adb -a -P {server.port} server nodaemon`",
        )
    logger.info("no adb server at %s; starting it with %s", server, adb)
    environment = {k: v for k, v in os.environ.items() if k != "ADB_SERVER_SOCKET"}
    try:
        done = subprocess.run(
            [adb.path, "-P", str(server.port), "start-server"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_START_TIMEOUT_S,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        words = f"no answer in {_START_TIMEOUT_S} s"
        raise _not_started(server, adb, words) from error
    if done.returncode != 0:
        words = " ".join((done.stderr or done.stdout).split())
        raise _not_started(server, adb, words)


def _not_started(server: AdbServer, adb: AdbProgram, words: str) -> ToolMissingError:
    return ToolMissingError(
        "adb",
        f"{adb} did not start a server at {server}: {words}",
        "See what else listens on that port",
    )


class ServerWatch:
    """A connection held open to an adb server, to notice that it was ended.

    A phone that goes and a server that is replaced both end a running command in the
    same way; only the second one ends this connection.
    """

    def __init__(self, server: AdbServer) -> None:
        """Connect.

        Raises:
            OSError: No server listens there.
        """
        self._socket = socket.create_connection((server.host, server.port), timeout=5)

    def ended(self, *, within_s: float) -> bool:
        """Whether the server has closed the connection, waiting a little for it."""
        try:
            self._socket.settimeout(within_s)
            return self._socket.recv(1) == b""
        except (TimeoutError, BlockingIOError):
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Let go of the server."""
        self._socket.close()
