"""What shows that a device slowed down: status, caps, and the clocks that ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.records.conditions import CpuPolicy, Missing
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from collections.abc import Collection

    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.launch import Launch

TOP_SHARE = 0.1
"""A clock must have run for this share of a launch to count as its top clock; less may
be one moment of somebody else's work."""
FALL_RATIO = 0.95
"""Below this ratio of the top clocks it is a fall; one step of a phone's frequency
table is 5 to 15 %."""
MIN_TICKS = 10
"""Fewer ticks than this (100 ms) say nothing about a launch."""


class Cap(Value, frozen=True, kw_only=True):
    """A clock domain that may not go as high as before."""

    policy: int
    cpus: tuple[int, ...]
    before_khz: int | None
    now_khz: int | None
    """`None`: its cores were switched off."""


class Residency(Value, frozen=True, kw_only=True):
    """Which clocks one domain ran at during a launch."""

    policy: int
    cpus: tuple[int, ...]
    ticks: dict[int, int]
    """By frequency_khz, in ticks of 10 ms; clocks that did not run are left out."""

    @property
    def total_ticks(self) -> int:
        """The length of the launch in ticks."""
        return sum(self.ticks.values())

    @property
    def mean_frequency_khz(self) -> float | None:
        """Weighted by time, idle time included."""
        total = self.total_ticks
        if not total:
            return None
        return sum(khz * ticks for khz, ticks in self.ticks.items()) / total

    @property
    def top_frequency_khz(self) -> int | None:
        """The highest clock that ran for at least a tenth of the time."""
        least = self.total_ticks * TOP_SHARE
        return max(
            (khz for khz, n in self.ticks.items() if n and n >= least), default=None
        )


class Fall(Value, frozen=True, kw_only=True):
    """A clock domain that ran slower than it did in the reference."""

    policy: int
    cpus: tuple[int, ...]
    reference_khz: int
    now_khz: int


def slowed_down(
    before: Conditions | None,
    after: Conditions | None,
    *,
    start: Conditions | None,
    reference: Launch | None = None,
    cpus: Collection[int] = (),
) -> bool:
    """Whether a phone throttled during a launch, by status, by caps or by clocks.

    Args:
        before: Read right before the launch.
        after: Read right after it.
        start: Read at the start of its block.
        reference: An earlier launch of the same variant that was not throttled.
        cpus: The phone's cores it was pinned to; empty: not pinned.
    """
    if before is None or after is None:
        return False
    start = start or before
    return (
        bool(status_rose(start, after))
        or new_cap(after, start)
        or (reference is not None and ran_slower(before, after, reference, cpus))
    )


def status_rose(before: Conditions, after: Conditions) -> bool | None:
    """Whether the thermal status is higher after than before; `None`: not known.

    A status that somebody pinned says nothing.
    """
    if before.thermal is None or after.thermal is None:
        return None
    if before.thermal.is_status_override or after.thermal.is_status_override:
        return None
    if before.thermal.status is None or after.thermal.status is None:
        return None
    return after.thermal.status > before.thermal.status


def caps(conditions: Conditions) -> tuple[Cap, ...]:
    """The clock domains held below what their hardware can do."""
    return tuple(
        Cap(
            policy=p.id,
            cpus=p.cpus,
            before_khz=p.hardware_max_frequency_khz,
            now_khz=p.max_frequency_khz,
        )
        for p in conditions.cpu_policies or ()
        if p.is_capped
    )


def new_caps(now: Conditions, baseline: Conditions) -> tuple[Cap, ...]:
    """The clock domains that may not go as high as in the baseline.

    A domain that is gone counts: hot phones switch cores off. A domain whose limit
    cannot be read in either is not judged.
    """
    if now.cpu_policies is None or baseline.cpu_policies is None:
        return ()
    present = {p.id: p for p in now.cpu_policies}
    found = []
    for was in baseline.cpu_policies:
        policy = present.get(was.id)
        if policy is None:
            if not _is_online(now, was):
                found.append(_cap(was, None))
            continue
        is_lower = (
            policy.max_frequency_khz is not None
            and was.max_frequency_khz is not None
            and policy.max_frequency_khz < was.max_frequency_khz
        )
        if is_lower:
            found.append(_cap(was, policy.max_frequency_khz))
    return tuple(found)


def new_cap(now: Conditions, baseline: Conditions) -> bool:
    """Whether any clock domain may not go as high as in the baseline."""
    return bool(new_caps(now, baseline))


