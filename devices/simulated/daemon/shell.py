"""The shell service: commands, with the shell v2 protocol or as plain bytes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import termios
from contextlib import suppress
from enum import IntEnum
from fcntl import ioctl
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.devices.simulated.daemon.descriptor import READ_BYTES, Descriptor
from pocketbench.devices.simulated.daemon.stream import StreamClosedError
from pocketbench.devices.simulated.phone.processes import SHELL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocketbench.devices.simulated.daemon.stream import Stream
    from pocketbench.devices.simulated.phone.processes import Process, Processes

_PACKET = struct.Struct("<BI")


class Id(IntEnum):
    """The first byte of a shell v2 packet."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    EXIT = 3
    CLOSE_STDIN = 4
    WINDOW_SIZE = 5


class Request(NamedTuple):
    """What a `shell...:` or `exec:` service name asks for."""

    command: str
    v2: bool
    pty: bool
    term: str | None


def parse_request(service: str, *, raw_without_v2: bool) -> Request:
    """Read a service name: `shell,v2,TERM=xterm,raw:echo hello`.

    Args:
        service: The name, its options, a colon and the command.
        raw_without_v2: False on a phone before Android 7, whose plain `shell:` is
            always a terminal.
    """
    name, _, command = service.partition(":")
    kind, *options = name.split(",")
    term = next((o[5:] for o in options if o.startswith("TERM=")), None)
    raw = bool(command) and (raw_without_v2 or "v2" in options)
    if "pty" in options:
        raw = False
    if "raw" in options or kind == "exec":
        raw = True
    return Request(command, "v2" in options, not raw, term)


async def serve(
    stream: Stream,
    request: Request,
    processes: Processes,
    env: Mapping[str, str],
) -> None:
    """Run what was asked for until it has ended and its output is sent.

    When the host closes the stream first, a command on a terminal is hung up, and a
    raw one runs on until it writes to nobody: as on a phone.
    """
    argv = [SHELL, "-c", request.command] if request.command else [SHELL, "-"]
    if request.term:
        env = {**env, "TERM": request.term}
    if request.pty:
        await _serve_terminal(stream, request, processes, argv, env)
    else:
        await _serve_raw(stream, request, processes, argv, env)


async def _serve_raw(
    stream: Stream,
    request: Request,
    processes: Processes,
    argv: list[str],
    env: Mapping[str, str],
) -> None:
    pipes = [os.pipe() for _ in range(3 if request.v2 else 2)]
    theirs = (pipes[0][0], pipes[1][1], pipes[-1][1])
    stdin, *outputs = map(Descriptor, (pipes[0][1], *(ours for ours, _ in pipes[1:])))
    with contextlib.ExitStack() as stack:
        for descriptor in (stdin, *outputs):
            stack.callback(descriptor.close)
        try:
            process = processes.start(argv, env, descriptors=theirs)
        finally:
            for number in set(theirs):
                os.close(number)
        kinds = (Id.STDOUT, Id.STDERR)
        kept = list(zip(kinds, outputs, strict=False))
        await _converse(stream, request, process, stdin, kept, None)


async def _serve_terminal(
    stream: Stream,
    request: Request,
    processes: Processes,
    argv: list[str],
    env: Mapping[str, str],
) -> None:
    master, slave = os.openpty()
    both = Descriptor(master)
    with contextlib.closing(both):
        try:
            process = processes.start(argv, env, terminal=os.ttyname(slave))
        finally:
            os.close(slave)
        await _converse(stream, request, process, both, [(Id.STDOUT, both)], master)


async def _converse(
    stream: Stream,
    request: Request,
    process: Process,
    stdin: Descriptor,
    outputs: list[tuple[Id, Descriptor]],
    terminal: int | None,
) -> None:
    feed = _feed_v2(stream, stdin, terminal) if request.v2 else _feed(stream, stdin)
    feeding = asyncio.create_task(feed)
    hung_up = asyncio.create_task(stream.closed.wait())

    async def finish() -> None:
        sending = asyncio.Lock()
        await asyncio.gather(
            *(
                _send_output(stream, kind, output, sending, v2=request.v2)
                for kind, output in outputs
            )
        )
        code = await process.exit_code()
        if request.v2:
            await stream.write(_packet(Id.EXIT, bytes([code & 0xFF])))

    finishing = asyncio.create_task(finish())
    try:
        await asyncio.wait([finishing, hung_up], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (feeding, hung_up, finishing):
            task.cancel()
        await asyncio.gather(feeding, hung_up, finishing, return_exceptions=True)


async def _send_output(
    stream: Stream, kind: Id, output: Descriptor, sending: asyncio.Lock, *, v2: bool
) -> None:
    while data := await output.read():
        async with sending:
            with suppress(StreamClosedError):
                await stream.write(_packet(kind, data) if v2 else data)


async def _feed(stream: Stream, stdin: Descriptor) -> None:
    while data := await stream.read_some(READ_BYTES):
        await stdin.write(data)


async def _feed_v2(stream: Stream, stdin: Descriptor, terminal: int | None) -> None:
    with suppress(StreamClosedError):
        while True:
            kind, length = _PACKET.unpack(await stream.read_exactly(_PACKET.size))
            if kind == Id.STDIN:
                while length:
                    data = await stream.read_some(length)
                    if not data:
                        return
                    length -= len(data)
                    await stdin.write(data)
                continue
            if length > READ_BYTES:
                return
            data = await stream.read_exactly(length)
            if kind == Id.CLOSE_STDIN and terminal is None:
                stdin.close()
            elif kind == Id.WINDOW_SIZE and terminal is not None:
                _resize(terminal, data)


def _resize(terminal: int, data: bytes) -> None:
    """Apply `rowsxcolumns,xpixelsxypixels`, NUL-terminated."""
    with suppress(ValueError, OSError, struct.error):
        size, _, pixels = data.rstrip(b"\0").decode().partition(",")
        rows, columns = map(int, size.split("x"))
        width, height = map(int, pixels.split("x"))
        packed = struct.pack("4H", rows, columns, width, height)
        ioctl(terminal, termios.TIOCSWINSZ, packed)


def _packet(kind: Id, data: bytes) -> bytes:
    return _PACKET.pack(kind, len(data)) + data
