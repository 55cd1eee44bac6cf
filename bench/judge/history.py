"""From a cell's values over many runs to its changes of level."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from scipy.special import stdtr

from pocketbench.bench.judge.steps import ALPHA, SHORTEST, Rows, noise_scale, steps
from pocketbench.bench.records.record import Value


class Change(Value, frozen=True, kw_only=True):
    """A new level in a history."""

    index: int
    """0-based, of the first value at the new level."""
    after_over_before: float
    """Ratio of the medians of the levels on both sides."""
    p_value: float
    is_suspect: bool = False
    """Only the newest values are there, too few to be sure: a fresh run confirms it."""


def changes(
    values: Sequence[float],
    *,
    environments: Sequence[Hashable] = (),
    min_effect: float = 0.02,
    alpha: float = ALPHA,
) -> tuple[Change, ...]:
    """Find the new levels of a history, and whether its newest values look like one.

    Args:
        values: Positive, in order of time: one a run.
        environments: What must be equal for two values to be compared (device, OS
            build, runtime ...), one a value; empty: all the same. Each stretch in one
            environment is looked at alone, so that where the environment changed no
            change is found.
        min_effect: The smallest change of level that matters, as a proportion.
        alpha: Significance level of one series.

    Raises:
        ValueError: A value is not a positive, finite number, or the environments are
            not as many as the values.
    """
    if environments and len(environments) != len(values):
        raise ValueError("environments must be as many as values")
    for place, value in enumerate(values):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"value {place} is {value}, not a positive number")
    series = np.log(np.asarray(values, dtype=np.float64))
    found: list[Change] = []
    end = 0
    for start, end in _stretches(environments, len(series)):
        found += _confirmed(series[start:end], start, min_effect, alpha)
    if end:
        level = max([start, *(change.index for change in found)])
        found += _suspected(series[level:], level, min_effect, alpha)
    return tuple(found)


def _stretches(
    environments: Sequence[Hashable], length: int
) -> Iterator[tuple[int, int]]:
    """Start and end of each stretch in one environment."""
    start = 0
    for place in range(1, length + 1):
        if place == length or (
            environments and environments[place] != environments[start]
        ):
            yield start, place
            start = place


def _confirmed(
    series: Rows, offset: int, min_effect: float, alpha: float
) -> list[Change]:
    """The changes that lasted long enough to be sure of."""
    found = steps(series, min_effect=min_effect, alpha=alpha)
    edges = [0, *(step.place for step in found), len(series)]
    levels = [
        float(np.median(series[start:end])) for start, end in itertools.pairwise(edges)
    ]
    return [
        Change(
            index=offset + step.place,
            after_over_before=math.exp(after - before),
            p_value=step.p_value,
        )
        for step, before, after in zip(found, levels, levels[1:], strict=False)
    ]


def _suspected(
    level: Rows, offset: int, min_effect: float, alpha: float
) -> list[Change]:
    """The newest values, when they are far from all others at the last level."""
    found: list[Change] = []
    for newest in range(1, SHORTEST):
        before, after = level[:-newest], level[-newest:]
        if len(before) < SHORTEST:
            break
        middle = statistics.median(before.tolist())
        around = 1.4826 * statistics.median(np.abs(before - middle).tolist())
        spread = max(around, float(noise_scale(before[None, :])[0]))
        error = spread * math.sqrt(1 / newest + 1 / len(before))
        away = float(after.mean()) - middle
        # Each number of newest values is a chance of its own to be wrong.
        chance = (SHORTEST - 1) * 2 * float(stdtr(len(before) - 1, -abs(away) / error))
        if chance < alpha and abs(away) >= math.log1p(min_effect):
            found.append(
                Change(
                    index=offset + len(before),
                    after_over_before=math.exp(away),
                    p_value=chance,
                    is_suspect=True,
                )
            )
    return [min(found, key=lambda change: change.p_value)] if found else []
