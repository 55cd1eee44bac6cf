"""A pipe or terminal of a command, read and written on the event loop."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BYTES = 1 << 16


class Descriptor:
    """A non-blocking file descriptor on the event loop."""

    def __init__(self, number: int) -> None:
        """Take a descriptor, to be closed here."""
        os.set_blocking(number, False)
        self._number: int | None = number
        self._waiters: set[asyncio.Event] = set()

    async def read(self) -> bytes:
        """Read what is there; empty at the end, also of a terminal's last user."""
        while self._number is not None:
            try:
                return os.read(self._number, READ_BYTES)
            except BlockingIOError:
                loop = asyncio.get_running_loop()
                await self._wait(loop.add_reader, loop.remove_reader)
            except OSError:
                return b""
        return b""

    async def write(self, data: bytes | memoryview) -> None:
        """Write everything; what nobody reads any more is dropped."""
        view = memoryview(data)
        while view and self._number is not None:
            try:
                view = view[os.write(self._number, view) :]
            except BlockingIOError:
                loop = asyncio.get_running_loop()
                await self._wait(loop.add_writer, loop.remove_writer)
            except OSError:
                return

    def close(self) -> None:
        """Close it, once; a waiting reader finds it at its end.

        The loop must forget the number first: the next pipe gets it, and a loop that
        believes to watch it already never would.
        """
        number, self._number = self._number, None
        if number is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(number)
        loop.remove_writer(number)
        os.close(number)
        for waiter in self._waiters:
            waiter.set()

    async def _wait(
        self,
        add: Callable[..., object],
        remove: Callable[[int], object],
    ) -> None:
        assert self._number is not None
        number = self._number
        ready = asyncio.Event()
        add(number, ready.set)
        self._waiters.add(ready)
        try:
            await ready.wait()
        finally:
            self._waiters.discard(ready)
            if self._number == number:
                remove(number)
