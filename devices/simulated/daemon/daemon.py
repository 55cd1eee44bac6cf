"""The phone's adb daemon: its connections, its services, and what it counts."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pocketbench.devices.simulated.content.thermal_model import Heating
from pocketbench.devices.simulated.daemon import shell
from pocketbench.devices.simulated.daemon.answers import Answers
from pocketbench.devices.simulated.daemon.connection import Connection, Handler
from pocketbench.devices.simulated.daemon.counters import Counters
from pocketbench.devices.simulated.daemon.sync import SyncService
from pocketbench.devices.simulated.phone.processes import Process, Processes, leaves
from pocketbench.devices.simulated.phone.system_log import SystemLog

if TYPE_CHECKING:
    from pocketbench.devices.simulated.behaviour import Behaviour, CommandRule
    from pocketbench.devices.simulated.content.vitals import Vitals
    from pocketbench.devices.simulated.daemon.authorization import PublicKey
    from pocketbench.devices.simulated.daemon.stream import Stream
    from pocketbench.devices.simulated.profile import Profile

logger = logging.getLogger(__name__)

_READ_AHEAD_BYTES = 4 << 20
_REMEMBERED_SERVICES = 1000

_NOT_ROOT = {
    "root": "adbd cannot run as root in production builds\n",
    "unroot": "adbd not running as root\n",
    "remount": 'Not running as root. Try "adb root" first.\n',
}


class Daemon:
    """One phone's adbd."""

    def __init__(
        self,
        profile: Profile,
        behaviour: Behaviour,
        vitals: Vitals,
        environment: dict[str, str],
        keys: tuple[PublicKey, ...],
    ) -> None:
        """Take what the phone is, how it misbehaves, and its commands' environment.

        Only a server that holds one of the keys is let in.
        """
        self.keys = keys
        self.vitals = vitals
        self.profile = profile
        self.behaviour = behaviour
        self.environment = environment
        self.processes = Processes()
        self._heating = Heating(profile, vitals, lambda: self.behaviour.heat)
        self.processes.listeners += [vitals.started, self._heating.started]
        self._answers = Answers()
        self._log = SystemLog(profile)
        self.processes.signal_listeners.append(self._log.ended)
        self.counters = Counters()
        self._commands, self._busy_since = 0, 0.0
        self._address: tuple[str, int] | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._background: set[asyncio.Task[None]] = set()
        self._heated: asyncio.Task[None] | None = None

    def behave(self, behaviour: Behaviour) -> None:
        """Follow a script from now on."""
        self.behaviour = behaviour
        if behaviour.heat and (self._heated is None or self._heated.done()):
            self._heated = asyncio.create_task(self._heating.follow())

    async def listen(self, listener: socket.socket) -> None:
        """Serve adb servers that connect to a bound socket."""
        self.processes.watch()
        self._address = listener.getsockname()
        await self._listen(sock=listener)
        self.behave(self.behaviour)

    def unplug(self) -> None:
        """Drop every connection, and refuse new ones until `plug`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self._connections):
            connection.unplug()

    async def plug(self) -> None:
        """Be reachable again, on the same port."""
        while self._server is None:
            assert self._address is not None
            host, port = self._address
            try:
                await self._listen(host=host, port=port)
            except OSError as error:
                # Somebody's outgoing connection happens to have the port now.
                logger.debug("port %d: %s", port, error)
                await asyncio.sleep(0.05)

    async def _listen(self, **where: Any) -> None:
        self._server = await asyncio.start_server(
            self._accept, limit=_READ_AHEAD_BYTES, **where
        )

    async def switch_off(self) -> None:
        """Drop every connection, and wait until nothing is under way any more."""
        self.unplug()
        await self._idle.wait()

    def reboot(self) -> None:
        """Restart: connections drop, every process dies, and it comes back later."""
        self.unplug()
        self.processes.kill_all()
        self.vitals.restarted()
        self._answers = Answers()
        self._in_background(self._come_back(self.behaviour.reboot_s))

    def _unplug_by_script(self) -> None:
        self.unplug()
        if self.behaviour.replug_s is not None:
            self._in_background(self._come_back(self.behaviour.replug_s))

    async def _come_back(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self.plug()

    def opened(self, service: str) -> None:
        """Count a stream that the host opens."""
        self.counters.streams += 1
        if len(self.counters.services) < _REMEMBERED_SERVICES:
            readable = service.encode("utf-8", "surrogateescape")
            self.counters.services.append(readable.decode("utf-8", "replace"))

    def sent(self, count: int) -> None:
        """Count bytes on their way to the host, and unplug where that is scripted."""
        self.counters.sent_bytes += count
        left = self.behaviour.unplug_after_sent_bytes
        if left is not None and count:
            self.behaviour.unplug_after_sent_bytes = left - count
            if left <= count:
                self.behaviour.unplug_after_sent_bytes = None
                self._unplug_by_script()

    def handler(self, service: str) -> Handler | None:
        """What serves a service name; `None` for one this phone does not have."""
        name = service.partition(":")[0]
        kind = name.partition(",")[0]
        if kind in {"shell", "exec"}:
            return self._serve_shell
        if service == "sync:":
            return self._serve_sync
        if name == "reboot":
            return self._serve_reboot
        if name in _NOT_ROOT:
            return self._serve_not_root
        return None

    async def _serve_shell(self, stream: Stream) -> None:
        if not self._commands:
            self._busy_since = time.monotonic()
        self._commands += 1
        try:
            await self._answer_shell(stream)
        finally:
            self._commands -= 1
            if not self._commands:
                self.counters.busy_s += time.monotonic() - self._busy_since

    async def _answer_shell(self, stream: Stream) -> None:
        request = shell.parse_request(
            stream.service, raw_without_v2=self.profile.adb.shell != "v1-terminal"
        )
        rule = self.behaviour.rule_for(request.command)
        if rule is not None and rule.action == "hang":
            await stream.closed.wait()
            return
        if rule is not None and rule.action == "garbage":
            await stream.write(rule.text.encode("utf-8", "surrogateescape"))
            return
        remembers = rule is not None and rule.action == "remember"
        if rule is not None and remembers:
            if await self._answers.gave(stream, request.command, rule.after_s):
                return
        elif rule is not None and rule.action == "delay":
            await asyncio.sleep(rule.after_s)
        elif rule is not None:
            self._arm(rule)
        self.vitals.refresh()
        run = shell.serve(stream, request, self.processes, self.environment)
        if remembers:
            await self._answers.keep(stream, request.command, run)
        else:
            await run

    def _arm(self, rule: CommandRule) -> None:
        def started(process: Process) -> None:
            self.processes.listeners.remove(started)
            self._in_background(self._strike(rule, process))

        self.processes.listeners.append(started)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _strike(self, rule: CommandRule, process: Process) -> None:
        await asyncio.sleep(rule.after_s)
        if rule.action == "unplug":
            self._unplug_by_script()
        elif rule.action == "reboot":
            self.reboot()
        elif rule.action == "kill" and process.is_running:
            for pid in leaves(process.pid):
                if rule.signal == signal.SIGKILL:
                    self._log.killed_for_memory(pid)
                elif pid != process.pid:
                    # Its parent and not this process will learn of its end.
                    self._log.ended(pid, rule.signal)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.Signals(rule.signal))

    async def _serve_sync(self, stream: Stream) -> None:
        await SyncService(stream, self.behaviour.take_space).serve()

    async def _serve_reboot(self, stream: Stream) -> None:
        await stream.close()
        self.reboot()

    async def _serve_not_root(self, stream: Stream) -> None:
        await stream.write(_NOT_ROOT[stream.service.partition(":")[0]].encode())

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # asyncio does it only for sockets that were made with an explicit protocol.
        # Without it every answer after an acknowledgement waits 40 ms.
        accepted: socket.socket = writer.get_extra_info("socket")
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(self, reader, writer)
        self._connections.add(connection)
        self._idle.clear()
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
            if not self._connections:
                self._idle.set()
