"""The caveats of one launch, from the conditions before and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.conditions.cooldown_rules import obstacles
from pocketbench.bench.conditions.throttling import caps, slowed_down
from pocketbench.bench.records.caveat import LOW_BATTERY, Caveat

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.launch import Launch
    from pocketbench.bench.records.plan import CooldownLimits, Variant


def core_caveats(
    variant: Variant,
    *,
    wanted: str | None,
    pinned: Collection[int],
    leased: Collection[int],
    core_count: int | None,
) -> tuple[Caveat, ...]:
    """The caveats of the cores that a launch had.

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


def state_caveats(
    conditions: Conditions | None, *, baseline: Conditions | None = None
) -> tuple[Caveat, ...]:
    """The caveats that are not about heat: caps, power, the build.

    Args:
        conditions: Read before the launch.
        baseline: Of the cool phone, where there is one: a cap that it did not have
            is no cap from the start but heat, which is judged elsewhere.
    """
    if conditions is None:
        return ()
    return tuple(_state_caveats(conditions, baseline or conditions))


def _state_caveats(conditions: Conditions, baseline: Conditions) -> Iterator[Caveat]:
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


class BlockHeat:
    """How warm a block began, for judging each of its launches by."""

    def __init__(
        self, limits: CooldownLimits, *, is_settled: bool | None = None
    ) -> None:
        """Begin a block.

        Args:
            limits: What is too hot.
            is_settled: Whether it waited until it was cool; `None`: it did not wait,
                so the first launch's own reading has.
        """
        self._limits = limits
        self._is_settled = is_settled
        self._start: Conditions | None = None

    def caveats(
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