def clock_residency(
    before: Conditions, after: Conditions
) -> tuple[Residency, ...] | Missing:
    """Which clocks really ran between two readings, by clock domain.

    Domains whose counters cannot be compared (not readable, gone, reset) are left out.
    """
    if not before.cpu_policies or not after.cpu_policies:
        name = "before" if not before.cpu_policies else "after"
        return Missing(reason=f"no clocks were read {name} the launch")
    earlier = {p.id: p.time_in_state_ticks for p in before.cpu_policies}
    found = []
    for policy in after.cpu_policies:
        ticks = _difference(earlier.get(policy.id), policy.time_in_state_ticks)
        if ticks is not None:
            found.append(Residency(policy=policy.id, cpus=policy.cpus, ticks=ticks))
    if not found:
        return Missing(reason="no clock domain has comparable time_in_state counters")
    return tuple(found)


def clocks_fell(
    residency: tuple[Residency, ...],
    reference: tuple[Residency, ...],
    *,
    cpus: Collection[int] = (),
) -> tuple[Fall, ...]:
    """The clock domains that ran slower than in a reference launch of the same work.

    Args:
        residency: Of the launch in question.
        reference: Of a launch of the same variant on the cool phone.
        cpus: Only domains with one of these cores, those the program was pinned to;
            empty: all. Cores that only idled change clocks for reasons of their own.
    """
    known = {r.policy: r for r in reference}
    falls = []
    for now in residency:
        was = known.get(now.policy)
        if was is None or (cpus and not set(cpus) & set(now.cpus)):
            continue
        if min(now.total_ticks, was.total_ticks) < MIN_TICKS:
            continue
        now_khz, reference_khz = now.top_frequency_khz, was.top_frequency_khz
        if now_khz is None or reference_khz is None:
            continue
        if now_khz < FALL_RATIO * reference_khz:
            falls.append(
                Fall(
                    policy=now.policy,
                    cpus=now.cpus,
                    reference_khz=reference_khz,
                    now_khz=now_khz,
                )
            )
    return tuple(falls)


def ran_slower(
    before: Conditions,
    after: Conditions,
    reference: Launch,
    cpus: Collection[int] = (),
) -> bool:
    """Whether the clocks were lower than in an earlier launch of the same variant.

    Without pinning, only where the same clock domain was the busiest in both: a
    program that the scheduler put on other cores has not been throttled.
    """
    if reference.conditions_before is None or reference.conditions_after is None:
        return False
    now = clock_residency(before, after)
    was = clock_residency(reference.conditions_before, reference.conditions_after)
    if isinstance(now, Missing) or isinstance(was, Missing):
        return False
    if not cpus:
        busiest = _busiest(was, reference.conditions_after)
        if busiest is None or busiest != _busiest(now, after):
            return False
        cpus = busiest
    return bool(clocks_fell(now, was, cpus=cpus))


def _busiest(
    residency: tuple[Residency, ...], conditions: Conditions
) -> tuple[int, ...] | None:
    """The cores of the domain that ran nearest to its hardware's maximum."""
    highest = {
        policy.id: policy.hardware_max_frequency_khz
        for policy in conditions.cpu_policies or ()
    }
    shares = [
        (mean_khz / most, domain.cpus)
        for domain in residency
        if (most := highest.get(domain.policy))
        and (mean_khz := domain.mean_frequency_khz) is not None
    ]
    if not shares:
        return None
    top = max(share for share, _ in shares)
    return next(cpus for share, cpus in shares if share == top)


def _is_online(now: Conditions, policy: CpuPolicy) -> bool:
    """Whether its cores are on (or may be): then only the reading failed."""
    return now.online_cpus is None or bool(set(now.online_cpus) & set(policy.cpus))


def _cap(was: CpuPolicy, now_khz: int | None) -> Cap:
    return Cap(
        policy=was.id, cpus=was.cpus, before_khz=was.max_frequency_khz, now_khz=now_khz
    )


def _difference(
    before: dict[int, int] | None, after: dict[int, int] | None
) -> dict[int, int] | None:
    if before is None or after is None or not before.keys() <= after.keys():
        return None
    ticks: dict[int, int] = {}
    for khz, n in after.items():
        grown = n - before.get(khz, 0)
        if grown < 0:
            return None
        if grown:
            ticks[khz] = grown
    return ticks
