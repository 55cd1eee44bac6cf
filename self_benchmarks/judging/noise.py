"""Generated launches and histories of a known truth, with several kinds of noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pocketbench.bench.measure.schedule import block_order

Array = npt.NDArray[np.float64]
Random = np.random.Generator
Noise = Callable[[Random, tuple[int, ...]], Array]

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


def _second_slower(random: Random, shape: tuple[int, ...]) -> Array:
    """The second launch of each block of two is 4 % slower, whichever it is."""
    return _normal(random, shape) + 0.04 * (np.arange(shape[-1]) % 2)


def _uneven_blocks(random: Random, shape: tuple[int, ...]) -> Array:
    """Blocks differ by 8 %, the launches in them by 2 %."""
    blocks = random.normal(0, 0.08, (*shape[:-1], shape[-1] // 2))
    return _normal(random, shape) + np.repeat(blocks, 2, axis=-1)


def rhythm(every: int) -> Noise:
    """Every so many launches one is 5 % slower, from a random one on."""

    def noise(random: Random, shape: tuple[int, ...]) -> Array:
        start = random.integers(0, every, shape[:-1])[..., None]
        hit = (np.arange(shape[-1]) + start) % every == 0
        return random.normal(0, 0.01, shape) + 0.05 * hit

    return noise


RHYTHMS = {f"rhythm of {every}": rhythm(every) for every in range(2, 8)}
"""By name; what a fixed order of launches could be in step with."""

KINDS: dict[str, Noise] = {
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


OF_BLOCKS: dict[str, Noise] = {
    "second launch slower": _second_slower,
    "uneven blocks": _uneven_blocks,
    **RHYTHMS,
}
"""Kinds that only interleaved launches have."""
PAIRED_KINDS = {**KINDS, **OF_BLOCKS}


class Dealt(NamedTuple):
    """Launches of two sides, block by block, in the order that a run would have."""

    a: Array
    b: Array
    b_is_later: npt.NDArray[np.int64]
    """1 where b was the second of its block, by trial and block."""

    def positions(self, trial: int) -> list[tuple[int, int]]:
        """The places of a and b in each block of a trial."""
        return [(1 - later, later) for later in self.b_is_later[trial].tolist()]


def interleaved(levels: Array) -> Dealt:
    """Deal launches, (trials, launches in order of time), to a and b by block_order."""
    trials, launches = levels.shape
    later = np.array(
        [
            [block_order(("a", "b"), block, trial)[1] == "b" for block in range(blocks)]
            for trial in range(trials)
        ]
        if (blocks := launches // 2)
        else [],
        dtype=np.int64,
    )
    first = 2 * np.arange(blocks)
    return Dealt(
        np.take_along_axis(levels, first + 1 - later, 1),
        np.take_along_axis(levels, first + later, 1),
        later,
    )


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
