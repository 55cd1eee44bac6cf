"""How the iterations of one launch go: flat, warming up, slowing down, never steady.

After Barrett et al., "Virtual machine warmup blows hot and cold" (OOPSLA 2017): the
iterations are cut into levels, levels that differ by less than what matters from the
last one count as equal to it, and the order of the levels gives the class. Theirs are
cut by PELT with a penalty that is too small for iterations that remember the one
before; ours by `steps`. Without a change in the last quarter (their last
500 of 2,000) the launch is called steady.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from pocketbench.bench.judge.steps import (
    ALPHA,
    Rows,
    best_split,
    clip_outliers,
    noise_scale,
    steps,
)
from pocketbench.bench.judge.summary import LaunchShape

FEWEST_ITERATIONS = 20
"""Fewer iterations show no shape."""
SAME_LEVEL = 0.02
"""Levels that differ by less than this proportion are the same."""

_FAR_FROM_NEIGHBOURS = 4.0
"""A variance so many times that between neighbours may hide levels from one split."""


class Shaped(NamedTuple):
    """A class, and the iteration from which the last level holds."""

    shape: LaunchShape
    steady_from: int
    """0-based; iterations before it are warm-up when the shape is WARM_UP."""


def shapes(rows: Rows) -> list[Shaped | None]:
    """Classify launches of one length, a row of latencies each.

    Returns:
        `None` where iterations are too few, or one is not positive.
    """
    if rows.shape[1] < FEWEST_ITERATIONS or not len(rows):
        return [None] * len(rows)
    usable = [bool(lowest > 0) for lowest in rows.min(axis=1)]
    logs = np.log(np.where(rows > 0, rows, 1.0))
    scale = noise_scale(logs)
    # Most launches are flat: one look at all of them spares each its own.
    clipped = clip_outliers(logs, scale)
    split = best_split(clipped, scale)
    spread = clipped.var(axis=1) > _FAR_FROM_NEIGHBOURS * scale**2
    moves = ((split.p_value < ALPHA) | spread).tolist()
    return [
        None if not usable[i] else _shaped(logs[i]) if moves[i] else _FLAT
        for i in range(len(rows))
    ]


_FLAT = Shaped(LaunchShape.FLAT, 0)


def _shaped(series: Rows) -> Shaped:
    """Classify one launch by its levels."""
    found = steps(series, min_effect=SAME_LEVEL)
    if not found:
        return _FLAT
    edges = [0, *(step.place for step in found), len(series)]
    levels = [
        float(np.median(series[start:end])) for start, end in itertools.pairwise(edges)
    ]
    apart = [level - levels[-1] for level in levels]
    same = [abs(difference) < np.log1p(SAME_LEVEL) for difference in apart]
    if all(same):
        return _FLAT
    last_other = max(place for place, is_same in enumerate(same) if not is_same)
    steady_from = edges[last_other + 1]
    if len(series) - steady_from < len(series) / 4:
        return Shaped(LaunchShape.NO_STEADY_STATE, steady_from)
    if all(
        is_same or difference > 0
        for is_same, difference in zip(same, apart, strict=True)
    ):
        return Shaped(LaunchShape.WARM_UP, steady_from)
    return Shaped(LaunchShape.SLOW_DOWN, steady_from)
