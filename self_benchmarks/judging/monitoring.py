"""Histories as CI sees them: searched again after run after run, whatever came before.

How many unchanged histories show a confirmed slowdown at any look; how many true steps
are found within ten runs behind several pasts; how many steps of a series of several
levels are found at its end.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from judging.histories import Detector
from judging.noise import LAUNCH_NOISE, Array
from judging.unsteady import HISTORY_KINDS

from pocketbench.bench.judge.history import assess

POINTS = 60
FIRST_LOOK = 10
WITHIN = 10
NEAR = 3


def _levels(*stretches: tuple[float, int]) -> Array:
    return np.concatenate([np.full(count, level) for level, count in stretches])


PASTS = {
    "60 steady runs": _levels((1.0, 60)),
    "20 steady runs": _levels((1.0, 20)),
    "+50 %, fixed": _levels((1.0, 25), (1.5, 15), (1.0, 20)),
    "+8 %, fixed": _levels((1.0, 25), (1.08, 15), (1.0, 20)),
    "a dip of 30 %": _levels((1.0, 25), (0.7, 15), (1.0, 20)),
    "two regressions, fixed": _levels(
        (1.0, 20), (1.5, 12), (1.0, 14), (1.3, 10), (1.0, 20)
    ),
    "an improvement": _levels((1.3, 30), (1.0, 20)),
    "five levels": _levels((1.0, 15), (1.2, 15), (0.9, 15), (1.1, 15), (1.0, 15)),
}
"""What came before a step, as levels."""


class Steps(NamedTuple):
    """Of true steps, the share that was found; and false ones per series."""

    found: float
    false: float


def any_look_rate(
    detect: Detector, kind: str, trials: int, every: int, points: int = POINTS
) -> float:
    """Share of unchanged histories in which any look confirms a slowdown."""
    random = np.random.default_rng([7, trials, len(kind)])
    values = np.exp(HISTORY_KINDS[kind](random, (trials, points)))
    ends = range(FIRST_LOOK, points + 1, every)
    looks = [row[:end] for row in values.tolist() for end in ends]
    slower = [
        _slows(series, found)
        for series, found in zip(looks, detect(looks), strict=True)
    ]
    return float(np.reshape(slower, (trials, len(ends))).any(axis=1).mean())


def _slows(series: Sequence[float], places: Sequence[int]) -> bool:
    """Whether any level is above the one before it."""
    edges = [0, *sorted(places), len(series)]
    levels = [np.median(series[a:b]) for a, b in itertools.pairwise(edges) if b > a]
    return any(after > before for before, after in itertools.pairwise(levels))


def flagged_rate(kind: str, trials: int, points: int = POINTS) -> float:
    """Share of histories that ours reports as of two speeds at the end."""
    random = np.random.default_rng([7, trials, len(kind)])
    values = np.exp(HISTORY_KINDS[kind](random, (trials, points)))
    return float(
        np.mean([assess(row).two_speeds is not None for row in values.tolist()])
    )


def step_rate(detect: Detector, past: str, step: float, trials: int) -> float:
    """Share of steps that are found at one of the looks within ten runs."""
    random = np.random.default_rng([8, trials, len(past)])
    before = PASTS[past]
    place = len(before)
    levels = np.append(before, np.full(WITHIN, before[-1] * (1 + step)))
    values = levels * np.exp(random.normal(0, LAUNCH_NOISE, (trials, len(levels))))
    after = range(4, WITHIN + 1)
    looks = [row[: place + runs] for row in values.tolist() for runs in after]
    hits = [any(abs(x - place) <= NEAR for x in found) for found in detect(looks)]
    return float(np.reshape(hits, (trials, len(after))).any(axis=1).mean())


def several_levels(detect: Detector, trials: int) -> Steps:
    """Steps found in histories of four to six levels of 12 to 30 runs."""
    random = np.random.default_rng([9, trials])
    made, truth = [], []
    for _ in range(trials):
        sizes = random.integers(12, 31, random.integers(4, 7))
        ups = random.choice([-1, 1], len(sizes)) * random.uniform(0.08, 0.4, len(sizes))
        levels = np.repeat(np.cumsum(ups), sizes)
        noise = random.normal(0, LAUNCH_NOISE, len(levels))
        made.append(np.exp(levels + noise).tolist())
        truth.append(np.cumsum(sizes)[:-1].tolist())
    hits = false = 0
    for places, found in zip(truth, detect(made), strict=True):
        hits += sum(any(abs(x - y) <= NEAR for y in found) for x in places)
        false += sum(all(abs(x - y) > NEAR for x in places) for y in found)
    return Steps(hits / sum(map(len, truth)), false / trials)
