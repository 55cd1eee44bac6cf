"""How much slower a candidate is than its baseline, from launches paired in blocks.

Two tests are put to the same launches. The paired t test over the blocks is the best
there is while launches vary like a normal distribution, whatever drifts from block to
block; but one disturbed launch in twelve costs it most of its power, and so do modes.
The Mann-Whitney test of the launches, after a straight drift over the blocks has been
taken out of them (aligned ranks, Hodges and Lehmann 1962; with Theil and Sen's slope),
does not mind those; but it minds a drift that is not straight. They are joined by the
Cauchy combination (Liu and Xie, JASA 115, 2020), which holds however much two tests
depend on each other, and costs little while they agree.

`self_benchmarks/statistics.py` measures it against each of the two alone, and others.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtr, stdtrit

from pocketbench.bench.judge.intervals import Evidence, LogMean, log_mean

FEWEST_FOR_RANKS = 5
"""With fewer blocks ranks can say nothing, and the paired t test stands alone."""
CORRECTION = 1.1
"""The combination of two tests that agree much, but not wholly, makes p-values up to
a tenth too small (measured); this gives the tenth back."""

_MOST_SURE = 0.99
"""A p-value near 1 must not drown the other test's small one."""
_EXACT_UP_TO = 60
_LEAST = 1e-15
"""Smaller p-values are taken for this one: their scores cannot be told apart."""


def paired_evidence(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    alpha: float = 0.05,
    resolution: float = 0.0,
) -> Evidence | None:
    """log(candidate / baseline) with its p-value and 1 - alpha interval.

    The interval holds the ratios that the combined test does not reject; the point is
    its middle. Where all pairs have the very same ratio it is exact.

    Args:
        baseline: One value a block, in order of time.
        candidate: The same blocks' values, in the same order.
        alpha: 1 - level of the interval.
        resolution: What the values were rounded to; a spread smaller than rounding
            alone makes is taken to be that of rounding.

    Returns:
        `None` without pairs, or when a value is not positive: there is no ratio.
    """
    if not baseline or min(*baseline, *candidate) <= 0:
        return None
    first = [math.log(value) for value in baseline]
    second = [math.log(value) for value in candidate]
    plain = log_mean([b - a for a, b in zip(first, second, strict=True)])
    if resolution > 0:
        steps = math.hypot(resolution / min(baseline), resolution / min(candidate))
        floor = steps / math.sqrt(12 * plain.launches)
        plain = plain._replace(standard_error=max(plain.standard_error, floor))
    if plain.launches < FEWEST_FOR_RANKS or plain.standard_error == 0:
        return plain.evidence(alpha)
    return _combined(plain, _shifts(np.array(first), np.array(second)), alpha)


def _combined(plain: LogMean, shifts: list[float], alpha: float) -> Evidence:
    """Join the t test and the rank test, and invert them to an interval."""
    blocks = plain.launches
    by_ranks = _rank_scores(blocks)

    def p_value(ratio: float) -> float:
        t = abs(plain.mean - ratio) / plain.standard_error
        by_t = _score(2 * float(stdtr(plain.degrees, -t)))
        below = bisect_left(shifts, ratio) + bisect_right(shifts, ratio)
        # atan2 keeps its precision where 1/2 - atan would lose it to cancellation.
        joined = math.atan2(1.0, (by_t + by_ranks[below]) / 2) / math.pi
        return min(1.0, CORRECTION * joined)

    half = len(shifts) // 2
    middle = (shifts[half] + shifts[-1 - half]) / 2
    inside = max(plain.mean, middle, key=p_value)
    if p_value(inside) < alpha:
        # No ratio suits both: the launches drift in a way that ranks mistake.
        return plain.evidence(alpha)
    high = _edge(plain, shifts, alpha, inside)
    downwards = plain._replace(mean=-plain.mean)
    low = -_edge(downwards, [-shift for shift in reversed(shifts)], alpha, -inside)
    point = (low + high) / 2
    quantile = float(stdtrit(plain.degrees, 1 - alpha / 2))
    ratio = LogMean(point, (high - low) / 2 / quantile, plain.degrees, blocks)
    return Evidence(ratio, low, high, p_value(0.0))


def _edge(plain: LogMean, shifts: list[float], alpha: float, inside: float) -> float:
    """The largest ratio that the combined test does not reject, from `inside` up.

    Between two shifts the ranks say the same, so there the t test alone decides: the
    ratio must be within so many standard errors of the mean as these ranks leave.
    """
    needed = _needed_t(plain.launches, alpha)
    pairs = len(shifts)
    # Above the middle the ranks leave less and less.
    low, high = pairs // 2, pairs
    while low < high:
        place = (low + high + 1) // 2
        reach = plain.standard_error * needed[2 * place]
        if plain.mean + reach > shifts[place - 1]:
            low = place
        else:
            high = place - 1
    for place in range(low, -1, -1):
        reach = plain.standard_error * needed[2 * place]
        above = shifts[place] if place < pairs else math.inf
        below = shifts[place - 1] if place else -math.inf
        edge = min(plain.mean + reach, above)
        if below < edge and plain.mean - reach < edge:
            return max(edge, inside)
    return inside


@lru_cache(maxsize=256)
def _needed_t(size: int, alpha: float) -> list[float]:
    """By twice the number of shifts below a ratio, the t from which it is rejected."""
    joined = 1 / math.tan(math.pi * alpha / CORRECTION)
    return [_least_t(2 * joined - score, size - 1) for score in _rank_scores(size)]


def _least_t(score: float, degrees: int) -> float:
    """The t whose p-value has this score."""
    p_value = math.atan2(1.0, score) / math.pi
    if p_value >= _MOST_SURE:
        return 0.0
    return -float(stdtrit(degrees, p_value / 2)) if p_value > _LEAST else math.inf


def _score(p_value: float) -> float:
    """Where a p-value lies on the Cauchy distribution."""
    return math.tan((0.5 - min(max(p_value, _LEAST), _MOST_SURE)) * math.pi)


def _shifts(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> list[float]:
    """Every candidate launch minus every baseline launch, drift removed, sorted."""
    blocks, early, late, apart = _pairs_of_blocks(len(first))
    slopes = np.concatenate(
        [(side[late] - side[early]) / apart for side in (first, second)]
    )
    slopes.sort()
    half = len(slopes) // 2
    # There are two sides, so the number of slopes is even.
    drift = (slopes[half - 1] + slopes[half]) / 2 * blocks
    shifts = np.subtract.outer(second - drift, first - drift).ravel()
    shifts.sort()
    return list(shifts.tolist())


@lru_cache(maxsize=64)
def _pairs_of_blocks(size: int) -> tuple[npt.NDArray[np.int64], ...]:
    """The blocks; of each pair of them the earlier, the later and their distance."""
    early, late = np.triu_indices(size, 1)
    return np.arange(size), early, late, late - early


@lru_cache(maxsize=64)
def _rank_scores(size: int) -> list[float]:
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
    return [_score(float(p)) for p in tail[index]]


def _rank_counts(size: int) -> npt.NDArray[np.float64]:
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
