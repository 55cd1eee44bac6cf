"""What is missing on a device or disturbs its numbers, and what to do; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pocketbench.bench.conditions.cooldown_rules import obstacles
from pocketbench.bench.conditions.launch_caveats import state_caveats
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.doctor_report import DeviceFound
from pocketbench.bench.records.families import family_of
from pocketbench.bench.records.plan import CooldownLimits

_LEAST_FREE_BYTES = 1_000_000_000
"""PyTorch's libraries and a model of some hundred MB fit into it."""


def advice_of(found: DeviceFound) -> tuple[str, ...]:
    """One sentence each, what stops a run first."""
    return tuple(_advice(found))


def _advice(found: DeviceFound) -> Iterator[str]:
    if not any(runner.is_usable for runner in found.runners):
        for runner in found.runners:
            yield f"No {runner.engine} runner: {runner.fact}. {runner.remedy}"
    free_bytes = found.free_bytes
    if isinstance(free_bytes, int) and free_bytes < _LEAST_FREE_BYTES:
        yield (
            "Little room for models and libraries. Make some: settings > storage, or "
            "delete /data/local/tmp/pocketbench, which is filled again"
        )
    conditions = found.conditions
    if conditions is None or family_of(found.device).is_this_computer:
        return
    if conditions.thermal is not None and conditions.thermal.is_status_override:
        yield (
            "Somebody pinned the thermal status. Release it: "
            "`adb shell cmd thermalservice reset`"
        )
    if conditions.battery is not None and conditions.battery.is_fiction:
        yield (
            "Somebody froze the battery's values. Release them: "
            "`adb shell dumpsys battery reset`"
        )
    if hot := obstacles(conditions, limits=CooldownLimits()):
        yield f"Not cool now: {'; '.join(hot)}. A run would wait until it is"
    for caveat in state_caveats(conditions):
        # A run wakes the phone itself.
        if caveat is not Caveat.DOZING:
            fact, cause, remedy = caveat.wording
            yield f"{_capital(fact)}: {cause}. {_capital(remedy)}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
