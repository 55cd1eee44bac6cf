"""Histories that move between two levels and back: two machines, or two clocks.

The values fall into two groups (least squares), each value is given to one of them by
Viterbi's path with a price on every change of group, and the history has two speeds
when it changed often between groups that lie far apart and stay where they are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pocketbench.bench.judge.steps import Rows

FEWEST = 12
"""Fewer values show no two speeds."""
_FEWEST_CHANGES = 4
_LONGEST_STAY = 15.0
_SMALLEST_SHARE = 0.1
_FAR_APART, _FAR_FROM_EACH = 4.0, 3.3
_PRICE = 3.0
_MOST_WANDERING, _MOST_WANDERING_OF_LONG = 3.0, 2.0
_LONG_STAY = 8.0
_FINEST = 0.001


class Speeds(NamedTuple):
    """The two levels, and which values are at the upper one."""

    low: float
    high: float
    is_high: npt.NDArray[np.bool_]

    def removed(self, series: Rows) -> Rows:
        """The series as if all of it were at the lower level."""
        return series - np.where(self.is_high, self.high - self.low, 0.0)


def two_speeds(series: Rows) -> Speeds | None:
    """The two levels that a series moves between; `None` where it does not."""
    length = len(series)
    if length < FEWEST:
        return None
    low, high, spread = _groups(series)
    if high - low < _FAR_APART * spread:
        return None
    is_high = _path(series, low, high, spread)
    changes = _changes(is_high)
    wandering = _MOST_WANDERING
    if length > _LONG_STAY * (changes + 1):
        # Levels that last for long may as well be changes, with an outlier or a third.
        changes = _changes(_path(series, low, high, spread, 2 * _PRICE))
        wandering = _MOST_WANDERING_OF_LONG
    fewest = min(int(is_high.sum()), length - int(is_high.sum()))
    if (
        changes < _FEWEST_CHANGES
        or length / (changes + 1) > _LONGEST_STAY
        or fewest < max(3, _SMALLEST_SHARE * length)
    ):
        return None
    widest = max(float(series[is_high].std()), float(series[~is_high].std()))
    if high - low < _FAR_FROM_EACH * widest:
        return None
    rest = series - np.where(is_high, high, low)
    between = float((np.diff(rest) ** 2).mean()) / 2
    if float(rest.var()) > wandering * max(between, _FINEST**2):
        return None
    levels = float(np.median(series[~is_high])), float(np.median(series[is_high]))
    return Speeds(*levels, is_high)


def _changes(is_high: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(np.diff(is_high)))


def _groups(series: Rows) -> tuple[float, float, float]:
    """Means of the two groups with the least squares, and the spread around them."""
    values = np.sort(series)
    length = len(values)
    left = np.arange(1, length)
    sums, squares = np.cumsum(values), np.cumsum(values**2)
    low = sums[:-1] / left
    high = (sums[-1] - sums[:-1]) / (length - left)
    rest = squares[-1] - left * low**2 - (length - left) * high**2
    best = int(rest.argmin())
    spread = math.sqrt(max(float(rest[best]) / max(length - 2, 1), _FINEST**2))
    return float(low[best]), float(high[best]), spread


def _path(
    series: Rows, low: float, high: float, spread: float, price: float = _PRICE
) -> npt.NDArray[np.bool_]:
    """Which group each value belongs to, when every change of group has its price."""
    gains = ((series - low) ** 2 - (series - high) ** 2) / (2 * spread**2)
    best = 0.0
    came_low, came_high = [], []
    for gain in gains.tolist():
        # `best` is how much better it is to be high than low before this value.
        came_low.append(best > price)
        came_high.append(best < -price)
        best = min(max(best, -price), price) + gain
    is_high = np.empty(len(series), dtype=bool)
    now = best > 0
    for place in range(len(series) - 1, -1, -1):
        is_high[place] = now
        now = (not came_high[place]) if now else came_low[place]
    return is_high
