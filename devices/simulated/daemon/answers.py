"""Answers of a phone's commands, given again without running them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pocketbench.devices.simulated.daemon.stream import Stream

_MARK = re.compile(rb"@@[0-9a-f]{16}")
"""What a script of the host puts between the parts of its output, each time another."""


class _Answer(NamedTuple):
    took_s: float
    content: bytes


class Answers:
    """The first answer to each command, whatever mark it has."""

    def __init__(self) -> None:
        """Know none yet."""
        self._by_command: dict[bytes, _Answer] = {}

    async def gave(self, stream: Stream, command: str) -> bool:
        """Answer as the first time and after as long; `False`: it is the first time."""
        text = command.encode("utf-8", "surrogateescape")
        answer = self._by_command.get(_MARK.sub(b"", text))
        if answer is None:
            return False
        await asyncio.sleep(answer.took_s)
        mark = _MARK.search(text)
        content = answer.content
        if mark is not None:
            content = _MARK.sub(mark.group(), content)
        await stream.write(content)
        return True

    async def keep(self, stream: Stream, command: str, run: Awaitable[None]) -> None:
        """Let a command run, and keep what it answers and how long that takes."""
        began = asyncio.get_running_loop().time()
        stream.written = bytearray()
        await run
        took_s = asyncio.get_running_loop().time() - began
        text = command.encode("utf-8", "surrogateescape")
        self._by_command[_MARK.sub(b"", text)] = _Answer(took_s, bytes(stream.written))
