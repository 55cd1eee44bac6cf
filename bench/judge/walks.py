"""Whether a level that walks explains a step as well as two levels do.

The walk is the local level model: a random walk seen under noise that is independent
from run to run (Harvey, "Forecasting, Structural Time Series Models and the Kalman
Filter", 1989, section 4.1.2), its likelihood by the Kalman filter for several sizes of
the walk's steps beside the noise; none at all is one level.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from pocketbench.bench.judge.steps import Rows

_WALKS = np.array([0, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30])
"""Variances of the walk's steps, that of the noise being 1."""
_NEAREST = 60


def beside_a_walk(old: Rows, new: Rows, least: float) -> float:
    """By how much the log likelihood of two levels exceeds that of the best walk.

    Args:
        old: The values before the step; the nearest 60 count.
        new: Those after it.
        least: A smaller variance around the levels is not believed.
    """
    old, new = old[-_NEAREST:], new[:_NEAREST]
    part = np.concatenate([old, new])
    length = len(part)
    gains, variances = _filter(length)
    level, squares = np.full(len(_WALKS), part[0]), np.zeros(len(_WALKS))
    for value, gain, variance in zip(part[1:], gains, variances, strict=True):
        away = value - level
        squares += away**2 / variance
        level += gain * away
    walks = np.log(squares / (length - 1)) + np.log(variances).mean(axis=0)
    rest = np.concatenate([old - old.mean(), new - new.mean()])
    around = max(float(rest @ rest) / (length - 2), least)
    return length / 2 * (float(walks.min()) - math.log(around))


@lru_cache(maxsize=256)
def _filter(length: int) -> tuple[Rows, Rows]:
    """Of each value after the first and each walk, Kalman's gain and its variance."""
    gains, variances = [], []
    unsure = np.ones(len(_WALKS))
    for _ in range(length - 1):
        unsure = unsure + _WALKS
        variances.append(unsure + 1)
        gains.append(unsure / (unsure + 1))
        unsure = gains[-1]
    return np.array(gains), np.array(variances)
