"""What a launch's place within its block does to it, removed where it is there.

The second launch of a block can be slower because the first one heated the phone, or
faster because it found the caches full. In balanced order that favours no side, but it
makes every difference of a block larger or smaller by turns, and hides what is small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
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


class _Design(NamedTuple):
    """How the launches of each block were placed, in one of the two shapes."""

    ours: Array
    theirs: Array
    middle: float
    """The mean of `theirs` minus `ours`."""
    off: Array
    """What each block is away from it."""
    square: float


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
    fits = [
        fitted
        for design in _designs(tuple(positions))
        if (fitted := _fitted(first, second, design)) is not None
    ]
    p_value, best = min(fits, key=lambda fit: fit[0], default=(1.0, plain))
    return best if p_value < PRESENT else plain


@lru_cache(maxsize=256)
def _designs(positions: tuple[tuple[int, int], ...]) -> tuple[_Design, ...]:
    """Both shapes of an effect that these places can show, or the one.

    The first launch differs from the others, or each one from the one before it. With
    two variants that is the same.
    """
    later = np.array(positions, dtype=float).T
    shapes = [later] if later.max() <= 1 else [np.minimum(later, 1.0), later]
    found = []
    for ours, theirs in shapes:
        by = theirs - ours
        middle = float(by.mean())
        off = by - middle
        found.append(_Design(ours, theirs, middle, off, float(off @ off)))
    return tuple(design for design in found if design.square > 0)


def _fitted(
    first: Array, second: Array, design: _Design
) -> tuple[float, Unplaced] | None:
    """The p-value of an effect, and the launches without it."""
    blocks = len(first)
    apart = second - first
    centre = float(apart.mean())
    each = float(design.off @ apart) / design.square
    around = apart - centre
    left = around - each * design.off
    squares = float(left @ left)
    if squares <= _EXACT * float(around @ around):
        return None
    variance = squares / (blocks - 2)
    t = abs(each) / math.sqrt(variance / design.square)
    error = math.sqrt(variance * (1 / blocks + design.middle**2 / design.square))
    return float(2 * stdtr(blocks - 2, -t)), Unplaced(
        first - each * design.ours,
        second - each * design.theirs,
        LogMean(centre - each * design.middle, error, blocks - 2, blocks),
    )
