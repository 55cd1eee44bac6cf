"""Wait before a block until the phone is cool enough."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from pocketbench.bench.conditions.cooldown_rules import (
    next_wait_s,
    obstacles,
    spin_obstacle,
)
from pocketbench.bench.errors import Cancelled
from pocketbench.bench.records.families import family_of

if TYPE_CHECKING:
    import threading

    from pocketbench.bench.measure.observer import Observer
    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.device import Device, DeviceInfo
    from pocketbench.bench.records.plan import CooldownLimits

logger = logging.getLogger(__name__)

Spin = Callable[[], float | None]
"""Do fixed work for a while: nanoseconds per round; `None`: it could not be done."""


def needs_cooldown(info: DeviceInfo, limits: CooldownLimits) -> bool:
    """Whether waiting can help: on phones that can grow hot, and report it at any time.

    A computer and an emulator have no skin, a simulated phone only grows hot where
    that is scripted, and an iPhone reports its heat only while the app runs.
    """
    return (
        limits.is_on
        and family_of(info).can_cool
        and not info.is_emulated
        and not info.is_heatless
    )


def redos_on(info: DeviceInfo, limits: CooldownLimits) -> int:
    """How often a throttled block is done again on a device."""
    return limits.redos if needs_cooldown(info, limits) else 0


class CooldownWait:
    """Knows one opened phone's baseline; made again when it is opened again."""

    def __init__(
        self,
        device: Device,
        limits: CooldownLimits,
        *,
        spin: Spin,
        observer: Observer,
        cancel: threading.Event,
    ) -> None:
        """Take the phone; the baseline comes later, once it is warm."""
        self._device = device
        self._limits = limits
        self._spin = spin
        self._observer = observer
        self._cancel = cancel
        self._baseline: Conditions | None = None
        self._best_spin_ns: float | None = None

    @property
    def baseline(self) -> Conditions | None:
        """The phone as it was when it was warm and cool enough; `None`: not yet."""
        return self._baseline

    def take_baseline(self) -> None:
        """Remember the phone as it is now: the state that later blocks wait for."""
        self._baseline = self._device.conditions()
        self._timed_spin()

    def settle(self) -> bool:
        """Wait until the phone is fit for a block; whether it became so in time.

        Raises:
            DeviceLostError: The phone went away.
            Cancelled: The run was stopped meanwhile.
        """
        waited_s = 0.0
        while True:
            found = self._obstacles()
            if not found:
                if waited_s:
                    self._note(f"cool again after {waited_s:.0f} s")
                return True
            wait_s = next_wait_s(waited_s, self._limits)
            why = "; ".join(found)
            if wait_s is None:
                self._note(f"did not settle in {waited_s:.0f} s: {why}")
                return False
            self._note(f"cooling down for {wait_s:.0f} s: {why}")
            if self._cancel.wait(wait_s):
                raise Cancelled(self._device.info.id, "stopped", "It was cooling down")
            waited_s += wait_s

    def _obstacles(self) -> tuple[str, ...]:
        now = self._device.conditions()
        if now is None:
            return ()
        found = obstacles(now, limits=self._limits, baseline=self._baseline)
        if found:
            # Spinning would only warm it further.
            return found
        slow = self._slow_spin()
        # A moment of somebody else's work is not heat, so it is asked twice.
        if slow is not None:
            slow = self._slow_spin()
        return () if slow is None else (slow,)

    def _slow_spin(self) -> str | None:
        spin_ns = self._timed_spin()
        if spin_ns is None or self._best_spin_ns is None:
            return None
        return spin_obstacle(spin_ns, self._best_spin_ns, self._limits)

    def _timed_spin(self) -> float | None:
        spin_ns = self._spin()
        if spin_ns is not None:
            logger.debug("%s: spin %.0f ns per round", self._device.info.id, spin_ns)
            self._best_spin_ns = min(spin_ns, self._best_spin_ns or spin_ns)
        return spin_ns

    def _note(self, text: str) -> None:
        self._observer.note(self._device.info.id, text)
