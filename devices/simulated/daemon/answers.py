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
_RUNS = 3
"""The first run of a command takes longest; the shortest of so many is remembered."""


class _Answer(NamedTuple):
    took_s: float
    content: bytes


class Answers:
    """The fastest of the first answers to each command, whatever mark it has."""

    def __init__(self) -> None:
        """Know none yet."""
        self._by_command: dict[bytes, list[_Answer]] = {}

    async def gave(self, stream: Stream, command: str, after_s: float) -> bool:
        """Answer as before; `False`: it has not run often enough.

        It takes `after_s`, or where that is 0 as long as before.
        """
        text = command.encode("utf-8", "surrogateescape")
        answers = self._by_command.get(_MARK.sub(b"", text), [])
        if len(answers) < _RUNS:
            return False
        answer = min(answers)
        await asyncio.sleep(after_s or answer.took_s)
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
        answers = self._by_command.setdefault(_MARK.sub(b"", text), [])
        answers.append(_Answer(took_s, bytes(stream.written)))
