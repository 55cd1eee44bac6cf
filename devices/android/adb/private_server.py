"""An adb server of our own, apart from the user's, that touches no USB phone."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import subprocess
from typing import TYPE_CHECKING

from pocketbench.bench.errors import ToolMissingError
from pocketbench.devices.android.adb.own_key import ensure_own_key
from pocketbench.devices.android.adb.program import bundled_adb, find_adb
from pocketbench.devices.android.adb.server import AdbServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pocketbench.devices.android.adb.program import AdbProgram

logger = logging.getLogger(__name__)

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 10.0
_EMULATOR_PORTS = range(5555, 5586)
"""Every adb server looks for emulators on these ports of this computer."""

_SUPERVISOR = (
    '"$@" 3>&1 >/dev/null & adb=$!; exec >&-; read _; kill "$adb"; wait "$adb"'
)
"""Ends the server when our end of its stdin closes, so also when we are killed."""


@contextlib.contextmanager
def any_private_server(home: Path) -> Iterator[tuple[AdbProgram, AdbServer]]:
    """A server of the adb that is found, else of the one that adbutils brings along.

    Gives the program too: one of another version would end its server.

    Raises:
        ToolMissingError: Neither starts; the words are those of the first.
    """
    with contextlib.ExitStack() as stack:
        adb = find_adb()
        try:
            server = stack.enter_context(private_server(adb, home))
        except ToolMissingError as error:
            bundled = bundled_adb()
            if bundled is None or bundled.path == adb.path:
                raise
            logger.warning("%s; using %s instead", error.fact, bundled)
            adb = bundled
            server = stack.enter_context(private_server(adb, home))
        yield adb, server


@contextlib.contextmanager
def private_server(
    adb: AdbProgram, home: Path, *, port: int | None = None
) -> Iterator[AdbServer]:
    """Run an adb server with a home of its own until the context ends.

    It claims no USB phone (`ADB_USB=0`; which also spares the 3 s that adb waits for
    libusb where there is none), looks for no emulator (`ADB_EMU=0`) and no phone on
    the network (`ADB_MDNS=0`), and refuses `kill-server` of other adb programs. It
    has our own key, which simulated phones accept.

    Args:
        adb: The program to run.
        home: Keeps its key and its log; created.
        port: On loopback; `None` takes a free one.

    Raises:
        ToolMissingError: The server did not come up; its own words are in the text.
    """
    home.mkdir(parents=True, exist_ok=True)
    key = ensure_own_key(adb)
    server = AdbServer("127.0.0.1", port if port is not None else _free_port())
    log = home / "adb.log"
    with log.open("ab") as stderr:
        supervisor = subprocess.Popen(
            ["sh", "-c", _SUPERVISOR, "sh", *_server_command(adb, server)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=_environment(home, key),
            # Ctrl-C is ours to handle; the server must outlive the clean-up.
            start_new_session=True,
        )
    try:
        _wait_for_start(supervisor, server, adb, log)
        yield server
    finally:
        _stop(supervisor)


def _server_command(adb: AdbProgram, server: AdbServer) -> list[str]:
    port = str(server.port)
    # As adb itself starts a server: before adb 31 only this mode replies.
    return [adb.path, "-P", port, "fork-server", "server", "--reply-fd", "3"]


def _environment(home: Path, key: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ADB_", "ANDROID_"))
    }
    return kept | {
        "HOME": str(home),
        "ADB_VENDOR_KEYS": str(key),
        "ANDROID_ADB_LOG_PATH": str(home / "adb.log"),
        "ADB_USB": "0",
        "ADB_EMU": "0",
        "ADB_MDNS": "0",
        "ADB_REJECT_KILL_SERVER": "1",
    }


def _free_port() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _EMULATOR_PORTS:
            return port


def _wait_for_start(
    supervisor: subprocess.Popen[bytes], server: AdbServer, adb: AdbProgram, log: Path
) -> None:
    """Wait for adb's own word that it listens."""
    assert supervisor.stdout is not None
    ready, _, _ = select.select([supervisor.stdout], [], [], _START_TIMEOUT_S)
    answer = os.read(supervisor.stdout.fileno(), 1024) if ready else b""
    if not answer.startswith(b"OK"):
        words = log.read_text(errors="replace")[-500:]
        raise ToolMissingError(
            "adb",
            f"{adb} did not start a private server at {server}: "
            + (" ".join(words.split()) or f"no answer in {_START_TIMEOUT_S:.0f} s"),
            "Run again; if it stays so, see that log: " + str(log),
        )


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        supervisor.stdin.close()
    supervisor.stdout.close()
    try:
        supervisor.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(supervisor.pid, 9)
        supervisor.wait()
