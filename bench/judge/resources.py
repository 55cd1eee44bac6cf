"""What launches used besides time: memory and how it was read, and energy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Literal, TypeVar

import msgspec

from pocketbench.bench.judge.energy import EnergyUsed, energy_used
from pocketbench.bench.records.conditions import Missing
from pocketbench.bench.records.launch import Launch
from pocketbench.bench.records.record import Value

T = TypeVar("T")


class MemoryUsed(Value, frozen=True, kw_only=True):
    """Means over launches, each of those that reported it."""

    runtime_rss_bytes: float | None = None
    """With the runtime loaded and no model: what any model costs."""
    peak_bytes: float | None = None
    """The larger of VmHWM and VmRSS + VmSwap."""
    model_bytes: float | None = None
    """What the model costs: the peak without the runtime's part."""
    swap_bytes: float | None = None
    """Of the peak's process at its end."""
    pss_bytes: float | None = None
    """At the end; pages that other processes share count by their share."""
    read_by: Literal["itself", "sampler"] | None = None
    """The program read it of itself, or was looked at from outside."""
    sampling_interval_s: float | None = None
    sampling_cost_ns: float | None = None
    """Processor time that the looks took, beside one launch."""


class EnergyOfLaunches(Value, frozen=True, kw_only=True):
    """What the whole device used around one launch, from its start to its end."""

    energy_uj: float
    """Mean of the launches that have one."""
    power_mw: float
    method: Literal["rails", "battery_current"]
    launches: int


class Resources(Value, frozen=True, kw_only=True):
    """Of one cell."""

    memory: MemoryUsed
    energy: EnergyOfLaunches | None = None
    no_energy: str | None = None
    """Why there is none, when there is none."""


def resources_of(launches: Sequence[Launch]) -> Resources:
    """Bring launches of one cell together."""
    energy = _energy(launches)
    if isinstance(energy, Missing):
        return Resources(memory=_memory(launches), no_energy=energy.reason)
    return Resources(memory=_memory(launches), energy=energy)


def growth_only(resources: Resources) -> Resources:
    """Leave out what the runtime itself takes, where that says nothing."""
    memory = msgspec.structs.replace(
        resources.memory, runtime_rss_bytes=None, peak_bytes=None, pss_bytes=None
    )
    return msgspec.structs.replace(resources, memory=memory)


def _memory(launches: Sequence[Launch]) -> MemoryUsed:
    parsed = [launch.measurement.memory for launch in launches]
    models = [
        memory.peak_bytes - memory.rss_before_load_bytes
        for memory in parsed
        if memory.peak_bytes is not None and memory.rss_before_load_bytes is not None
    ]
    return MemoryUsed(
        runtime_rss_bytes=_mean(memory.rss_before_load_bytes for memory in parsed),
        peak_bytes=_mean(memory.peak_bytes for memory in parsed),
        model_bytes=_mean(models),
        swap_bytes=_mean(memory.swap_bytes for memory in parsed),
        pss_bytes=_mean(memory.pss_bytes for memory in parsed),
        read_by=_first(memory.read_by for memory in parsed),
        sampling_interval_s=_first(memory.sampling_interval_s for memory in parsed),
        sampling_cost_ns=_mean(memory.sampling_cost_ns for memory in parsed),
    )


def _energy(launches: Sequence[Launch]) -> EnergyOfLaunches | Missing:
    found = [_energy_of(launch) for launch in launches]
    used = [each for each in found if isinstance(each, EnergyUsed)]
    method = next(
        (m for m in ("rails", "battery_current") if any(u.method == m for u in used)),
        None,
    )
    # The two are not of one kind, so that only the better one's launches count.
    used = [each for each in used if each.method == method]
    if not used:
        reasons = Counter(each.reason for each in found if isinstance(each, Missing))
        ((reason, _),) = reasons.most_common(1) or [("nothing was launched", 0)]
        return Missing(reason=reason)
    return EnergyOfLaunches(
        energy_uj=fmean(each.energy_uj for each in used),
        power_mw=sum(each.energy_uj for each in used)
        / sum(each.elapsed_ms for each in used),
        method=used[0].method,
        launches=len(used),
    )


def _energy_of(launch: Launch) -> EnergyUsed | Missing:
    before, after = launch.conditions_before, launch.conditions_after
    if before is None or after is None:
        return Missing(reason="the device's state around the launch is not known")
    return energy_used(before, after)


def _mean(numbers: Iterable[float | None]) -> float | None:
    present = [number for number in numbers if number is not None]
    return fmean(present) if present else None


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
