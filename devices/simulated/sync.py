"""The sync service: files listed, sent and received, in both versions of it."""

from __future__ import annotations

import errno
import os
import stat
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from devices.simulated.stream import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.simulated.stream import Stream

_REQUEST = struct.Struct("<4sI")
_STAT_V1 = struct.Struct("<4s3I")
_STAT_V2 = struct.Struct("<4sIQQ4IQ3q")
_DENT_V1 = struct.Struct("<4s4I")
_DENT_V2 = struct.Struct("<4sIQQ4IQ3qI")

_MAX_PATH_BYTES = 1024
_MAX_DATA_BYTES = 1 << 16

_U32 = 0xFFFFFFFF

TakeSpace = "Callable[[int], None]"


class _FailError(Exception):
    """What the host is told in a FAIL answer."""


def _fail(what: str, error: OSError) -> NoReturn:
    raise _FailError(f"{what}: {os.strerror(error.errno or errno.EIO)}") from error


class SyncService:
    """Serves one `sync:` stream on the file system that this process sees."""

    def __init__(self, stream: Stream, take_space: Callable[[int], None]) -> None:
        """Take the stream, and what raises OSError once the disk is full."""
        self._stream = stream
        self._take_space = take_space

    async def serve(self) -> None:
        """Answer requests until QUIT, the end of the stream, or a FAIL of SEND."""
        handlers = {
            b"STAT": self._stat_v1,
            b"LSTA": self._stat_v1,
            b"STA2": self._stat_v2,
            b"LST2": self._lstat_v2,
            b"LIST": self._list_v1,
            b"LIS2": self._list_v2,
            b"SEND": self._send_v1,
            b"SND2": self._send_v2,
            b"RECV": self._receive_v1,
            b"RCV2": self._receive_v2,
        }
        try:
            while True:
                name, length = await self._request()
                if name == b"QUIT":
                    return
                if length > _MAX_PATH_BYTES:
                    await self._answer_fail("path too long")
                    return
                path = await self._stream.read_exactly(length)
                if name not in handlers:
                    await self._answer_fail(f"unknown command {name.hex()}")
                    return
                try:
                    await handlers[name](path)
                except _FailError as error:
                    await self._answer_fail(str(error))
                    if name in {b"SEND", b"SND2"}:
                        return
        except StreamClosedError:
            return

    async def _request(self) -> tuple[bytes, int]:
        name, length = _REQUEST.unpack(await self._stream.read_exactly(_REQUEST.size))
        return name, length

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
        _, flags = _REQUEST.unpack(await self._stream.read_exactly(_REQUEST.size))
        if flags:
            raise _FailError(f"unsupported flags {flags:#x}")
        await self._receive_v1(path)

    async def _receive_v1(self, path: bytes) -> None:
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError as error:
            _fail("open failed", error)
        try:
            frames = max(1, self._stream.max_payload // (_MAX_DATA_BYTES + 8))
            while True:
                packet = bytearray()
                for _ in range(frames):
                    try:
                        data = os.read(file, _MAX_DATA_BYTES)
                    except OSError as error:
                        _fail("read failed", error)
                    if not data:
                        break
                    packet += _REQUEST.pack(b"DATA", len(data))
                    packet += data
                if not packet:
                    break
                await self._stream.write(bytes(packet))
        finally:
            os.close(file)
        await self._stream.write(_REQUEST.pack(b"DONE", 0))

    async def _send_v2(self, path: bytes) -> None:
        _, mode = await self._request()
        (flags,) = struct.unpack("<I", await self._stream.read_exactly(4))
        dry_run = bool(flags & 0x80000000)
        if flags & 0x7FFFFFFF:
            await self._drain()
            raise _FailError(f"unsupported flags {flags:#x}")
        await self._send(path, mode, dry_run=dry_run)

    async def _send_v1(self, path: bytes) -> None:
        name, comma, mode = path.rpartition(b",")
        if not comma or not mode.isdigit():
            await self._drain()
            raise _FailError("missing , in ID_SEND")
        await self._send(name, int(mode), dry_run=False)

    async def _send(self, path: bytes, mode: int, *, dry_run: bool) -> None:
        try:
            if dry_run:
                mtime = await self._copy(None)
            elif stat.S_ISLNK(mode):
                mtime = await self._make_link(path)
            else:
                mtime = await self._write_file(path, mode)
        except _FailError:
            await self._drain()
            raise
        if not dry_run:
            with suppress(OSError):
                os.utime(path, (mtime, mtime), follow_symlinks=False)
        await self._stream.write(_REQUEST.pack(b"OKAY", 0))

    async def _make_link(self, path: bytes) -> int:
        target = bytearray()
        while (length := await self._data_length()) is not None:
            target += await self._stream.read_exactly(length)
        mtime = self._mtime
        _make_parents(path)
        try:
            with suppress(FileNotFoundError):
                os.unlink(path)
            os.symlink(bytes(target).rstrip(b"\0"), path)
        except OSError as error:
            # From here on nothing is left to drain.
            await self._answer_fail(
                f"symlink failed: {os.strerror(error.errno or errno.EIO)}"
            )
            raise StreamClosedError from error
        return mtime

    async def _write_file(self, path: bytes, mode: int) -> int:
        # The owner's bits count for everyone, as adbd has it: what the host's file
        # system says of groups means nothing on the phone.
        mode = (mode & 0o700) | (mode >> 3 & 0o070) | (mode >> 6 & 0o007)
        file = _create(path, mode)
        kept = False
        try:
            mtime = await self._copy(file)
            os.fchmod(file, mode)
            kept = True
        finally:
            os.close(file)
            if not kept:
                with suppress(OSError):
                    os.unlink(path)
        return mtime

    async def _copy(self, file: int | None) -> int:
        while (length := await self._data_length()) is not None:
            while length:
                data = await self._stream.read_some(length)
                if not data:
                    raise StreamClosedError
                length -= len(data)
                self._unread = length
                if file is None:
                    continue
                try:
                    self._take_space(len(data))
                    _write_all(file, data)
                except OSError as error:
                    _fail("write failed", error)
        return self._mtime

    _mtime = 0
    _unread = 0
    """Bytes of the current DATA frame that have not been read."""

    async def _data_length(self) -> int | None:
        """The length of the next DATA frame; `None` at DONE, which sets `_mtime`."""
        name, number = await self._request()
        if name == b"DONE":
            self._mtime = number
            return None
        if name != b"DATA":
            raise _FailError("invalid data message")
        self._unread = number
        if number > _MAX_DATA_BYTES:
            raise _FailError("oversize data message")
        return number

    async def _drain(self) -> None:
        """Read on until DONE: a host that is still sending must not block."""
        while True:
            while self._unread:
                data = await self._stream.read_some(self._unread)
                if not data:
                    raise StreamClosedError
                self._unread -= len(data)
            name, self._unread = await self._request()
            if name != b"DATA":
                self._unread = 0
                return


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


def _make_parents(path: bytes) -> None:
    try:
        os.makedirs(os.path.dirname(path), mode=0o775, exist_ok=True)
    except OSError as error:
        _fail("secure_mkdirs() failed", error)


def _create(path: bytes, mode: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    try:
        # A running program's file cannot be written to, but it can be replaced.
        with suppress(FileNotFoundError, IsADirectoryError, PermissionError):
            if not os.path.isdir(path):
                os.unlink(path)
        return os.open(path, flags | os.O_EXCL, mode)
    except FileNotFoundError:
        _make_parents(path)
    except FileExistsError:
        pass
    except OSError as error:
        _fail("couldn't create file", error)
    try:
        return os.open(path, flags | os.O_TRUNC, mode)
    except OSError as error:
        _fail("couldn't create file", error)


def _write_all(file: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
