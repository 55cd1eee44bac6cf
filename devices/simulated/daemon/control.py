"""The phone's own remote control: JSON lines in on stdin, answers out on stdout."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import msgspec

from pocketbench.devices.simulated.behaviour import Behaviour
from pocketbench.devices.simulated.daemon.counters import Counters
from pocketbench.devices.simulated.phone.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketbench.devices.simulated.daemon.daemon import Daemon


class Control:
    """Takes requests such as `{"do": "unplug"}`, one per line, and answers each."""

    def __init__(self, daemon: Daemon, ended: asyncio.Event) -> None:
        """Take what to control, and what to set when the requests end."""
        self._daemon = daemon
        self._ended = ended

    async def serve(self, descriptor: int, answer: Callable[[object], None]) -> None:
        """Answer requests from a descriptor, one after the other, until it ends."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
        )
        while line := await reader.readline():
            answer(await self._answer(line))
        self._ended.set()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            return {"result": await self._do(request.pop("do"), request)}
        except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
            return {"error": [line.decode("utf-8", "replace"), repr(error), ""]}

    async def _do(self, what: str, arguments: dict[str, Any]) -> Any:
        daemon = self._daemon
        match what:
            case "statistics":
                return msgspec.to_builtins(daemon.counters)
            case "reset_statistics":
                daemon.counters = Counters()
            case "unplug":
                daemon.unplug()
            case "plug":
                await daemon.plug()
            case "reboot":
                daemon.reboot()
            case "state":
                whole = msgspec.to_builtins(daemon.vitals.state) | arguments
                daemon.vitals.state = msgspec.convert(whole, State, strict=False)
                daemon.vitals.refresh()
            case "behave":
                whole = msgspec.to_builtins(daemon.behaviour) | arguments
                daemon.behave(msgspec.convert(whole, Behaviour))
            case _:
                raise KeyError(what)
        return None
