"""Estimates with intervals from one value a launch: t intervals on logarithms.

The launch is the unit because iterations inside a process agree with each other and
disagree with the next process (Kalibera and Jones, "Rigorous benchmarking in reasonable
time", ISMM 2013: repeat, and take the variance, at the highest level that varies).
Logarithms because times are positive, skewed to the right, and compared as ratios: the
mean of logarithms is the geometric mean, and a difference of logarithms is a ratio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from scipy.special import stdtr, stdtrit

from bench.judge.summary import Estimate


class LogMean(NamedTuple):
    """A mean of logarithms (or a difference of two) with its standard error."""

    mean: float
    standard_error: float
    """0 when all values were exactly equal, as memory figures can be; `nan` when there
    is only one."""
    degrees: float
    """Of freedom, of the t distribution."""
    launches: int
    """Launches, or pairs of launches, it rests on."""

    @property
    def p_value(self) -> float | None:
        """Two-sided, against a mean of 0; `None` when there is only one value."""
        if math.isnan(self.standard_error):
            return None
        if self.standard_error == 0:
            return float(self.mean == 0)
        return float(2 * stdtr(self.degrees, -abs(self.mean / self.standard_error)))

    def half_width(self, alpha: float) -> float:
        """Half of the two-sided 1 - alpha interval; `nan` from only one value."""
        if self.standard_error == 0:
            return 0.0
        return float(self.standard_error * stdtrit(self.degrees, 1 - alpha / 2))

    def estimate(self, alpha: float = 0.05) -> Estimate:
        """The exponentiated mean and 1 - alpha interval."""
        half = self.half_width(alpha)
        bounded = not math.isnan(half)
        return Estimate(
            point=math.exp(self.mean),
            low=math.exp(self.mean - half) if bounded else None,
            high=_exp(self.mean + half) if bounded else None,
            launches=self.launches,
        )


def estimate(values: Sequence[float], *, alpha: float = 0.05) -> Estimate:
    """The geometric mean of launches and its t interval on logarithms.

    Values that are not all positive (a memory difference can be 0) have no logarithm:
    their arithmetic mean and plain t interval are given instead.
    """
    if all(value == values[0] for value in values):
        alone = len(values) == 1
        bound = None if alone else values[0]
        return Estimate(point=values[0], low=bound, high=bound, launches=len(values))
    if min(values) > 0:
        return log_mean([math.log(value) for value in values]).estimate(alpha)
    plain = log_mean(values)
    half = plain.half_width(alpha)
    return Estimate(
        point=plain.mean,
        low=plain.mean - half,
        high=plain.mean + half,
        launches=len(values),
    )


def log_mean(logs: Sequence[float]) -> LogMean:
    """The mean of logarithms with its standard error."""
    count = len(logs)
    if count == 1:
        return LogMean(logs[0], math.nan, math.nan, 1)
    mean, variance = _moments(logs)
    return LogMean(mean, math.sqrt(variance / count), count - 1, count)


def paired_ratio(
    baseline: Sequence[float], candidate: Sequence[float], *, resolution: float = 0.0
) -> LogMean | None:
    """log(candidate / baseline) of pairs, one pair a block: the paired t statistic.

    Args:
        baseline: One value a block.
        candidate: The same blocks' values, in the same order.
        resolution: What the values were rounded to; a spread smaller than rounding
            alone makes is taken to be that of rounding.

    Returns:
        `None` without pairs, or when a value is not positive: there is no ratio.
    """
    if not baseline or min(*baseline, *candidate) <= 0:
        return None
    pairs = zip(baseline, candidate, strict=True)
    found = log_mean([math.log(b) - math.log(a) for a, b in pairs])
    floor = (
        resolution / math.sqrt(12) * math.hypot(1 / min(baseline), 1 / min(candidate))
    )
    return found._replace(
        standard_error=max(found.standard_error, floor / math.sqrt(found.launches))
    )


def unpaired_ratio(
    baseline: Sequence[float], candidate: Sequence[float]
) -> LogMean | None:
    """log(candidate / baseline) of two sets measured apart: Welch's t statistic.

    Returns:
        `None` when a set is empty or a value is not positive: there is no ratio.
    """
    if not baseline or not candidate or min(*baseline, *candidate) <= 0:
        return None
    first = log_mean([math.log(value) for value in baseline])
    second = log_mean([math.log(value) for value in candidate])
    mean = second.mean - first.mean
    launches = min(first.launches, second.launches)
    if launches == 1:
        return LogMean(mean, math.nan, math.nan, 1)
    variances = first.standard_error**2, second.standard_error**2
    total = sum(variances)
    if total == 0:
        return LogMean(mean, 0.0, first.degrees + second.degrees, launches)
    degrees = total**2 / (
        variances[0] ** 2 / first.degrees + variances[1] ** 2 / second.degrees
    )
    return LogMean(mean, math.sqrt(total), degrees, launches)


def _moments(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample variance; exactly (v, 0) when all values are v."""
    if all(value == values[0] for value in values):
        return values[0], 0.0
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, variance


def _exp(value: float) -> float:
    """The exponential, infinite where a float cannot hold it."""
    return math.exp(value) if value < 709 else math.inf
