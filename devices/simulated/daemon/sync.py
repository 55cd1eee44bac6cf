"""The sync service: files listed, sent and received, in both versions of it."""

from __future__ import annotations

import errno
import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from pocketbench.devices.simulated.daemon.incoming import (
    DataFrames,
    FailError,
    fail,
    take_in,
)
from pocketbench.devices.simulated.daemon.stream import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketbench.devices.simulated.daemon.stream import Stream

_REQUEST = struct.Struct("<4sI")
_STAT_V1 = struct.Struct("<4s3I")
_STAT_V2 = struct.Struct("<4sIQQ4IQ3q")
_DENT_V1 = struct.Struct("<4s4I")
_DENT_V2 = struct.Struct("<4sIQQ4IQ3qI")

_MAX_PATH_BYTES = 1024
_DATA_BYTES = 1 << 16
_U32 = 0xFFFFFFFF
_DRY_RUN = 0x80000000


class SyncService:
    """Serves one `sync:` stream on the file system that this process sees."""

    def __init__(self, stream: Stream, take_space: Callable[[int], None]) -> None:
        """Take the stream, and what raises OSError once the disk is full."""
        self._stream = stream
        self._take_space = take_space
        self._handlers = {
            b"STAT": self._stat_v1,
            b"STA2": self._stat_v2,
            b"LST2": self._lstat_v2,
            b"LIST": self._list_v1,
            b"LIS2": self._list_v2,
            b"SEND": self._send_v1,
            b"SND2": self._send_v2,
            b"RECV": self._receive_v1,
            b"RCV2": self._receive_v2,
        }

    async def serve(self) -> None:
        """Answer requests until QUIT, the end of the stream, or a FAIL of SEND."""
        with suppress(StreamClosedError):
            while await self._serve_one():
                pass

    async def _serve_one(self) -> bool:
        """Answer one request; return whether another one may follow."""
        name, length = await self._request()
        if name == b"QUIT":
            return False
        if length > _MAX_PATH_BYTES or name not in self._handlers:
            known = name in self._handlers
            await self._answer_fail("path too long" if known else "unknown command")
            return False
        path = (await self._stream.read_exactly(length)).partition(b"\0")[0]
        try:
            await self._handlers[name](path)
        except FailError as error:
            await self._answer_fail(str(error))
            return name not in {b"SEND", b"SND2"}
        return True

    async def _request(self) -> tuple[bytes, int]:
        name, number = _REQUEST.unpack(await self._stream.read_exactly(_REQUEST.size))
        return name, number

    async def _answer_fail(self, text: str) -> None:
        data = text.encode()
        await self._stream.write(_REQUEST.pack(b"FAIL", len(data)) + data)

    async def _stat_v1(self, path: bytes) -> None:
        mode, size, mtime = 0, 0, 0
        with suppress(OSError):
            found = os.lstat(path)
            mode, size, mtime = found.st_mode, found.st_size, int(found.st_mtime)
        answer = _STAT_V1.pack(b"STAT", mode, size & _U32, mtime & _U32)
        await self._stream.write(answer)

    async def _stat_v2(self, path: bytes) -> None:
        await self._stream.write(_STAT_V2.pack(b"STA2", *_facts(path, os.stat)))

    async def _lstat_v2(self, path: bytes) -> None:
        await self._stream.write(_STAT_V2.pack(b"LST2", *_facts(path, os.lstat)))

    async def _list_v1(self, path: bytes) -> None:
        answer = bytearray()
        for name in _names(path):
            with suppress(OSError):
                found = os.lstat(os.path.join(path, name))
                answer += _DENT_V1.pack(
                    b"DENT",
                    found.st_mode,
                    found.st_size & _U32,
                    int(found.st_mtime) & _U32,
                    len(name),
                )
                answer += name
        answer += _DENT_V1.pack(b"DONE", 0, 0, 0, 0)
        await self._stream.write(bytes(answer))

    async def _list_v2(self, path: bytes) -> None:
        answer = bytearray()
        for name in _names(path):
            facts = _facts(os.path.join(path, name), os.lstat)
            answer += _DENT_V2.pack(b"DNT2", *facts, len(name))
            answer += name
        answer += _DENT_V2.pack(b"DONE", *[0] * 12)
        await self._stream.write(bytes(answer))

    async def _receive_v2(self, path: bytes) -> None:
        _, flags = await self._request()
        if flags:
            raise FailError(f"unsupported flags {flags:#x}")
        await self._receive_v1(path)

    async def _receive_v1(self, path: bytes) -> None:
        try:
            # A pipe that nobody writes to must not stop the whole phone.
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            fail("open failed", error)
        # As many frames as one packet holds: every packet waits for the host's answer.
        frames = max(1, self._stream.max_payload // (_DATA_BYTES + _REQUEST.size))
        try:
            while packet := _next_frames(file, frames):
                await self._stream.write(packet)
        except OSError as error:
            fail("read failed", error)
        finally:
            os.close(file)
        await self._stream.write(_REQUEST.pack(b"DONE", 0))

    async def _send_v1(self, path: bytes) -> None:
        name, _, mode = path.rpartition(b",")
        if not name or not mode.isdigit():
            raise FailError("missing , in ID_SEND")
        await self._send(name, int(mode) & _U32, flags=0)

    async def _send_v2(self, path: bytes) -> None:
        _, mode = await self._request()
        (flags,) = struct.unpack("<I", await self._stream.read_exactly(4))
        await self._send(path, mode, flags=flags)

    async def _send(self, path: bytes, mode: int, *, flags: int) -> None:
        frames = DataFrames(self._stream)
        try:
            if flags & ~_DRY_RUN:
                raise FailError(f"unsupported flags {flags:#x}")
            if not flags:
                await take_in(path, mode, frames, self._take_space)
        except FailError:
            await frames.drain()
            raise
        await frames.drain()
        await self._stream.write(_REQUEST.pack(b"OKAY", 0))


def _next_frames(file: int, count: int) -> bytes:
    """The next DATA frames of a file; empty at its end."""
    packet = bytearray()
    for _ in range(count):
        data = os.read(file, _DATA_BYTES)
        if not data:
            break
        packet += _REQUEST.pack(b"DATA", len(data))
        packet += data
    return bytes(packet)


def _facts(path: bytes, look: Callable[[bytes], os.stat_result]) -> tuple[int, ...]:
    """The fields of a version 2 stat, error first."""
    try:
        found = look(path)
    except OSError as error:
        return (error.errno or errno.EIO, *[0] * 10)
    return (
        0,
        found.st_dev,
        found.st_ino,
        found.st_mode,
        found.st_nlink,
        found.st_uid,
        found.st_gid,
        found.st_size,
        int(found.st_atime),
        int(found.st_mtime),
        int(found.st_ctime),
    )


def _names(path: bytes) -> list[bytes]:
    try:
        return [b".", b"..", *sorted(os.listdir(path))]
    except OSError:
        return []
