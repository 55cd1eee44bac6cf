"""What the conditions around one launch say against it, as caveats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.conditions.cooldown_rules import obstacles
from pocketbench.bench.conditions.throttling import (
    caps,
    clock_residency,
    clocks_fell,
    new_cap,
    status_rose,
)
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.conditions import Missing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pocketbench.bench.conditions.throttling import Residency
    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.launch import Launch
    from pocketbench.bench.records.plan import CooldownLimits, Variant

LOW_BATTERY = 0.3
"""Of a full one; below it many phones lower their clocks."""


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


def core_marks(
    variant: Variant,
    *,
    wanted: str | None,
    pinned: Collection[int],
    leased: Collection[int],
    core_count: int | None,
) -> tuple[Caveat, ...]:
    """What the cores it had say against a launch.

    Args:
        variant: With its number of threads.
        wanted: The phone's cores that were asked for.
        pinned: Those that it was pinned to.
        leased: Cores of this computer that it was pinned to instead.
        core_count: All that the device has.
    """
    cores = len(leased) or len(pinned) or core_count
    found = []
    if wanted and not (pinned or leased):
        found.append(Caveat.NOT_PINNED)
    if cores is not None and variant.threads > cores:
        found.append(Caveat.OVERSUBSCRIBED)
    return tuple(found)


def state_marks(
    conditions: Conditions | None, *, baseline: Conditions | None = None
) -> tuple[Caveat, ...]:
    """What bends a number without any heat: caps, power, the build.

    Args:
        conditions: Read before the launch.
        baseline: Of the cool phone, where there is one: a cap that it did not have
            is no cap from the start but heat, which is judged elsewhere.
    """
    if conditions is None:
        return ()
    return tuple(_state_marks(conditions, baseline or conditions))


def _state_marks(conditions: Conditions, baseline: Conditions) -> Iterator[Caveat]:
    if {cap.policy for cap in caps(conditions)} & {
        cap.policy for cap in caps(baseline)
    }:
        yield Caveat.CLOCKS_CAPPED
    if conditions.is_battery_saver:
        yield Caveat.BATTERY_SAVER
    if conditions.is_dozing:
        yield Caveat.DOZING
    battery = conditions.battery
    if battery is not None:
        if battery.level is not None and battery.level < LOW_BATTERY * (
            battery.scale or 100
        ):
            yield Caveat.BATTERY_LOW
        if battery.is_charging:
            yield Caveat.CHARGING
    if conditions.build is not None and conditions.build.is_debug:
        yield Caveat.DEBUG_BUILD


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


class BlockHeat:
    """How warm a block began, for judging each of its launches by."""

    def __init__(
        self, limits: CooldownLimits, *, is_settled: bool | None = None
    ) -> None:
        """Begin a block.

        Args:
            limits: What is too hot.
            is_settled: What the gate says; `None`: nobody waited, so the first
                launch's own reading has.
        """
        self._limits = limits
        self._is_settled = is_settled
        self._start: Conditions | None = None

    def marks(
        self,
        before: Conditions | None,
        after: Conditions | None,
        *,
        reference: Launch | None,
        cpus: Collection[int] = (),
    ) -> tuple[Caveat, ...]:
        """The caveats of the block's next launch; see `slowed_down`."""
        if self._start is None:
            self._start = before
        if self._is_settled is None and before is not None:
            self._is_settled = not obstacles(before, limits=self._limits)
        found = []
        if slowed_down(
            before, after, start=self._start, reference=reference, cpus=cpus
        ):
            found.append(Caveat.THROTTLED)
        if self._is_settled is False:
            found.append(Caveat.THERMAL_UNSETTLED)
        return tuple(found)


def cool_reference(
    launches: Iterable[Launch], model: str, variant_id: str
) -> Launch | None:
    """A variant's first launch on the cool phone, whose clocks others are held to."""
    for launch in launches:
        if (launch.model, launch.variant_id) == (model, variant_id) and not (
            {Caveat.THROTTLED, Caveat.THERMAL_UNSETTLED} & set(launch.caveats)
        ):
            return launch
    return None
