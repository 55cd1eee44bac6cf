"""Histories in which nothing changes, although their values do: kinds of a run's noise.

What these add to `judging.noise` needs many runs to show: machines of two speeds, and
levels that wander.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from judging.noise import KINDS, LAUNCH_NOISE, Array, Random


def _gap(random: Random, shape: tuple[int, ...]) -> Array:
    """How much slower the slow machine is: 5 to 60 %, one value per series."""
    chosen: Array = np.exp(random.uniform(np.log(0.05), np.log(0.6), shape[:-1]))
    return chosen[..., None]


def _coin(random: Random, shape: tuple[int, ...]) -> Array:
    """A coin decides which of two machines a run gets; noise of a fifth of the gap."""
    gap = np.log1p(_gap(random, shape))
    slow = random.random(shape) < 0.5
    return gap * (slow + random.normal(0, 0.2, shape))


def _busy_neighbour(random: Random, shape: tuple[int, ...]) -> Array:
    """Three runs in ten take 1.6 times as long, with 5 % noise."""
    slow = random.random(shape) < 0.3
    return random.normal(0, 0.05, shape) + np.log(1.6) * slow


def _sticky(fewest: int, most: int) -> Callable[[Random, tuple[int, ...]], Array]:
    def draw(random: Random, shape: tuple[int, ...]) -> Array:
        gap = np.log1p(_gap(random, shape))
        slow = np.empty(shape)
        for row in slow.reshape(-1, shape[-1]):
            stays = random.integers(fewest, most + 1, shape[-1])
            sides = (np.arange(shape[-1]) + random.integers(2)) % 2
            # The first stay has begun before the history does.
            stays[0] = random.integers(1, stays[0] + 1)
            row[:] = np.repeat(sides, stays)[: shape[-1]]
        return gap * slow + random.normal(0, 1, shape) * np.minimum(0.2 * gap, 0.02)

    return draw


def _remembering(random: Random, shape: tuple[int, ...]) -> Array:
    """AR(1) with 0.8."""
    values = random.normal(0, LAUNCH_NOISE, shape)
    for place in range(1, shape[-1]):
        values[..., place] = 0.8 * values[..., place - 1] + 0.6 * values[..., place]
    return values


def _walking(random: Random, shape: tuple[int, ...]) -> Array:
    """A random walk of 1 % per run."""
    return np.cumsum(random.normal(0, 0.01, shape), axis=-1)


def _walking_unseen(random: Random, shape: tuple[int, ...]) -> Array:
    """A random walk of 0.5 % per run under the noise of each run."""
    steps = random.normal(0, 0.005, shape)
    return np.cumsum(steps, axis=-1) + random.normal(0, 0.01, shape)


def _seasonal(random: Random, shape: tuple[int, ...]) -> Array:
    """A wave of 4 % up and down every 20 to 40 runs."""
    phase = random.random(shape[:-1])[..., None]
    period = random.uniform(20, 40, shape[:-1])[..., None]
    wave = np.sin(2 * np.pi * (np.arange(shape[-1]) / period + phase))
    return random.normal(0, LAUNCH_NOISE, shape) + 0.04 * wave


TWO_SPEEDS: dict[str, Callable[[Random, tuple[int, ...]], Array]] = {
    "two speeds, 3 in 10 at 1.6x": _busy_neighbour,
    "two speeds, a coin": _coin,
    "two speeds, sticks 3 to 8 runs": _sticky(3, 8),
    "two speeds, sticks 5 to 20 runs": _sticky(5, 20),
}
"""To be reported as two speeds."""
WANDERING: dict[str, Callable[[Random, tuple[int, ...]], Array]] = {
    "AR(1) of 0.8": _remembering,
    "random walk": _walking,
    "random walk under noise": _walking_unseen,
    "season": _seasonal,
}
HISTORY_KINDS = {**KINDS, **WANDERING, **TWO_SPEEDS}
"""Logarithms of runs' values in order of time; the last axis is time."""
