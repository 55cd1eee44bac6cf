"""What a device can resolve: from a model file that was compared with itself."""

from __future__ import annotations

import math
from collections.abc import Iterable

from scipy.special import stdtrit

from pocketbench.bench.judge.summary import Comparison, Resolution
from pocketbench.bench.judge.verdicts import MOST_LAUNCHES

POWER = 0.8
"""An effect counts as found when it is found four times in five."""


def resolutions(
    comparisons: Iterable[Comparison], *, alpha: float = 0.05
) -> tuple[Resolution, ...]:
    """One for each judged comparison of a run in which nothing differs.

    The smallest effect is the usual sum of two quantiles of t, of the level and of the
    power, times the standard error (Cohen, "Statistical power analysis", 1988), for
    one comparison alone; it is never below the minimum effect plus what the point
    itself errs by, because a verdict asks for a point beyond it.
    """
    return tuple(
        _resolution(comparison, alpha)
        for comparison in comparisons
        if comparison.kind == "variant" and comparison.verdict is not None
    )


def _resolution(comparison: Comparison, alpha: float) -> Resolution:
    ratio = comparison.candidate_over_baseline
    half, smallest, further = None, None, None
    if ratio.low is not None and ratio.high is not None and ratio.launches > 1:
        half = math.log(ratio.high / ratio.low) / 2
        quantile = float(stdtrit(ratio.launches - 1, 1 - alpha / 2))
        spread = half / quantile * math.sqrt(ratio.launches)
        band = math.log1p(comparison.min_effect)
        smallest = _smallest(spread, ratio.launches, band, alpha)
        further = _blocks_for(spread, band, alpha)
    return Resolution(
        device_id=comparison.device_id,
        model=comparison.model,
        variant_id=comparison.candidate,
        metric=comparison.metric,
        blocks=ratio.launches,
        half_width=None if half is None else math.expm1(half),
        smallest_found=None if smallest is None else math.expm1(smallest),
        blocks_for_min_effect=further,
        min_effect=comparison.min_effect,
    )


def _smallest(spread: float, blocks: int, band: float, alpha: float) -> float:
    """The smallest log ratio that is called a change with the power."""
    error = spread / math.sqrt(blocks)
    beyond = error * float(stdtrit(blocks - 1, POWER))
    return max(error * float(stdtrit(blocks - 1, 1 - alpha / 2)), band) + beyond


def _blocks_for(spread: float, band: float, alpha: float) -> int | None:
    """The fewest blocks at which a log ratio of the band is distinguished from none."""

    def is_distinguishable(blocks: int) -> bool:
        levels = (1 - alpha / 2, POWER)
        both = sum(float(stdtrit(blocks - 1, level)) for level in levels)
        return spread / math.sqrt(blocks) * both <= band

    low, high = 1, MOST_LAUNCHES
    if not is_distinguishable(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_distinguishable(middle) else (middle, high)
    return high
