"""One stream of a connection: bytes both ways, one unanswered packet each way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from pocketbench.devices.simulated.adb_packets import Command

_BUFFERED_BYTES = 4 << 20
"""Up to here an arriving packet is acknowledged before it has been read."""

Send = Callable[[Command, int, int, bytes], Awaitable[None]]


class StreamClosedError(Exception):
    """The host closed the stream, or the connection ended."""


class Stream:
    """The device's end of a stream that the host opened."""

    def __init__(
        self, service: str, local_id: int, remote_id: int, max_payload: int, send: Send
    ) -> None:
        """Take the ids of both ends and the way to send a packet."""
        self.service = service
        self.local_id = local_id
        self.remote_id = remote_id
        self.max_payload = max_payload
        self.closed = asyncio.Event()
        self.sent_bytes = 0
        self.written: bytearray | None = None
        """What is written, for who wants to keep it."""
        self._send_packet = send
        self._acknowledged = asyncio.Event()
        self._acknowledged.set()
        self._arrived = asyncio.Event()
        self._chunks: deque[bytes | memoryview] = deque()
        self._buffered = 0
        self._owes_okay = False

    async def accept(self) -> None:
        """Answer the host that the service is open."""
        await self._send_packet(Command.OKAY, self.local_id, self.remote_id, b"")

    async def received(self, payload: bytes) -> None:
        """Take a WRTE packet of the host."""
        if payload:
            self._chunks.append(payload)
            self._buffered += len(payload)
            self._arrived.set()
        if self._buffered <= _BUFFERED_BYTES:
            await self._okay()
        else:
            self._owes_okay = True

    def acknowledged(self) -> None:
        """Take an OKAY packet of the host."""
        self._acknowledged.set()

    def end(self) -> None:
        """Take a CLSE packet of the host, or the loss of the connection."""
        self.closed.set()
        self._arrived.set()
        self._acknowledged.set()

    async def read_some(self, limit: int) -> bytes | memoryview:
        """Read what is there, at least one byte; empty once the stream is closed."""
        while not self._chunks:
            if self.closed.is_set():
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        chunk = self._chunks.popleft()
        if len(chunk) > limit:
            view = memoryview(chunk)
            self._chunks.appendleft(view[limit:])
            chunk = view[:limit]
        self._buffered -= len(chunk)
        if self._owes_okay and self._buffered <= _BUFFERED_BYTES:
            await self._okay()
        return chunk

    async def read_exactly(self, count: int) -> bytes:
        """Read that many bytes.

        Raises:
            StreamClosedError: The stream ended before.
        """
        parts: list[bytes | memoryview] = []
        while count:
            part = await self.read_some(count)
            if not part:
                raise StreamClosedError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting for the host to take every packet but the last.

        Raises:
            StreamClosedError: The host does not want them any more.
        """
        if self.written is not None:
            self.written += data
        for start in range(0, len(data), self.max_payload):
            await self._acknowledged.wait()
            if self.closed.is_set():
                raise StreamClosedError
            self._acknowledged.clear()
            whole = len(data) <= self.max_payload
            packet = data if whole else data[start : start + self.max_payload]
            await self._send_packet(Command.WRTE, self.local_id, self.remote_id, packet)
            self.sent_bytes += len(packet)

    async def close(self) -> None:
        """Close from this end, after the host took what was sent."""
        if not self.closed.is_set():
            await self._acknowledged.wait()
        if not self.closed.is_set():
            self.end()
            await self._send_packet(Command.CLSE, self.local_id, self.remote_id, b"")

    async def _okay(self) -> None:
        self._owes_okay = False
        if not self.closed.is_set():
            await self._send_packet(Command.OKAY, self.local_id, self.remote_id, b"")
