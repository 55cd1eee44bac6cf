"""From a cell's values over many runs to its changes of level."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from pocketbench.bench.judge.levels import level_steps
from pocketbench.bench.judge.steps import SHORTEST, Rows, noise_scale
from pocketbench.bench.judge.two_speeds import two_speeds
from pocketbench.bench.records.plan import DEFAULT_MIN_EFFECT
from pocketbench.bench.records.record import Value

_SUSPECT_ALPHA = 0.003


class Change(Value, frozen=True, kw_only=True):
    """A new level in a history."""

    index: int
    """0-based, of the first value at the new level."""
    before: float
    """Median of the level before it."""
    after: float
    p_value: float
    is_suspect: bool = False
    """Not confirmed: it did not last yet, or the history is too unsteady to judge."""

    @property
    def after_over_before(self) -> float | None:
        """Ratio of the levels; `None` where one of them is not positive."""
        if self.before <= 0 or self.after <= 0:
            return None
        return self.after / self.before

    @property
    def is_up(self) -> bool:
        """Whether the new level is the higher one."""
        return self.after > self.before


class TwoSpeeds(Value, frozen=True, kw_only=True):
    """The newest stretch of a history moves between two levels and back."""

    low: float
    high: float
    high_share: float
    """Of the values, how many are at the higher level."""


class Findings(Value, frozen=True, kw_only=True):
    """What a history shows."""

    changes: tuple[Change, ...] = ()
    two_speeds: TwoSpeeds | None = None


def changes(
    values: Sequence[float],
    *,
    environments: Sequence[Hashable] = (),
    min_effect: float = DEFAULT_MIN_EFFECT,
) -> tuple[Change, ...]:
    """Find the new levels of a history, and whether its newest values look like one.

    Args and raises: as `assess`.
    """
    return assess(values, environments=environments, min_effect=min_effect).changes


def assess(
    values: Sequence[float],
    *,
    environments: Sequence[Hashable] = (),
    min_effect: float = DEFAULT_MIN_EFFECT,
) -> Findings:
    """Find the new levels of a history, and whether it has two speeds.

    Where a stretch has two speeds, moving between them is no change: both are laid on
    each other before it is searched.

    Args:
        values: In order of time: one per run. Compared as logarithms where all are
            positive, else as they are.
        environments: What must be equal for two values to be compared (device, OS
            build, runtime ...), one per value; empty: all the same. Each stretch in one
            environment is judged alone, so that where the environment changed no
            change is found.
        min_effect: The smallest change of level that matters, as a proportion.

    Raises:
        ValueError: A value is not finite, or the environments are not as many as the
            values.
    """
    if environments and len(environments) != len(values):
        raise ValueError("environments must be as many as values")
    series = np.asarray(values, dtype=np.float64)
    for place in np.flatnonzero(~np.isfinite(series)):
        raise ValueError(f"value {place} is {series[place]}, not a finite number")
    found: list[Change] = []
    speeds = None
    stretches = list(_stretches(environments, len(values)))
    for start, end in stretches:
        scale = _Scale.of(series[start:end], min_effect)
        stretch = scale.series
        two = two_speeds(stretch)
        if two is not None and not scale.differs(two.low, two.high):
            two = None
        if two is not None:
            stretch = two.removed(stretch)
        found += _stretch_changes(stretch, scale, start, is_newest=end == len(values))
        speeds = two and TwoSpeeds(
            low=scale.value(two.low),
            high=scale.value(two.high),
            high_share=float(two.is_high.mean()),
        )
    return Findings(changes=tuple(found), two_speeds=speeds)


class _Scale(NamedTuple):
    """How values become the series that is searched, and levels values again."""

    series: Rows
    unit: float | None
    """What values are divided by; `None`: they are logarithms."""
    min_effect: float

    @classmethod
    def of(cls, values: Rows, min_effect: float) -> _Scale:
        if values.min() > 0:
            return cls(np.log(values), None, min_effect)
        size = np.abs(values)
        unit = float(np.median(size)) or float(size.mean()) or 1.0
        return cls(values / unit, unit, min_effect)

    def differs(self, before: float, after: float) -> bool:
        if self.unit is None:
            return abs(after - before) >= math.log1p(self.min_effect)
        return abs(after - before) >= self.min_effect * max(abs(before), abs(after))

    def value(self, level: float) -> float:
        return math.exp(level) if self.unit is None else level * self.unit


def _stretches(
    environments: Sequence[Hashable], length: int
) -> Iterator[tuple[int, int]]:
    """Start and end of each stretch in one environment."""
    start = 0
    for place in range(1, length + 1):
        if place == length or (
            environments and environments[place] != environments[start]
        ):
            yield start, place
            start = place


def _stretch_changes(
    series: Rows, scale: _Scale, offset: int, *, is_newest: bool
) -> list[Change]:
    found = [
        Change(
            index=offset + step.place,
            before=scale.value(step.before),
            after=scale.value(step.after),
            p_value=step.p_value,
            is_suspect=not step.is_confirmed,
        )
        for step in level_steps(series, scale.differs)
    ]
    if is_newest:
        start = found[-1].index - offset if found else 0
        found += _suspected(series[start:], scale, offset + start)
    return found


def _suspected(level: Rows, scale: _Scale, offset: int) -> list[Change]:
    """The newest values, when they are far from all others at the last level."""
    found: list[Change] = []
    for newest in range(1, SHORTEST):
        before, after = level[:-newest], level[-newest:]
        if len(before) < SHORTEST:
            break
        middle = float(np.median(before))
        around = 1.4826 * float(np.median(np.abs(before - middle)))
        spread = max(around, float(noise_scale(before[None, :])[0]))
        error = spread * math.sqrt(1 / newest + 1 / len(before))
        level_after = float(after.mean())
        # Each number of newest values is a chance of its own to be wrong.
        tail = float(stdtr(len(before) - 1, -abs(level_after - middle) / error))
        chance = (SHORTEST - 1) * 2 * tail
        if chance < _SUSPECT_ALPHA and scale.differs(middle, level_after):
            found.append(
                Change(
                    index=offset + len(before),
                    before=scale.value(middle),
                    after=scale.value(level_after),
                    p_value=chance,
                    is_suspect=True,
                )
            )
    return [min(found, key=lambda change: change.p_value)] if found else []
