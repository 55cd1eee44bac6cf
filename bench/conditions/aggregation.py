"""The conditions of a device, aggregated over its launches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import TypeVar

import msgspec

from pocketbench.bench.conditions.parts import availability, parts_of
from pocketbench.bench.conditions.throttling import clock_residency
from pocketbench.bench.records.conditions import (
    Conditions,
    CpuPolicy,
    Missing,
    TemperatureKind,
    hottest_c,
)
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.run import Run
from pocketbench.bench.units import cpu_words

T = TypeVar("T", bound=Hashable)

SHOWN_KINDS: dict[TemperatureKind, str] = {
    "skin": "skin",
    "cpu": "CPU",
    "battery": "battery",
}
"""The temperatures that are shown, each with its title."""

Counts = dict[str, int]
"""By state, in how many readings; those that lack it left out."""

Readings = tuple[Conditions | None, ...]
"""Around and during one launch, in order of time."""


class TimeSeries(Value, frozen=True, kw_only=True):
    """A figure over the readings that have it, in order of time."""

    first: float
    last: float
    low: float
    high: float
    readings: int


class ClockSeries(Value, frozen=True, kw_only=True):
    """One clock domain."""

    policy: int
    cpus: tuple[int, ...]
    mean_khz: float | None
    """Of the clocks that ran during launches, weighted by time, idle time included;
    `None`: its counters could not be compared."""
    current_khz: TimeSeries | None
    """What it stood at when it was read: moments between the work."""
    hardware_max_khz: int | None
    lowest_cap_khz: int | None
    """The lowest it was held to; `None`: it was not held below the hardware's."""
    capped: Counts
    """`capped` or `free`."""


class Unavailable(Value, frozen=True, kw_only=True):
    """One reason, and all that could not be read for it."""

    reason: str
    parts: Counts


class DeviceConditions(Value, frozen=True, kw_only=True):
    """The readings before and after the launches of one device, and those between.

    What no reading has is `None` or empty and has its reason in `unavailable`.
    """

    device_id: str
    launches: int
    readings: int
    thermal_status: TimeSeries | None = None
    """0 none, 1 light, 2 moderate, 3 severe, 4 critical, 5 emergency, 6 shutdown;
    readings whose status somebody had pinned left out."""
    pinned_statuses: int = 0
    """Readings whose status somebody had pinned: it says nothing of heat."""
    temperatures_c: dict[str, TimeSeries] = msgspec.field(default_factory=dict)
    """By kind, of its hottest sensor each time: `skin`, `cpu`, `battery`."""
    cooling: Counts = msgspec.field(default_factory=dict)
    """Cooling devices at work."""
    clocks: tuple[ClockSeries, ...] = ()
    governors: Counts = msgspec.field(default_factory=dict)
    battery_percent: TimeSeries | None = None
    charging: Counts = msgspec.field(default_factory=dict)
    is_battery_fiction: bool = False
    """Somebody had frozen what the battery says, in one reading at least."""
    screen: Counts = msgspec.field(default_factory=dict)
    battery_saver: Counts = msgspec.field(default_factory=dict)
    doze: Counts = msgspec.field(default_factory=dict)
    fixed_performance: Counts = msgspec.field(default_factory=dict)
    memory_available_bytes: TimeSeries | None = None
    memory_total_bytes: int | None = None
    load_average: TimeSeries | None = None
    """Over one minute."""
    allowed_cpus: Counts = msgspec.field(default_factory=dict)
    online_cpus: Counts = msgspec.field(default_factory=dict)
    cpuset: Counts = msgspec.field(default_factory=dict)
    unavailable: tuple[Unavailable, ...] = ()


def device_conditions(run: Run) -> tuple[DeviceConditions, ...]:
    """Every device of a run, in its order; those that were never launched on too."""
    launched: dict[str, list[Readings]] = {ready.device.id: [] for ready in run.devices}
    for x in run.launches:
        launched.setdefault(x.device_id, []).append(
            (x.conditions_before, x.conditions_after)
        )
    for held in run.sustained:
        between = (reading.conditions for reading in held.readings)
        x = held.launch
        launched.setdefault(x.device_id, []).append(
            (x.conditions_before, *between, x.conditions_after)
        )
    return tuple(
        _of_device(ready.device.id, launched[ready.device.id]) for ready in run.devices
    )


def temperatures_now_c(conditions: Conditions) -> dict[TemperatureKind, float]:
    """The hottest sensor of each kind; without one, what the battery reports."""
    found = hottest_c(conditions)
    battery = conditions.battery
    if "battery" not in found and battery and battery.temperature_c is not None:
        found["battery"] = battery.temperature_c
    return found


