"""What a launch's place within its block does to it, removed where it is there.

The second launch of a block can be slower because the first one heated the phone, or
faster because it found the caches full. In balanced order that favours no side, but it
makes every difference of a block larger or smaller by turns, and hides what is small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from pocketbench.bench.judge.aligned_ranks import Array
from pocketbench.bench.judge.intervals import LogMean, log_mean

FEWEST_BLOCKS = 6
"""With fewer blocks an effect of the place is not looked for."""
PRESENT = 0.05
"""The effect is removed where its own p-value is below this."""

Positions = Sequence[tuple[int, int]]
"""The places of baseline and candidate within each block, from 0."""

_EXACT = 1e-9
"""A fit that leaves no more than this of the spread is no noise to judge by."""


class Unplaced(NamedTuple):
    """Logarithms of launches as if all had been launched in one place."""

    first: Array
    second: Array
    ratio: LogMean
    """Of their differences."""


def _each_later(position: Array) -> Array:
    return position


def _first_of_all(position: Array) -> Array:
    return (position > 0).astype(float)


_SHAPES: tuple[Callable[[Array], Array], ...] = (_first_of_all, _each_later)
"""The first launch differs from the others, or each one from the one before it. With
two variants that is the same."""


def without_positions(
    first: Array, second: Array, positions: Positions | None
) -> Unplaced:
    """The launches and their ratio, the effect of their places removed if any.

    A straight line of the differences over the places' differences is fitted by least
    squares; the ratio is the line's value where the places are the same. The fit costs
    one degree of freedom, so it is made only where it shows something.
    """
    apart = second - first
    plain = Unplaced(first, second, log_mean(apart.tolist()))
    if positions is None or len(first) < FEWEST_BLOCKS:
        return plain
    places = np.array(positions, dtype=float)
    fits = [
        (p_value, found)
        for shape in _SHAPES
        if (fitted := _fitted(first, second, shape(places[:, 0]), shape(places[:, 1])))
        for p_value, found in [fitted]
    ]
    if not fits:
        return plain
    p_value, best = min(fits, key=lambda fit: fit[0])
    return best if p_value < PRESENT else plain


def _fitted(
    first: Array, second: Array, ours: Array, theirs: Array
) -> tuple[float, Unplaced] | None:
    """The p-value of an effect, and the launches without it."""
    blocks = len(first)
    apart, by = second - first, theirs - ours
    off = by - by.mean()
    square = float(off @ off)
    if square == 0:
        return None
    each = float(off @ apart) / square
    left = apart - apart.mean() - each * off
    spread = float(np.sum((apart - apart.mean()) ** 2))
    if float(left @ left) <= _EXACT * spread:
        return None
    variance = float(left @ left) / (blocks - 2)
    t = abs(each) / math.sqrt(variance / square)
    mean = float(apart.mean() - each * by.mean())
    error = math.sqrt(variance * (1 / blocks + float(by.mean()) ** 2 / square))
    return float(2 * stdtr(blocks - 2, -t)), Unplaced(
        first - each * ours,
        second - each * theirs,
        LogMean(mean, error, blocks - 2, blocks),
    )
