"""From values to pixels and back to round numbers for the ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

_RATIOS = (
    *(1.0, 0.5, 2.0, 0.2, 5.0, 0.1, 10.0, 0.05, 20.0, 0.02, 50.0, 0.01, 100.0),
    *(0.8, 1.25, 0.9, 1.1, 0.7, 1.5, 0.6, 3.0, 0.3, 4.0),
    *(0.95, 1.05, 0.98, 1.02, 0.99, 1.01),
)
"""Where ticks of ratios may stand, the ones that matter most first."""
_STEPS = (1.0, 5.0, 2.0, 3.0, 7.0, 1.5, 4.0)
"""The same within a decade of a logarithmic axis."""


class Tick(NamedTuple):
    """A place on an axis and what stands there."""

    value: float
    label: str


class Axis(NamedTuple):
    """Maps values between two pixels; `warp` makes it logarithmic or other."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[Tick, ...]
    warp: Callable[[float], float] = float

    def pixel(self, value: float) -> float:
        """Where a value is drawn; may lie outside the axis."""
        low, high = self.warp(self.low), self.warp(self.high)
        return self.start + (self.warp(value) - low) / (high - low) * (
            self.end - self.start
        )

    def held(self, value: float) -> float:
        """Where a value is drawn, held within the axis."""
        return self.pixel(min(max(value, self.low), self.high))


def ratio_axis(
    ratios: Sequence[float], min_effect: float, start: float, end: float
) -> Axis:
    """A logarithmic axis around 1 that shows the band of the minimum effect."""
    furthest = max((abs(math.log(r)) for r in ratios if r > 0), default=0.0)
    band = math.log1p(min_effect)
    reach = max(furthest * 1.12, band * 3, math.log(1.04))
    low_reach = high_reach = max(band * 2.2, reach * 0.12)
    if any(r < 1 for r in ratios):
        low_reach = max(low_reach, -math.log(min(ratios)) * 1.12)
    if any(r > 1 for r in ratios):
        high_reach = max(high_reach, math.log(max(ratios)) * 1.12)
    axis = Axis(math.exp(-low_reach), math.exp(high_reach), start, end, (), math.log)
    return axis._replace(ticks=_spaced(axis, _RATIOS))


def _spaced(
    axis: Axis, values: Sequence[float], size: float = 1.0, gap: float = 40.0
) -> tuple[Tick, ...]:
    """Ticks that leave each other room; the first of the values win."""
    kept: list[float] = []
    for value in values:
        place = axis.pixel(value)
        if axis.low <= value <= axis.high and all(
            abs(place - axis.pixel(other)) >= gap for other in kept
        ):
            kept.append(value)
    return tuple(Tick(value, f"{value / size:g}") for value in sorted(kept))


def value_axis(values: Sequence[float], size: float, start: float, end: float) -> Axis:
    """Linear, or logarithmic where the values span more than a factor of 5.

    Args:
        values: All that must be on it, unscaled; at least one.
        size: What labels are divided by.
        start: Pixel of the lowest value.
        end: Pixel of the highest value.
    """
    low, high = min(values), max(values)
    if low > 0 and high / low > 5:
        return _logarithmic(low / 1.1, high * 1.1, size, start, end)
    margin = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
    return linear_axis(low - margin, high + margin, size, start, end)


def linear_axis(low: float, high: float, size: float, start: float, end: float) -> Axis:
    """A linear axis with ticks at round numbers of the unit."""
    from matplotlib.ticker import MaxNLocator

    room = max(2, int((end - start) // 64 if end > start else (start - end) // 34))
    places = MaxNLocator(nbins=room, steps=[1, 2, 2.5, 5, 10]).tick_values(
        low / size, high / size
    )
    inside = [float(p) for p in places if low <= p * size <= high]
    step = min((b - a for a, b in pairwise(inside)), default=1.0)
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    if step > 0 and round(step * 10**digits, 6) % 1:
        digits += 1
    return Axis(
        low,
        high,
        start,
        end,
        tuple(Tick(p * size, f"{p:.{digits}f}") for p in inside),
    )


def _logarithmic(
    low: float, high: float, size: float, start: float, end: float
) -> Axis:
    axis = Axis(low, high, start, end, (), math.log)
    decades = range(
        math.floor(math.log10(low / size)), math.ceil(math.log10(high / size)) + 1
    )
    values = [step * 10.0**decade * size for step in _STEPS for decade in decades]
    gap = 40.0 if end > start else 24.0
    return axis._replace(ticks=_spaced(axis, values, size, gap))


def is_logarithmic(axis: Axis) -> bool:
    """Whether the axis must be labelled so."""
    return axis.warp is math.log