def _of_device(device_id: str, launched: Sequence[Readings]) -> DeviceConditions:
    spans = [[c for c in readings if c is not None] for readings in launched]
    read = [conditions for span in spans for conditions in span]
    thermals = [c.thermal for c in read if c.thermal is not None]
    batteries = [c.battery for c in read if c.battery is not None]
    memories = [c.memory for c in read if c.memory is not None]
    hottest = [temperatures_now_c(c) for c in read]
    series = {
        kind: _time_series([x.get(kind) for x in hottest]) for kind in SHOWN_KINDS
    }
    return DeviceConditions(
        device_id=device_id,
        launches=len(spans),
        readings=len(read),
        clocks=_clocks(spans, read) if read else (),
        unavailable=_unavailable(read) if read else (),
        thermal_status=_time_series(
            [t.status for t in thermals if not t.is_status_override]
        ),
        pinned_statuses=sum(bool(t.is_status_override) for t in thermals),
        temperatures_c={kind: c for kind, c in series.items() if c is not None},
        cooling=dict(
            Counter(name for t in thermals for name, step in t.cooling.items() if step)
        ),
        governors=_counts(
            [tuple([(p.governor, p.cpus) for p in c.cpu_policies or ()]) for c in read],
            _governors,
        ),
        battery_percent=_time_series(
            [100 * b.level / (b.scale or 100) for b in batteries if b.level is not None]
        ),
        charging=_counts([(b.is_charging, b.plugged) for b in batteries], _charging),
        is_battery_fiction=any(b.is_fiction for b in batteries),
        screen=_counts([c.screen.state for c in read if c.screen], str.lower),
        battery_saver=_counts([c.is_battery_saver for c in read], _switch),
        doze=_counts([c.is_dozing for c in read], _switch),
        fixed_performance=_counts([c.is_fixed_performance for c in read], _switch),
        memory_available_bytes=_time_series([m.available_bytes for m in memories]),
        memory_total_bytes=next(
            (m.total_bytes for m in memories if m.total_bytes is not None), None
        ),
        load_average=_time_series(
            [c.load_averages[0] for c in read if c.load_averages is not None]
        ),
        allowed_cpus=_counts([c.allowed_cpus for c in read], cpu_words),
        online_cpus=_counts([c.online_cpus for c in read], cpu_words),
        cpuset=_counts([c.cpuset for c in read], str),
    )


def _clocks(
    spans: Sequence[Sequence[Conditions]], read: Sequence[Conditions]
) -> tuple[ClockSeries, ...]:
    # Plain dictionaries: of a large run this is a noticeable part of its report.
    ran: dict[int, dict[int, int]] = {}
    for span in spans:
        for before, after in pairwise(span):
            domains = clock_residency(before, after)
            for domain in () if isinstance(domains, Missing) else domains:
                summed = ran.setdefault(domain.policy, {})
                for clock, count in domain.ticks.items():
                    summed[clock] = summed.get(clock, 0) + count
    policies: dict[int, list[CpuPolicy]] = {}
    for conditions in read:
        for policy in conditions.cpu_policies or ():
            policies.setdefault(policy.id, []).append(policy)
    found = []
    for same in policies.values():
        first = same[0]
        ticks = ran.get(first.id, {})
        total = sum(ticks.values())
        limits = Counter(
            (p.is_capped, p.max_frequency_khz, p.hardware_max_frequency_khz)
            for p in same
        )
        capped: Counter[str] = Counter()
        for (is_capped, *_), count in limits.items():
            if is_capped is not None:
                capped["capped" if is_capped else "free"] += count
        found.append(
            ClockSeries(
                policy=first.id,
                cpus=first.cpus,
                mean_khz=sum(khz * n for khz, n in ticks.items()) / total
                if total
                else None,
                current_khz=_time_series([p.current_frequency_khz for p in same]),
                hardware_max_khz=max(
                    (most for _, _, most in limits if most), default=None
                ),
                lowest_cap_khz=min(
                    (now for is_capped, now, _ in limits if is_capped and now),
                    default=None,
                ),
                capped=dict(capped),
            )
        )
    return tuple(sorted(found, key=lambda clock: clock.policy))


def _unavailable(read: Sequence[Conditions]) -> tuple[Unavailable, ...]:
    alike: dict[Hashable, list[Conditions]] = {}
    for conditions in read:
        alike.setdefault(availability(conditions), []).append(conditions)
    found: dict[str, Counter[str]] = {}
    for group in alike.values():
        for part in parts_of(group[0]):
            if part.reason is not None:
                found.setdefault(part.reason, Counter())[part.title] += len(group)
    return tuple(
        Unavailable(reason=reason, parts=dict(parts)) for reason, parts in found.items()
    )


def _time_series(values: Sequence[float | None]) -> TimeSeries | None:
    parsed = [value for value in values if value is not None]
    if not parsed:
        return None
    return TimeSeries(
        first=parsed[0],
        last=parsed[-1],
        low=min(parsed),
        high=max(parsed),
        readings=len(parsed),
    )


def _counts(values: Sequence[T | None], say: Callable[[T], str | None]) -> Counts:
    """In how many readings each value was, in words; each is worded once."""
    found: Counter[str] = Counter()
    for value, count in Counter(values).items():
        if value is not None and (words := say(value)):
            found[words] += count
    return dict(found)


def _governors(policies: tuple[tuple[str | None, tuple[int, ...]], ...]) -> str | None:
    """`schedutil`, or each with its cores where they differ."""
    by_name: dict[str, list[int]] = {}
    for governor, cpus in policies:
        if governor:
            by_name.setdefault(governor, []).extend(cpus)
    if len(by_name) == 1:
        return next(iter(by_name))
    return ", ".join(
        f"{name} ({cpu_words(tuple(sorted(cpus)))})" for name, cpus in by_name.items()
    )


def _charging(power: tuple[bool | None, tuple[str, ...] | None]) -> str | None:
    is_charging, plugged = power
    if is_charging is None:
        return None
    if not is_charging:
        return "not charging"
    return f"charging ({', '.join(plugged)})" if plugged else "charging"


def _switch(is_on: bool) -> str:
    return "on" if is_on else "off"
