"""The rules that make a verdict of an interval, a q-value and a minimum effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pocketbench.bench.errors import UsageError
from pocketbench.bench.judge.intervals import Evidence, t_quantile
from pocketbench.bench.judge.summary import Verdict

MOST_LAUNCHES = 10_000
"""Beyond so many, no number of further launches is promised to settle anything."""


def check_min_effect(min_effect: float) -> None:
    """Refuse a minimum effect that is no proportion.

    Raises:
        UsageError: It is not above 0 and below 1.
    """
    if not 0 < min_effect < 1:
        raise UsageError(
            f"minimum effect {min_effect}",
            "is not between 0 and 1",
            "Give a proportion, such as 0.02 for 2 %",
        )


def corrected(p_values: Sequence[float | None]) -> list[float | None]:
    """Benjamini-Hochberg q-values of one family; those without a p-value are left out.

    Cells of one run correlate positively, under which the procedure holds (Benjamini
    and Yekutieli 2001).
    """
    # As scipy.stats.false_discovery_control, whose import takes a second.
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    q_values: list[float | None] = [None] * len(p_values)
    least = 1.0
    for rank, (p, place) in reversed(list(enumerate(known, start=1))):
        least = min(least, p * len(known) / rank)
        q_values[place] = least
    return q_values


def verdict(
    evidence: Evidence,
    q_value: float | None,
    *,
    min_effect: float,
    better: Literal["lower", "higher"] = "lower",
    alpha: float = 0.05,
) -> Verdict:
    """One of four verdicts on log(candidate / baseline).

    regression: q < alpha, the whole interval on the worse side of 1, and the point at
    least the minimum effect away; improvement: the mirror; no_change: two one-sided
    tests at alpha each reject a change as large as the minimum effect, one way and the
    other (Schuirmann 1987: the 1 - 2 alpha interval lies within it; the band is
    symmetric in logarithms, so that swapping the two mirrors the verdict); anything
    else is inconclusive. The noise never widens the minimum effect: a noisy cell is
    inconclusive, not unchanged.

    Args:
        evidence: What was measured.
        q_value: Its p-value corrected for the family it stands in.
        min_effect: The smallest change that matters, as a proportion.
        better: Whether lower or higher values are better.
        alpha: Significance level of the family.
    """
    if q_value is None or math.isnan(evidence.low):
        return Verdict.INCONCLUSIVE
    band = math.log1p(min_effect)
    low, point, high = evidence.low, evidence.ratio.mean, evidence.high
    if better == "higher":
        low, point, high = -high, -point, -low
    if q_value < alpha and low > 0 and point >= band:
        return Verdict.REGRESSION
    if q_value < alpha and high < 0 and point <= -band:
        return Verdict.IMPROVEMENT
    lowest, highest = evidence.equivalence or (evidence.low, evidence.high)
    if -band <= lowest and highest <= band:
        return Verdict.NO_CHANGE
    return Verdict.INCONCLUSIVE


def launches_to_settle(
    evidence: Evidence, q_value: float | None, *, min_effect: float, alpha: float = 0.05
) -> int | None:
    """About how many further launches of each side would settle an inconclusive ratio.

    The number at which, were effect and spread to stay as they are, the interval would
    leave 1 or fit in the band. Where the family's correction stands in the way the
    level is that which the correction asks for now.

    Returns:
        `None` when nothing is known of the spread or the effect is so near to the
        minimum effect that more than MOST_LAUNCHES would be needed.
    """
    ratio, p_value = evidence.ratio, evidence.p_value
    if math.isnan(ratio.standard_error):
        return None
    level = alpha if evidence.level is None else evidence.level
    strict = level
    if p_value and q_value and q_value > p_value:
        strict = level * p_value / q_value
    effect, band = abs(ratio.mean), math.log1p(min_effect)
    two_one_sided = min(2 * level, 1.0)
    room, level = (effect, strict) if effect >= band else (band - effect, two_one_sided)
    spread = ratio.standard_error * math.sqrt(ratio.launches)
    share = ratio.degrees / max(1, ratio.launches - 1)

    def settles(launches: int) -> bool:
        quantile = t_quantile(share * (launches - 1), level)
        return spread / math.sqrt(launches) * quantile < room

    low, high = ratio.launches, MOST_LAUNCHES
    if low >= high or not settles(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle, high)
    return high - ratio.launches
