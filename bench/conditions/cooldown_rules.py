"""Whether a phone is fit for the next block, and how long to wait until it is; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.conditions.throttling import new_caps
from pocketbench.bench.records.conditions import (
    first_skin_threshold_c,
    skin_temperature_c,
)
from pocketbench.bench.units import cpu_words

if TYPE_CHECKING:
    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.plan import CooldownLimits

STATUS_WORDS = (
    "none",
    "light",
    "moderate",
    "severe",
    "critical",
    "emergency",
    "shutdown",
)
"""Android's names of the thermal status, 0 to 6."""


def highest_temperature_c(conditions: Conditions, limits: CooldownLimits) -> float:
    """The skin temperature up to which a block may begin."""
    if limits.max_temperature_c is not None:
        return limits.max_temperature_c
    threshold_c = first_skin_threshold_c(conditions)
    if threshold_c is None:
        return limits.usual_temperature_c
    return threshold_c - limits.margin_c


def obstacles(
    now: Conditions, *, limits: CooldownLimits, baseline: Conditions | None = None
) -> tuple[str, ...]:
    """What keeps a block from beginning, in words; what is not known is no obstacle.

    A cap that was there in the baseline is none either: waiting would not lift it.
    """
    found = []
    thermal = now.thermal
    if thermal is not None and thermal.status and not thermal.is_status_override:
        found.append(f"thermal status {STATUS_WORDS[min(thermal.status, 6)]}")
    skin_c = skin_temperature_c(now)
    highest_c = highest_temperature_c(now, limits)
    if skin_c is not None and skin_c > highest_c:
        found.append(f"skin at {skin_c:.1f} C, {highest_c:.1f} C is wanted")
    if baseline is not None:
        found += [
            f"cores {cpu_words(cap.cpus)} switched off"
            if cap.now_khz is None
            else f"cores {cpu_words(cap.cpus)} capped to {cap.now_khz / 1e6:.2f} GHz"
            for cap in new_caps(now, baseline)
        ]
    return tuple(found)


def spin_obstacle(
    spin_ns: float, best_spin_ns: float, limits: CooldownLimits
) -> str | None:
    """Why the spin probe says to wait, in words."""
    ratio = spin_ns / best_spin_ns
    if ratio <= limits.spin_ratio:
        return None
    return f"a spin probe takes {ratio:.2f}x of its best"


def next_wait_s(waited_s: float, limits: CooldownLimits) -> float | None:
    """How long to cool down now, after so long in all; `None`: long enough."""
    wait_s = limits.step_s if waited_s else limits.first_wait_s
    left_s = limits.max_wait_s - waited_s
    return min(wait_s, left_s) if left_s > 0 else None
