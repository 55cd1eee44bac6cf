"""Estimates with intervals from one value per launch: t intervals on logarithms.

The launch is the unit because iterations inside a process agree with each other and
disagree with the next process (Kalibera and Jones, "Rigorous benchmarking in reasonable
time", ISMM 2013: repeat, and take the variance, at the highest level that varies).
Logarithms because times are positive, skewed to the right, and compared as ratios: the
mean of logarithms is the geometric mean, and a difference of logarithms is a ratio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from scipy.special import stdtr, stdtrit

from pocketbench.bench.judge.summary import Estimate


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
        return self.standard_error * t_quantile(self.degrees, alpha)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Both ends of the two-sided 1 - alpha interval."""
        half = self.half_width(alpha)
        return self.mean - half, self.mean + half

    def evidence(
        self, alpha: float = 0.05, *, equivalence_alpha: float | None = None
    ) -> Evidence:
        """What it says at one look: its p-value and 1 - alpha interval.

        Args:
            alpha: 1 - level of the interval.
            equivalence_alpha: Level of each one-sided test for no change; `None`:
                alpha.
        """
        one_sided = alpha if equivalence_alpha is None else equivalence_alpha
        low, high = self.bounds(alpha)
        within = self.bounds(2 * one_sided)
        return Evidence(self, low, high, self.p_value, equivalence=within)


class Evidence(NamedTuple):
    """A log ratio with the interval and p-value that a verdict may be built on."""

    ratio: LogMean
    low: float
    """Ends of the interval, as logarithms; `nan` where there is none."""
    high: float
    p_value: float | None
    level: float | None = None
    """1 - level of the interval where that is not 1 - alpha: at several looks each
    asks for more."""
    equivalence: tuple[float, float] | None = None
    """The interval of two one-sided tests at alpha each (TOST), as logarithms: where
    it lies within the minimum effect, nothing changed. `None`: the other one stands
    for it."""

    def estimate(self) -> Estimate:
        """The ratio and its interval, no more as logarithms."""
        bounded = not math.isnan(self.low)
        return Estimate(
            point=math.exp(self.ratio.mean),
            low=math.exp(self.low) if bounded else None,
            high=exp(self.high) if bounded else None,
            launches=self.ratio.launches,
        )


def estimate(values: Sequence[float], *, alpha: float = 0.05) -> Estimate:
    """The geometric mean of launches and its t interval on logarithms.

    Values that are not all positive (a memory difference can be 0) have no logarithm:
    their arithmetic mean and plain t interval are given instead.
    """
    if all(value == values[0] for value in values):
        bound = None if len(values) == 1 else values[0]
        return Estimate(point=values[0], low=bound, high=bound, launches=len(values))
    if min(values) > 0:
        logs = [math.log(value) for value in values]
        return log_mean(logs).evidence(alpha).estimate()
    plain = log_mean(values).evidence(alpha)
    return Estimate(
        point=plain.ratio.mean, low=plain.low, high=plain.high, launches=len(values)
    )


@lru_cache(maxsize=1024)
def t_quantile(degrees: float, alpha: float) -> float:
    """What Student's t exceeds, either way, with probability alpha."""
    return float(stdtrit(degrees, 1 - alpha / 2))


def t_by_launches(most: int = 1000) -> list[float | None]:
    """The factors of a mean's 95 % interval, by its number of launches from 1 on."""
    return [None, *(t_quantile(count - 1, 0.05) for count in range(2, most + 1))]


def log_mean(logs: Sequence[float]) -> LogMean:
    """The mean of logarithms with its standard error."""
    count = len(logs)
    if count == 1:
        return LogMean(logs[0], math.nan, math.nan, 1)
    if all(value == logs[0] for value in logs):
        return LogMean(logs[0], 0.0, count - 1, count)
    mean = math.fsum(logs) / count
    variance = math.fsum((value - mean) ** 2 for value in logs) / (count - 1)
    return LogMean(mean, math.sqrt(variance / count), count - 1, count)


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
    ours, theirs = first.standard_error**2, second.standard_error**2
    if ours + theirs == 0:
        return LogMean(mean, 0.0, first.degrees + second.degrees, launches)
    degrees = (ours + theirs) ** 2 / (
        ours**2 / first.degrees + theirs**2 / second.degrees
    )
    return LogMean(mean, math.sqrt(ours + theirs), degrees, launches)


def exp(value: float) -> float:
    """The exponential, infinite where a float cannot hold it."""
    return math.exp(value) if value < 709 else math.inf
