"""The rank test of launches whose drift was removed, and what it takes to invert it.

Aligned ranks (Hodges and Lehmann, Ann. Math. Stat. 33, 1962) with the slope of Theil
and Sen. All p-values are scores: where they lie on the Cauchy distribution.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

Array = npt.NDArray[np.float64]

LEAST = 1e-15
"""Smaller p-values are taken for this one: their scores cannot be distinguished."""
MOST_SURE = 0.99
"""A p-value near 1 must not drown the other test's small one."""
_EXACT_UP_TO = 60


def aligned_shifts(first: Array, second: Array) -> Array:
    """Every candidate launch minus every baseline launch, drift removed, sorted."""
    blocks, early, late, apart = _pairs_of_blocks(len(first))
    slopes = np.concatenate(
        [(side[late] - side[early]) / apart for side in (first, second)]
    )
    slopes.sort()
    half = len(slopes) // 2
    # There are two sides, so the number of slopes is even.
    drift = (slopes[half - 1] + slopes[half]) / 2 * blocks
    shifts: Array = np.subtract.outer(second - drift, first - drift).ravel()
    shifts.sort()
    return shifts


def middle(ordered: list[float]) -> float:
    """The median of sorted values."""
    half = len(ordered) // 2
    return (ordered[half] + ordered[-1 - half]) / 2


@lru_cache(maxsize=256)
def needed_t(size: int, degrees: int, joined: float) -> list[float]:
    """By twice the number of shifts below a ratio, the t from which it is rejected."""
    return [_least_t(2 * joined - by_ranks, degrees) for by_ranks in rank_scores(size)]


def score(p_value: float) -> float:
    """Where a p-value lies on the Cauchy distribution."""
    return math.tan((0.5 - min(max(p_value, LEAST), MOST_SURE)) * math.pi)


@lru_cache(maxsize=64)
def rank_scores(size: int) -> list[float]:
    """Scores of the two-sided Mann-Whitney p-values of two sets of one size.

    The index is twice the number of shifts below a ratio, ties counting half.
    """
    pairs = size * size
    if size <= _EXACT_UP_TO:
        counts = _rank_counts(size)
        below = np.minimum(np.cumsum(counts / counts.sum()), 1.0)
        tail = np.minimum(1.0, 2 * np.minimum(below, below[::-1]))
    else:
        spread = math.sqrt(pairs * (2 * size + 1) / 12)
        away = np.maximum(np.abs(np.arange(pairs + 1) - pairs / 2) - 0.5, 0)
        tail = 2 * ndtr(-away / spread)
    # A half-integer, from ties, counts as the integer nearer to the middle.
    towards = np.arange(2 * pairs + 1)
    index = np.where(towards <= pairs, -(-towards // 2), towards // 2)
    return [score(float(p)) for p in tail[index]]


def _least_t(of: float, degrees: int) -> float:
    """The t whose p-value has this score."""
    p_value = math.atan2(1.0, of) / math.pi
    if p_value >= MOST_SURE:
        return 0.0
    return -float(stdtrit(degrees, p_value / 2)) if p_value > LEAST else math.inf


@lru_cache(maxsize=64)
def _pairs_of_blocks(size: int) -> tuple[npt.NDArray[np.int64], ...]:
    """The blocks; of each pair of them the earlier, the later and their distance."""
    early, late = np.triu_indices(size, 1)
    return np.arange(size), early, late, late - early


def _rank_counts(size: int) -> Array:
    """How many arrangements of two sets of one size give each value of the statistic.

    The recurrence of Mann and Whitney (1947), which only adds: whether the largest
    of all belongs to the one set or to the other.
    """
    nothing = np.zeros(size * size + 1)
    nothing[0] = 1.0
    before = [nothing] * (size + 1)
    for _ in range(size):
        row = [nothing]
        for others in range(1, size + 1):
            counts = row[-1].copy()
            counts[others:] += before[others][: len(counts) - others]
            row.append(counts)
        before = row
    return before[size]
