"""Generated launches and histories of a known truth, with several kinds of noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Random = np.random.Generator

LAUNCH_NOISE = 0.02
"""Standard deviation of a launch's level, where the kind does not say otherwise."""
ITERATIONS = 40


def _normal(random: Random, shape: tuple[int, ...]) -> Array:
    return random.normal(0, LAUNCH_NOISE, shape)


def _nested(random: Random, shape: tuple[int, ...]) -> Array:
    return LAUNCH_NOISE * random.standard_t(4, shape)


def _heavy(random: Random, shape: tuple[int, ...]) -> Array:
    return LAUNCH_NOISE * random.standard_t(2.5, shape)


def _skewed(random: Random, shape: tuple[int, ...]) -> Array:
    return 2 * LAUNCH_NOISE * random.exponential(1, shape)


def _bimodal(random: Random, shape: tuple[int, ...]) -> Array:
    return random.normal(0, 0.005, shape) + 0.05 * (random.random(shape) < 0.3)


def _remembering(random: Random, shape: tuple[int, ...]) -> Array:
    """AR(1) with 0.6, over the launches in order of time."""
    shocks = _normal(random, shape)
    values = np.empty(shape)
    values[..., 0] = shocks[..., 0]
    for place in range(1, shape[-1]):
        values[..., place] = 0.6 * values[..., place - 1] + 0.8 * shocks[..., place]
    return values


def _drifting(random: Random, shape: tuple[int, ...]) -> Array:
    """A straight drift of 5 % over the whole, either way."""
    ways = random.choice([-1.0, 1.0], shape[:-1])[..., None]
    return _normal(random, shape) + 0.05 * ways * np.linspace(0, 1, shape[-1])


def _waving(random: Random, shape: tuple[int, ...]) -> Array:
    """A wave of 3 % up and down, about once, as of a room's temperature."""
    phase = random.random(shape[:-1])[..., None]
    periods = random.uniform(0.5, 1.5, shape[:-1])[..., None]
    place = np.linspace(0, 1, shape[-1])
    return _normal(random, shape) + 0.03 * np.sin(2 * np.pi * (place * periods + phase))


def _spiky(random: Random, shape: tuple[int, ...]) -> Array:
    """One launch in twelve is disturbed, by 10 to 70 %."""
    hit = random.random(shape) < 1 / 12
    return _normal(random, shape) + hit * random.uniform(0.1, 0.5, shape)


KINDS: dict[str, Callable[[Random, tuple[int, ...]], Array]] = {
    "normal": _normal,
    "nested": _nested,
    "heavy-tailed": _heavy,
    "skewed": _skewed,
    "bimodal": _bimodal,
    "autocorrelated": _remembering,
    "drifting": _drifting,
    "waving": _waving,
    "spikes": _spiky,
}
"""Logarithms of launch levels in order of time, by kind; the last axis is time."""


def interleaved(levels: Array) -> tuple[Array, Array]:
    """Deal launches in order of time to a and b in blocks: A B, B A, A B, ..."""
    blocks = levels.shape[-1] // 2
    swapped = np.arange(blocks) % 2
    first = 2 * np.arange(blocks)
    return levels[..., first + swapped], levels[..., first + 1 - swapped]


def iterations(random: Random, levels: Array) -> Array:
    """Latencies of launches with these levels: an AR(1) of 5 %, and rare spikes."""
    shocks = random.normal(0, 0.05, (*levels.shape, ITERATIONS))
    values = np.empty_like(shocks)
    values[..., 0] = shocks[..., 0]
    for place in range(1, ITERATIONS):
        values[..., place] = 0.5 * values[..., place - 1] + 0.866 * shocks[..., place]
    values += (random.random(values.shape) < 0.02) * random.uniform(
        0.2, 1.0, values.shape
    )
    return 1e6 * np.exp(levels[..., None] + values)
