"""From a launch that ran on for minutes to its time series: latency, clocks, heat."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pocketbench.bench.conditions.throttling import (
    clock_residency,
    new_cap,
    status_rose,
)
from pocketbench.bench.judge.time_series import Slice, StateAt, SustainedCell
from pocketbench.bench.records.conditions import (
    Conditions,
    CpuPolicy,
    Missing,
    TemperatureKind,
    temperature_c,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocketbench.bench.records.plan import Variant
    from pocketbench.bench.records.run import Run
    from pocketbench.bench.records.sustained import SustainedLaunch

    Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]

MOST_SLICES = 120
FEWEST_IN_SLICE = 8
MINUTE_S = 60.0
_SPREAD = (10.0, 50.0, 90.0)
_KINDS: tuple[TemperatureKind, ...] = ("skin", "cpu", "battery")
_FEWEST_READINGS = 3


class _Samples(NamedTuple):
    """The main iterations of one launch: when each began, and how long it took."""

    starts_s: Numbers
    latencies_ns: Numbers

    @property
    def end_s(self) -> float:
        return float(self.starts_s[-1] + self.latencies_ns[-1] / 1e9)

    def between(self, start_s: float, end_s: float) -> Numbers:
        """The latencies of what began in that time."""
        first, last = np.searchsorted(self.starts_s, (start_s, end_s))
        return self.latencies_ns[first:last]


class _Read(NamedTuple):
    """One reading during the main iterations."""

    at_s: float
    took_s: float
    conditions: Conditions
    clocks_khz: dict[int, float]
    """By clock domain: its mean since the reading before where the device counts
    that, else what it was at that moment."""


def sustained_cells(run: Run) -> tuple[SustainedCell, ...]:
    """One per device, model and variant: the whole launch, or else the last stopped."""
    chosen: dict[tuple[str, str, str], SustainedLaunch] = {}
    for record in run.sustained:
        launch = record.launch
        key = (launch.device_id, launch.model, launch.variant_id)
        held = chosen.get(key)
        if held is None or held.launch.measurement.was_stopped:
            chosen[key] = record
    order = [ready.device.id for ready in run.devices]
    order += [key[0] for key in chosen if key[0] not in order]
    return tuple(
        _cell(chosen[key], variant)
        for device_id in dict.fromkeys(order)
        for variant in run.started.plan.variants
        if (key := (device_id, variant.model, variant.id)) in chosen
    )


def _cell(record: SustainedLaunch, variant: Variant) -> SustainedCell:
    launch, measurement = record.launch, record.launch.measurement
    samples = _samples(record)
    window_s = MINUTE_S if samples.end_s >= 2 * MINUTE_S else samples.end_s / 3
    first = samples.between(0, window_s)
    last = samples.between(samples.end_s - window_s, np.inf)
    read = list(_read(record, samples))
    kind = _kind([x.conditions for x in read] + [launch.conditions_before])
    policy = _policy(record, read)
    before = launch.conditions_before
    return SustainedCell(
        device_id=launch.device_id,
        model=launch.model,
        variant_id=launch.variant_id,
        is_baseline=variant.is_baseline,
        is_generation=measurement.generation is not None,
        runner=launch.runner,
        threads=variant.threads,
        started_at=launch.started_at,
        asked_s=record.asked.duration_s,
        duration_s=samples.end_s,
        was_stopped=measurement.was_stopped,
        iterations_kept=len(samples.latencies_ns),
        kept_every=measurement.kept_every,
        window_s=window_s,
        first_ns=_median(first if first.size else samples.latencies_ns[:1]),
        last_ns=_median(last if last.size else samples.latencies_ns[-1:]),
        slices=_slices(samples),
        states=tuple(_state(x, kind, policy) for x in read),
        clock_cpus=policy.cpus if policy else (),
        is_pinned=bool(record.cpus),
        temperature_kind=kind,
        temperature_before_c=temperature_c(before, kind) if before and kind else None,
        slowed_down_at_s=_slowed_down_at_s(before, read),
        interval_s=record.asked.interval_s,
        reading_s=float(np.median([x.took_ns for x in record.readings]) / 1e9)
        if record.readings
        else None,
        latency_while_read=_latency_while_read(samples, read),
        peak_rss_bytes=measurement.memory.peak_bytes,
        caveats=launch.caveats,
    )


def _samples(record: SustainedLaunch) -> _Samples:
    measurement = record.launch.measurement
    latencies = np.asarray(measurement.latencies_ns, dtype=np.float64)
    gaps = np.asarray(measurement.gaps_ns or np.zeros(latencies.size), np.float64)
    ends = np.cumsum(gaps + latencies)
    return _Samples((ends - latencies) / 1e9, latencies)


def _slices(samples: _Samples) -> tuple[Slice, ...]:
    """Equal parts of the time, those in which nothing began left out."""
    count = min(MOST_SLICES, max(1, samples.latencies_ns.size // FEWEST_IN_SLICE))
    length_s = samples.end_s / count
    found = []
    for number in range(count):
        inside = samples.between(number * length_s, (number + 1) * length_s)
        if inside.size:
            low, median, high = np.percentile(inside, _SPREAD)
            found.append(
                Slice(
                    start_s=number * length_s,
                    length_s=length_s,
                    median_ns=float(median),
                    low_ns=float(low),
                    high_ns=float(high),
                    iterations=int(inside.size),
                )
            )
    return tuple(found)


def _read(record: SustainedLaunch, samples: _Samples) -> Iterator[_Read]:
    """Each reading during the main iterations."""
    earlier = record.launch.conditions_before
    for reading in record.readings:
        now = reading.conditions
        at_s = _at_s(record, reading.at_ns, now, samples)
        if 0 <= at_s <= samples.end_s:
            yield _Read(at_s, reading.took_ns / 1e9, now, _clocks_khz(earlier, now))
        earlier = now


def _clocks_khz(earlier: Conditions | None, now: Conditions) -> dict[int, float]:
    found = {
        policy.id: float(policy.current_frequency_khz)
        for policy in now.cpu_policies or ()
        if policy.current_frequency_khz is not None
    }
    ran = clock_residency(earlier, now) if earlier else ()
    for domain in () if isinstance(ran, Missing) else ran:
        if domain.mean_frequency_khz is not None:
            found[domain.policy] = domain.mean_frequency_khz
    return found


def _at_s(
    record: SustainedLaunch, at_ns: int, conditions: Conditions, samples: _Samples
) -> float:
    """When a reading was, since the main iterations began.

    By the device's own uptime, which both the program and the reading report; where one
    does not, by the host's clock, as if the program had ended with its last iteration.
    """
    began_ns = record.launch.measurement.began_uptime_ns
    if began_ns is not None and conditions.uptime_s is not None:
        return conditions.uptime_s - began_ns / 1e9
    wall_ns = record.launch.wall_ns or 0
    return (at_ns - wall_ns) / 1e9 + samples.end_s


def _state(
    read: _Read, kind: TemperatureKind | None, policy: CpuPolicy | None
) -> StateAt:
    conditions = read.conditions
    clock_khz = read.clocks_khz.get(policy.id) if policy else None
    return StateAt(
        at_s=read.at_s,
        frequency_khz=None if clock_khz is None else round(clock_khz),
        max_frequency_khz=next(
            (
                p.max_frequency_khz
                for p in conditions.cpu_policies or ()
                if policy and p.id == policy.id
            ),
            None,
        ),
        temperature_c=temperature_c(conditions, kind) if kind else None,
        thermal_status=conditions.thermal.status if conditions.thermal else None,
    )


def _policy(record: SustainedLaunch, read: Sequence[_Read]) -> CpuPolicy | None:
    """The clock domain of the pinned cores, else the one that ran nearest its top.

    Of several of those, the one with the highest clock.
    """
    seen = [p for x in read for p in x.conditions.cpu_policies or ()]
    if record.cpus:
        return next((p for p in seen if set(p.cpus) & set(record.cpus)), None)

    def share(policy: CpuPolicy) -> float:
        highest = policy.hardware_max_frequency_khz or policy.max_frequency_khz
        ran = [x.clocks_khz[policy.id] for x in read if policy.id in x.clocks_khz]
        return round(float(np.mean(ran)) / highest, 2) if ran and highest else 0.0

    return max(
        {p.id: p for p in seen}.values(),
        key=lambda p: (share(p), p.hardware_max_frequency_khz or 0),
        default=None,
    )


def _kind(seen: Sequence[Conditions | None]) -> TemperatureKind | None:
    """What is drawn as the temperature: the first kind that the device reports."""
    for kind in _KINDS:
        if any(c is not None and temperature_c(c, kind) is not None for c in seen):
            return kind
    return None


def _slowed_down_at_s(before: Conditions | None, read: Sequence[_Read]) -> float | None:
    """When the device first said so: its status rose, or a clock was capped."""
    if before is None:
        return None
    for x in read:
        if status_rose(before, x.conditions) or new_cap(x.conditions, before):
            return x.at_s
    return None


def _latency_while_read(samples: _Samples, read: Sequence[_Read]) -> float | None:
    """Latency while the conditions were read over that just before and after.

    The median over the readings, each compared with as much time on both sides, so
    that a device that grows slower meanwhile does not count; `None` with fewer than
    three of them.
    """
    ratios = []
    for at_s, took_s, *_ in read:
        inside = samples.between(at_s, at_s + took_s)
        beside = np.concatenate(
            (
                samples.between(at_s - took_s, at_s),
                samples.between(at_s + took_s, at_s + 2 * took_s),
            )
        )
        if inside.size and beside.size:
            ratios.append(_median(inside) / _median(beside))
    if len(ratios) < _FEWEST_READINGS:
        return None
    return float(np.median(ratios))


def _median(latencies_ns: Numbers) -> float:
    return float(np.median(latencies_ns))
