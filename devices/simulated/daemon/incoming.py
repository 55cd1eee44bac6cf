"""A file that the host sends over the sync service."""

from __future__ import annotations

import errno
import os
import stat
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from pocketbench.devices.simulated.daemon.stream import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pocketbench.devices.simulated.daemon.stream import Stream

_FRAME = struct.Struct("<4sI")
_MAX_DATA_BYTES = 1 << 16
_MAX_TARGET_BYTES = 4096


class FailError(Exception):
    """The reason given to the host in a FAIL answer."""


def fail(what: str, error: OSError) -> NoReturn:
    """Raise a system call's error in adbd's words.

    Raises:
        FailError: Always.
    """
    raise FailError(f"{what}: {os.strerror(error.errno or errno.EIO)}") from error


class DataFrames:
    """The content: DATA frames until DONE, which reports the file's time."""

    def __init__(self, stream: Stream) -> None:
        """Read from a stream whose next frame is the first."""
        self.mtime = 0
        self._stream = stream
        self._unread = 0
        self._over = False

    async def pieces(self) -> AsyncIterator[bytes | memoryview]:
        """What has not been read yet, as it comes.

        Raises:
            FailError: The frames are not what the protocol allows.
            StreamClosedError: The host went away in the middle.
        """
        while not self._over:
            while self._unread:
                piece = await self._stream.read_some(self._unread)
                if not piece:
                    raise StreamClosedError
                self._unread -= len(piece)
                yield piece
            name, number = _FRAME.unpack(await self._stream.read_exactly(_FRAME.size))
            self._over = name != b"DATA" or number > _MAX_DATA_BYTES
            if name == b"DONE":
                self.mtime = number
            elif name != b"DATA":
                raise FailError("invalid data message")
            elif self._over:
                raise FailError("oversize data message")
            else:
                self._unread = number

    async def drain(self) -> None:
        """Read on until DONE: a host that is still sending must not block."""
        async for _ in self.pieces():
            pass


async def take_in(
    path: bytes, mode: int, frames: DataFrames, take_space: Callable[[int], None]
) -> None:
    """Make a file or a link of what the host sends.

    Args:
        path: Where; missing folders are made.
        mode: As of stat(2), with the kind of file.
        frames: Its content.
        take_space: Raises OSError once the disk is full.

    Raises:
        FailError: It cannot be made; nothing of it is left.
    """
    if stat.S_ISLNK(mode):
        await _make_link(path, frames)
    else:
        await _write_file(path, mode, frames, take_space)
    with suppress(OSError):
        os.utime(path, (frames.mtime, frames.mtime), follow_symlinks=False)


async def _make_link(path: bytes, frames: DataFrames) -> None:
    target = bytearray()
    async for piece in frames.pieces():
        target += piece
        if len(target) > _MAX_TARGET_BYTES:
            raise FailError("symlink failed: target too long")
    _make_parents(path)
    try:
        with suppress(FileNotFoundError):
            os.unlink(path)
        os.symlink(bytes(target.partition(b"\0")[0]), path)
    except OSError as error:
        fail("symlink failed", error)


async def _write_file(
    path: bytes, mode: int, frames: DataFrames, take_space: Callable[[int], None]
) -> None:
    # The owner's bits count for everyone, as adbd has it: what the host's file
    # system says of groups means nothing on the phone.
    mode = (mode & 0o700) | (mode >> 3 & 0o070) | (mode >> 6 & 0o007)
    file = _create(path, mode)
    whole = False
    try:
        async for piece in frames.pieces():
            try:
                take_space(len(piece))
                _write_all(file, piece)
            except OSError as error:
                fail("write failed", error)
        os.fchmod(file, mode)
        whole = True
    finally:
        os.close(file)
        if not whole:
            with suppress(OSError):
                os.unlink(path)


def _create(path: bytes, mode: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        # A running program's file cannot be written to, but it can be replaced.
        with suppress(OSError):
            os.unlink(path)
        return os.open(path, flags | os.O_EXCL, mode)
    except FileNotFoundError:
        _make_parents(path)
    except FileExistsError:
        pass
    except OSError as error:
        fail("couldn't create file", error)
    try:
        return os.open(path, flags | os.O_TRUNC, mode)
    except OSError as error:
        fail("couldn't create file", error)


def _make_parents(path: bytes) -> None:
    try:
        os.makedirs(os.path.dirname(path), mode=0o775, exist_ok=True)
    except OSError as error:
        fail("secure_mkdirs() failed", error)


def _write_all(file: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
