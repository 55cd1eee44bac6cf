"""One connection of an adb server: the handshake and the streams it opens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from pocketbench.devices.simulated.adb_packets import (
    MAX_HANDSHAKE_PAYLOAD,
    VERSION_WITHOUT_CHECKSUMS,
    AuthKind,
    Command,
    Packet,
    ProtocolError,
    header,
    read_packet,
)
from pocketbench.devices.simulated.daemon.authorization import Authorization
from pocketbench.devices.simulated.daemon.stream import Stream, StreamClosedError

if TYPE_CHECKING:
    from pocketbench.devices.simulated.behaviour import Behaviour
    from pocketbench.devices.simulated.daemon.authorization import PublicKey
    from pocketbench.devices.simulated.daemon.counters import Counters
    from pocketbench.devices.simulated.profile import Profile

Handler = Callable[[Stream], Awaitable[None]]

logger = logging.getLogger(__name__)

_CORRUPTION = (asyncio.IncompleteReadError, ConnectionError, ProtocolError, OSError)


class _Daemon(Protocol):
    """What a connection asks of the daemon that has accepted it."""

    keys: tuple[PublicKey, ...]
    profile: Profile
    behaviour: Behaviour
    counters: Counters

    def opened(self, service: str) -> None: ...
    def sent(self, count: int) -> None: ...
    def handler(self, service: str) -> Handler | None: ...


class Connection:
    """The device's end of one TCP connection."""

    def __init__(
        self,
        daemon: _Daemon,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Take an accepted connection."""
        self._daemon = daemon
        self._reader = reader
        self._writer = writer
        # A server that connects again already leaves the checksums out if it did so
        # before; what it gets must have them until both versions are known.
        self._checks_received = False
        self._checks_sent = True
        self._max_payload = MAX_HANDSHAKE_PAYLOAD
        self._online = False
        self._authorization = Authorization(daemon.keys)
        self._greeting: Packet | None = None
        self._streams: dict[int, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_id = 1
        self._link_is_free_at = 0.0

    async def serve(self) -> None:
        """Speak with the server until one of the two goes away."""
        try:
            while True:
                packet = await read_packet(self._reader, checked=self._checks_received)
                await self._take(packet)
        except _CORRUPTION as error:
            logger.debug("connection ended: %r", error)
        finally:
            for stream in self._streams.values():
                stream.end()
            self._writer.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def unplug(self) -> None:
        """Drop the connection at once, with whatever was under way."""
        self._writer.transport.abort()

    async def _take(self, packet: Packet) -> None:
        match packet.command:
            case Command.CNXN:
                await self._greet(packet)
            case Command.AUTH:
                if packet.arg0 == AuthKind.SIGNATURE:
                    await self._check(packet.payload)
            case Command.OPEN if self._online:
                await self._open(packet)
            case Command.OKAY:
                stream = self._streams.get(packet.arg1)
                if stream is not None:
                    stream.acknowledged()
            case Command.WRTE:
                await self._carry(len(packet.payload))
                stream = self._streams.get(packet.arg1)
                self._daemon.counters.received_bytes += len(packet.payload)
                if stream is None:
                    await self._send(Command.CLSE, 0, packet.arg0, b"")
                else:
                    await stream.received(packet.payload)
            case Command.CLSE:
                stream = self._streams.pop(packet.arg1, None)
                if stream is not None and not stream.closed.is_set():
                    stream.end()
                    await self._send(
                        Command.CLSE, stream.local_id, stream.remote_id, b""
                    )

    async def _carry(self, count: int) -> None:
        """Take as long as the scripted link does for so many bytes."""
        link_bytes_per_s = self._daemon.behaviour.link_bytes_per_s
        if link_bytes_per_s is not None:
            now = asyncio.get_running_loop().time()
            begin = max(now, self._link_is_free_at)
            self._link_is_free_at = begin + count / link_bytes_per_s
            await asyncio.sleep(self._link_is_free_at - now)

    async def _greet(self, packet: Packet) -> None:
        if self._daemon.behaviour.handshake != "silent":
            self._greeting = packet
            await self._ask_for_a_key()

    async def _check(self, signature: bytes) -> None:
        is_known = self._authorization.accepts(signature)
        refuses_all = self._daemon.behaviour.handshake == "unauthorized"
        if self._greeting is None or not is_known or refuses_all:
            await self._ask_for_a_key()
        else:
            await self._go_online(self._greeting)

    async def _go_online(self, packet: Packet) -> None:
        daemon = self._daemon
        adb = daemon.profile.adb
        version = min(packet.arg0, adb.protocol_version)
        self._max_payload = min(packet.arg1, adb.max_payload_bytes)
        await self._send(
            Command.CNXN,
            adb.protocol_version,
            adb.max_payload_bytes,
            daemon.profile.banner().encode(),
        )
        self._online = True
        self._checks_received = version < VERSION_WITHOUT_CHECKSUMS
        self._checks_sent = self._checks_received

    async def _ask_for_a_key(self) -> None:
        # After its last key the server offers a new one, and waits for a person who
        # never comes.
        token = self._authorization.new_token()
        await self._send(Command.AUTH, AuthKind.TOKEN, 0, token)

    async def _open(self, packet: Packet) -> None:
        # It ends at the first zero byte, as in adbd.
        name = packet.payload.partition(b"\0")[0]
        service = name.decode("utf-8", "surrogateescape")
        self._daemon.opened(service)
        handler = self._daemon.handler(service)
        if handler is None:
            await self._send(Command.CLSE, 0, packet.arg0, b"")
            return
        stream = Stream(
            service, self._next_id, packet.arg0, self._max_payload, self._send
        )
        self._next_id += 1
        self._streams[stream.local_id] = stream
        await stream.accept()

        async def run() -> None:
            try:
                await handler(stream)
            except StreamClosedError:
                pass
            except _CORRUPTION as error:
                logger.debug("%s: %r", service, error)
            finally:
                await stream.close()
                self._streams.pop(stream.local_id, None)

        task = asyncio.create_task(run(), name=service)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(
        self, command: Command, arg0: int, arg1: int, payload: bytes
    ) -> None:
        head = header(command, arg0, arg1, payload, checked=self._checks_sent)
        self._writer.write(head + payload if payload else head)
        self._daemon.sent(len(payload))
        await self._writer.drain()
