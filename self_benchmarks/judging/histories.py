"""Rates of right and wrong change points in histories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from judging.noise import Array
from judging.unsteady import HISTORY_KINDS

from pocketbench.bench.judge.history import changes

POINTS = 60
NEAR = 5
"""A change found within so many points of the true one is a hit."""
SETTINGS = ((0.0, 0), (0.05, 20), (0.10, 20), (0.08, 10), (0.10, 10))
"""Effect, and how many points come after it."""

Detector = Callable[[list[list[float]]], list[list[int]]]


class Rate(NamedTuple):
    """Share of series with an alarm, or with a hit, of one kind and setting."""

    kind: str
    effect: float
    after: int
    share: float


def ours(series: list[list[float]]) -> list[list[int]]:
    """Confirmed change points of each series."""
    return [
        [change.index for change in changes(values) if not change.is_suspect]
        for values in series
    ]


def histories(kind: str, trials: int, effect: float, after: int) -> Array:
    """Series of one value per run, with a step of the effect before the last points."""
    random = np.random.default_rng([trials, round(1000 * effect), after, len(kind)])
    values = np.exp(HISTORY_KINDS[kind](random, (trials, POINTS)))
    if after:
        values[:, POINTS - after :] *= 1 + effect
    return values


def kind_rates(detect: Detector, kind: str, trials: int) -> list[Rate]:
    """All settings of one kind of noise."""
    found = []
    for effect, after in SETTINGS:
        series = histories(kind, trials, effect, after).tolist()
        share = hit_share(detect(series), after)
        found.append(Rate(kind, effect, after, share))
    return found


def hit_share(found: Sequence[Sequence[int]], after: int) -> float:
    """Share of series with any change point, or one near the true one if there is."""
    place = POINTS - after
    hits = [
        any(not after or abs(index - place) <= NEAR for index in indices)
        for indices in found
    ]
    return sum(hits) / len(hits)
