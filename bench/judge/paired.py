"""How much slower a candidate is than its baseline, from launches paired in blocks.

Two tests are put to the same launches. The paired t test over the blocks is the best
there is while launches vary like a normal distribution, whatever drifts from block to
block; but one disturbed launch in twelve costs it most of its power, and so do modes.
The Mann-Whitney test of the launches, after a straight drift over the blocks has been
taken out of them (aligned ranks), does not mind those; but it minds a drift that is not
straight. They are joined by the Cauchy combination (Liu and Xie, JASA 115, 2020), which
holds however much two tests depend on each other, and costs little while they agree.

The point is the rank test's own: the median of all aligned shifts (Hodges and Lehmann,
Ann. Math. Stat. 34, 1963). One disturbed launch moves it little.

`self_benchmarks/statistics.py` measures tests and point against each of the two alone,
and others.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr

from pocketbench.bench.judge.aligned_ranks import (
    Array,
    aligned_shifts,
    middle,
    needed_t,
    rank_scores,
    score,
)
from pocketbench.bench.judge.intervals import Evidence, LogMean, t_quantile
from pocketbench.bench.judge.positions import Positions, without_positions

FEWEST_FOR_RANKS = 5
"""With fewer blocks ranks can say nothing, and the paired t test stands alone."""
CORRECTION = 1.1
"""The combination of two tests that agree much, but not wholly, makes p-values up to
a tenth too small (measured); this gives the tenth back."""


def paired_evidence(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    alpha: float = 0.05,
    equivalence_alpha: float | None = None,
    resolution: float = 0.0,
    positions: Positions | None = None,
) -> Evidence | None:
    """log(candidate / baseline) with its p-value and 1 - alpha interval.

    The interval holds the ratios that the combined test does not reject. Where all
    pairs have the very same ratio it is exact.

    Args:
        baseline: One value per block, in order of time.
        candidate: The same blocks' values, in the same order.
        alpha: 1 - level of the interval.
        equivalence_alpha: Level of each of the two one-sided tests for no change;
            `None`: alpha.
        resolution: What the values were rounded to; a spread smaller than rounding
            alone makes is taken to be that of rounding.
        positions: Places of baseline and candidate within each block: what they do is
            removed where it is there.

    Returns:
        `None` without pairs, or when a value is not positive: there is no ratio.
    """
    if not baseline or min(*baseline, *candidate) <= 0:
        return None
    first, second, plain = without_positions(
        np.log(np.asarray(baseline, dtype=float)),
        np.log(np.asarray(candidate, dtype=float)),
        positions,
    )
    if resolution > 0:
        steps = math.hypot(resolution / min(baseline), resolution / min(candidate))
        floor = steps / math.sqrt(12 * plain.launches)
        plain = plain._replace(standard_error=max(plain.standard_error, floor))
    one_sided = alpha if equivalence_alpha is None else equivalence_alpha
    if plain.launches < FEWEST_FOR_RANKS or plain.standard_error == 0:
        return plain.evidence(alpha, equivalence_alpha=one_sided)
    return _Joined(plain, aligned_shifts(first, second)).evidence(alpha, one_sided)


class _Joined:
    """The t test and the rank test of one set of launches, joined."""

    def __init__(self, plain: LogMean, shifts: Array) -> None:
        self._plain = plain
        self._shifts: list[float] = shifts.tolist()
        self._mirrored: list[float] = (-shifts[::-1]).tolist()
        self._by_ranks = rank_scores(plain.launches)
        self._middle = middle(self._shifts)
        self._inside = max(plain.mean, self._middle, key=self._p_value)

    def evidence(self, alpha: float, one_sided: float) -> Evidence:
        """Point, intervals and p-value against no difference."""
        plain = self._plain
        ends = self._interval(alpha)
        if ends is None:
            # No ratio suits both: the launches drift in a way that ranks mistake.
            return plain.evidence(alpha, equivalence_alpha=one_sided)
        low, high = ends
        point = min(max(self._middle, low), high)
        error = (high - low) / 2 / t_quantile(plain.degrees, alpha)
        ratio = LogMean(point, error, plain.degrees, plain.launches)
        within = self._interval(2 * one_sided) or plain.bounds(2 * one_sided)
        return Evidence(ratio, low, high, self._p_value(0.0), equivalence=within)

    def _p_value(self, ratio: float) -> float:
        plain = self._plain
        t = abs(plain.mean - ratio) / plain.standard_error
        by_t = score(2 * float(stdtr(plain.degrees, -t)))
        below = bisect_left(self._shifts, ratio) + bisect_right(self._shifts, ratio)
        # atan2 keeps its precision where 1/2 - atan would lose it to cancellation.
        joined = math.atan2(1.0, (by_t + self._by_ranks[below]) / 2) / math.pi
        return min(1.0, CORRECTION * joined)

    def _interval(self, alpha: float) -> tuple[float, float] | None:
        """The ratios that are not rejected; `None` where all of them are."""
        if self._p_value(self._inside) < alpha:
            return None
        plain, shifts, inside = self._plain, self._shifts, self._inside
        high = _edge(plain, shifts, alpha, inside)
        downwards = plain._replace(mean=-plain.mean)
        return -_edge(downwards, self._mirrored, alpha, -inside), high


def _edge(plain: LogMean, shifts: list[float], alpha: float, inside: float) -> float:
    """The largest ratio that the combined test does not reject, from `inside` up.

    Between two shifts the ranks say the same, so there the t test alone decides: the
    ratio must be within so many standard errors of the mean as these ranks leave.
    """
    joined = 1 / math.tan(math.pi * alpha / CORRECTION)
    needed = needed_t(plain.launches, int(plain.degrees), joined)
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
