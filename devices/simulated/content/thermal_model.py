"""A phone that grows hot as it works, caps its clocks and slows its programs down."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.devices.simulated.behaviour import Heat
    from pocketbench.devices.simulated.content.vitals import Vitals
    from pocketbench.devices.simulated.phone.processes import Process
    from pocketbench.devices.simulated.profile import Profile

_TICK_S = 0.02
_LONGEST = 4.0
"""Of a part of the duty cycle. This computer may be late in ending one; the next one
is then longer too, so that the slowdown stays what the script says."""


class Heating:
    """How warm a phone is, by its script of heat."""

    def __init__(
        self, profile: Profile, vitals: Vitals, script: Callable[[], Heat | None]
    ) -> None:
        """Take whose heat it is, and where to read the script, which may change."""
        self._vitals = vitals
        self._script = script
        self._maxima = {
            c.cpus[0]: c.max_frequency_khz
            for c in profile.clusters
            if c.max_frequency_khz
        }
        self._processes: list[Process] = []
        self._is_throttled = False
        self._ran_s = 0.0
        self._seen_s: dict[int, float] = {}
        self._looked_at_s = 0.0

    def started(self, process: Process) -> None:
        """Hear of a command that starts."""
        self._processes = [x for x in self._processes if x.is_running]
        self._processes.append(process)

    async def follow(self) -> None:
        """Warm, cool, throttle and recover, for as long as there is a script."""
        while (heat := self._script()) is not None:
            self._advance(heat)
            if self._is_throttled:
                await self._pause(heat)
            else:
                await asyncio.sleep(_TICK_S)

    def _advance(self, heat: Heat) -> None:
        """Bring the phone's heat up to now.

        Work heats, not time: what this computer does besides must not warm a phone.
        """
        worked_s, passed_s, is_busy = self._look(heat)
        state = self._vitals.state
        change_c = heat.warming_c_per_s * worked_s
        if not is_busy:
            change_c -= heat.cooling_c_per_s * passed_s
        state.heat_c = min(max(0.0, state.heat_c + change_c), heat.hottest_c)
        if not self._is_throttled and state.heat_c >= heat.throttle_at_c:
            self._throttle(heat)
        elif self._is_throttled and state.heat_c <= heat.recover_at_c:
            self._is_throttled = False
            self._vitals.cap({})
        if not heat.reports_status:
            state.thermal_status = 0

    def _throttle(self, heat: Heat) -> None:
        self._is_throttled = True
        if heat.caps_clocks:
            self._vitals.cap(
                {cpu: round(khz / heat.slowdown) for cpu, khz in self._maxima.items()}
            )

    async def _pause(self, heat: Heat) -> None:
        """One period of the duty cycle, over everything that runs."""
        slower = heat.slowdown - 1
        began_s = time.monotonic()
        _signal_all(signal.SIGSTOP)
        try:
            owed_s = max(heat.paused_s, self._ran_s * slower)
            await asyncio.sleep(min(owed_s, _LONGEST * heat.paused_s))
        finally:
            _signal_all(signal.SIGCONT)
        stood_s = time.monotonic() - began_s
        await asyncio.sleep(min(stood_s / slower, _LONGEST * heat.running_s))
        self._ran_s = time.monotonic() - began_s - stood_s

    def _look(self, heat: Heat) -> tuple[float, float, bool]:
        """Processor time and time since the last look, and whether it works now."""
        self._processes = [x for x in self._processes if x.is_running]
        working = [x for x in self._processes if _holds(x.argv, heat.warmed_by)]
        seen_s = {x.pid: _cpu_s(x.pid) for x in working}
        worked_s = sum(s - self._seen_s.get(pid, 0.0) for pid, s in seen_s.items())
        now_s = time.monotonic()
        passed_s = now_s - self._looked_at_s if self._looked_at_s else 0.0
        self._seen_s, self._looked_at_s = seen_s, now_s
        return worked_s, passed_s, bool(working)


def _holds(argv: Sequence[str], words: str) -> bool:
    return any(words in word for word in argv)


def _signal_all(number: signal.Signals) -> None:
    """Signal every process of the phone but this one, its init."""
    assert os.getpid() == 1, "outside a phone this would stop the whole computer"
    with suppress(ProcessLookupError):
        os.kill(-1, number)


def _cpu_s(pid: int) -> float:
    """Processor time of a process and its children that have ended.

    A program that is measured has replaced the shell that started it.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    ticks = text.rpartition(")")[2].split()[11:15]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
