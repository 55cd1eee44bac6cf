"""The worst part of an output: a channel or column that the whole would hide.

Free of torch, because what a device answered is judged by it too.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pocketbench.bench.records.output_check import sqnr_db

Values = npt.NDArray[np.float64]
"""Of one output in all calls: [call, ...shape]."""

_FEWEST_VALUES = 4
"""Of a channel; fewer say nothing of its scale."""
_ENOUGH_VALUES = 64
"""Of a channel that is judged by itself."""
_UNLIKE = 4.0
"""A channel of a scale this many times below the largest has a figure of its own."""
_FAR_BELOW = 16.0
"""The same for channels with few values, together with their like."""
_MOST_PARTS = 1 << 18
"""A large vocabulary has fewer columns."""
_VARIES = 1e-3
"""Of its own size, by which a channel of the original must vary."""


class PartError(NamedTuple):
    """What is wrong in parts of an output."""

    worst: str | None
    """`channels 4 to 13 of 14`; `None`: no part is unlike the rest."""
    worst_sqnr_db: float | None
    constant: str | None
    """The parts that have one value in all calls, where the original's vary; `all
    values` for the whole output."""


def part_error(expected: Values, found: Values) -> PartError:
    """Judge the channels (second axis) and the columns (last axis) of an output."""
    whole = _became_constant(expected.reshape(1, -1), found.reshape(1, -1))
    if expected.size >= _FEWEST_VALUES and len(whole):
        return PartError(None, None, "all values")
    worst: tuple[float, str] | None = None
    constant: str | None = None
    for axis, word in _axes(expected.shape):
        was, now = _by_part(expected, axis), _by_part(found, axis)
        if was.shape[1] < _FEWEST_VALUES or _is_distribution(expected, axis):
            continue
        dead = _became_constant(was, now)
        if constant is None and len(dead):
            constant = _named(word, dead, len(was))
        for group in (*_unlike(was), dead):
            figure = _sqnr_db(was[group], now[group]) if len(group) else None
            if figure is not None and (worst is None or figure < worst[0]):
                worst = figure, _named(word, group, len(was))
    if worst is None:
        return PartError(None, None, constant)
    return PartError(worst[1], worst[0], constant)


def _axes(shape: tuple[int, ...]) -> list[tuple[int, str]]:
    """The axes that mean something: [call, batch, channel, ..., column]."""
    rank = len(shape)
    if rank < 2:
        return []
    if rank == 2:
        axes = [(1, "value")]
    elif rank == 3:
        axes = [(2, "column")]
    else:
        axes = [(2, "channel"), (rank - 1, "column")]
    return [(axis, word) for axis, word in axes if 2 <= shape[axis] <= _MOST_PARTS]


def _by_part(values: Values, axis: int) -> Values:
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def _is_distribution(values: Values, axis: int) -> bool:
    """Whether probabilities lie along an axis: small ones may well round to 0."""
    sums = values.sum(axis=axis)
    return bool(values.min(initial=0.0) >= 0 and np.allclose(sums, 1.0, atol=1e-3))


def _unlike(parts: Values) -> list[npt.NDArray[np.intp]]:
    """Groups of parts whose scale is far below the largest's."""
    scale = np.sqrt(np.square(parts).mean(axis=1))
    largest = scale.max(initial=0.0)
    has_signal = scale > largest * 1e-9
    if parts.shape[1] >= _ENOUGH_VALUES:
        below = has_signal & (scale < largest / _UNLIKE)
        return [np.array([place]) for place in np.flatnonzero(below)]
    ratio = np.divide(largest, scale, where=has_signal, out=np.ones_like(scale))
    steps = np.floor(np.log(ratio) / math.log(_FAR_BELOW)).astype(int)
    return [np.flatnonzero(steps == step) for step in sorted({*steps.tolist()} - {0})]


def _became_constant(was: Values, now: Values) -> npt.NDArray[np.intp]:
    """The rows of one value where the original's vary."""
    size = np.abs(was).max(axis=1, initial=0.0)
    varied = np.ptp(was, axis=1) > _VARIES * size
    return np.flatnonzero(varied & (np.ptp(now, axis=1) == 0))


def _sqnr_db(was: Values, now: Values) -> float | None:
    return sqnr_db(float(np.square(was).sum()), float(np.square(was - now).sum()))


def _named(word: str, places: npt.NDArray[np.intp], count: int) -> str:
    first, last = int(places[0]), int(places[-1])
    if first == last:
        return f"{word} {first} of {count}"
    if last - first == len(places) - 1:
        return f"{word}s {first} to {last} of {count}"
    return f"{len(places)} of {count} {word}s, {first} among them"
