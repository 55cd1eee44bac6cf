"""Where a series may change its level, and how much of its noise lasts.

Seeded binary segmentation (Kovacs, Buhlmann, Li and Munk, Biometrika 110, 2023), the
narrowest interval over a threshold (Baranowski, Chen and Fryzlewicz, JRSS B 81, 2019):
the best split of each of a fixed set of intervals is tested, the shortest interval that
holds a step first, so that one step hides no other. Values are first clipped to two
robust standard deviations around their running median of five, unless so many lie
outside that they are no outliers.

The memory of the series is estimated once, as an AR(1) model of what remains when the
obvious steps are taken out: by how much the squared difference of two values of one
level grows with their distance. What a first-order model of unsegmented data takes for
memory is often a step.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pocketbench.bench.judge.steps import SHORTEST, Rows, noise_scale

_WINDOW = 5
_CLIP = 2.0
_MOST_CLIPPED = 1 / 6
_DECAY = math.sqrt(0.5)
_OBVIOUS = 5.0
_LIKELY = 4.0
_MOST_LAGS = 8
_ROUNDS = 4
_NOISIER = 2.0
_MEMORY_BY_CHANCE = 1.4
_MEDIAN_APART = math.sqrt(2) / 1.4826
"""Median distance of two normal values with a standard deviation of 1."""
_CORRELATIONS = np.linspace(0, 0.98, 50)


class Noise(NamedTuple):
    """An AR(1) model of the values around their levels."""

    scale: float
    """Standard deviation between neighbours, robust."""
    variance: float
    correlation: float
    values: float
    """Of how many it was estimated."""

    @property
    def wider(self) -> float:
        """By how much memory widens the error of a long level; below chance 0."""
        widened = math.sqrt((1 + self.correlation) / (1 - self.correlation))
        return max(0.0, widened - 1 - _MEMORY_BY_CHANCE / math.sqrt(self.values))

    @property
    def freedom(self) -> float:
        """Independent values, about."""
        return max(self.values / (1 + self.wider) ** 2, 4)

    def errors(self, left: Rows, right: Rows) -> Rows:
        """Standard errors of the difference of two adjacent means of so many values."""
        return np.sqrt(self.variance * _unit_variances(self.correlation, left, right))


def _unit_variances(rho: float, left: Rows, right: Rows) -> Rows:
    apart = (1 + rho) / (1 - rho) * (1 / left + 1 / right)
    ends = 2 * rho / (1 - rho) ** 2
    left_end, right_end = (1 - rho**left) / left, (1 - rho**right) / right
    apart = apart - ends * (left_end / left + right_end / right)
    apart = apart - ends * left_end * right_end
    return np.maximum(apart, 1e-12)


@lru_cache(maxsize=64)
def _split_variances(rho: float, size: int) -> Rows:
    """Of every split of an interval; most series are searched without memory."""
    left = np.arange(SHORTEST, size - SHORTEST + 1, dtype=np.float64)
    return _unit_variances(rho, left, size - left)


class Segments(NamedTuple):
    """A series cut where its level may change."""

    clipped: Rows
    edges: list[int]
    """0, the first place of each further level, and the length."""
    noise: Noise


def segments(series: Rows) -> Segments:
    """Cut a series of at least two shortest levels."""
    scale = float(noise_scale(series[None, :])[0])
    clipped = _without_outliers(series, scale)
    plain = Noise(scale, scale**2, 0.0, len(series))
    obvious = _cut(clipped, plain, _OBVIOUS)
    noise = _noise(clipped, obvious, scale)
    return Segments(clipped, _cut(clipped, noise, _LIKELY), noise)


def _without_outliers(series: Rows, scale: float) -> Rows:
    windows = np.lib.stride_tricks.sliding_window_view(series, _WINDOW)
    middle = np.pad(np.median(windows, axis=1), _WINDOW // 2, mode="edge")
    away = np.abs(series - middle)
    reach = max(_CLIP * scale, float(np.quantile(away, 1 - _MOST_CLIPPED)))
    return np.clip(series, middle - reach, middle + reach)


def _cut(series: Rows, noise: Noise, threshold: float) -> list[int]:
    """The edges of levels that all lie apart by the threshold in standard errors."""
    sums = np.concatenate([[0.0], np.cumsum(series)])
    apart = np.abs(np.diff(series))
    found = _narrowest(sums, apart, noise, threshold)
    edges = _refined(sums, [0, *found, len(series)])
    while len(edges) > 2:
        sizes = np.diff(edges).astype(np.float64)
        means = np.diff(sums[edges]) / sizes
        errors = noise.errors(sizes[:-1], sizes[1:])
        around = zip(edges[:-2], edges[2:], strict=True)
        errors *= [_widening(apart[None, a : b - 1], noise)[0] for a, b in around]
        away = np.abs(np.diff(means)) / errors
        weakest = int(away.argmin())
        if away[weakest] >= threshold:
            break
        del edges[weakest + 1]
        edges = _refined(sums, edges)
    return edges


@lru_cache(maxsize=1024)
def _seeds(length: int) -> tuple[tuple[int, npt.NDArray[np.int64]], ...]:
    """Size and starts of the seeded intervals, the shortest first."""
    layers = []
    for layer in itertools.count():
        size = length * _DECAY**layer
        if round(size) < 2 * SHORTEST:
            break
        count = 2 * math.ceil(_DECAY**-layer) - 1 if layer else 1
        whole = math.ceil(size)
        starts = np.unique(np.round(np.linspace(0, length - whole, count)))
        layers.append((whole, starts.astype(np.int64)))
    return tuple(reversed(layers))


def _widening(apart: Rows, noise: Noise) -> Rows:
    """By how much intervals are noisier than the series, where that is plain to see.

    A quiet level, or one of equal values, would make levels of the noise of the next.
    """
    own = np.median(apart, axis=1) / (_MEDIAN_APART * noise.scale)
    return np.where(own > _NOISIER, own, 1.0)


def _narrowest(sums: Rows, apart: Rows, noise: Noise, threshold: float) -> list[int]:
    """A place in each narrowest interval with a split beyond the threshold.

    Args:
        sums: Of the values before each place.
        apart: Distances of neighbours.
        noise: Of the series.
        threshold: In standard errors.
    """
    taken: list[int] = []
    for size, starts in _seeds(len(sums) - 1):
        left = np.arange(SHORTEST, size - SHORTEST + 1)
        at = sums[starts[:, None] + left]
        begin, end = sums[starts][:, None], sums[starts + size][:, None]
        heights = np.abs((at - begin) / left - (end - at) / (size - left))
        away = heights / np.sqrt(
            noise.variance * _split_variances(noise.correlation, size)
        )
        best = away.argmax(axis=1)
        strength = away[np.arange(len(starts)), best]
        beyond = np.flatnonzero(strength >= threshold)
        if not len(beyond):
            continue
        inside = np.lib.stride_tricks.sliding_window_view(apart, size - 1)
        strength[beyond] /= _widening(inside[starts[beyond]], noise)
        beyond = beyond[strength[beyond] >= threshold]
        for row in beyond[np.argsort(-strength[beyond])]:
            first = int(starts[row])
            if not any(first < place < first + size for place in taken):
                taken.append(first + SHORTEST + int(best[row]))
    return sorted(taken)


def _refined(sums: Rows, edges: list[int]) -> list[int]:
    """Each inner edge where it splits best what lies between its neighbours."""
    edges = list(edges)
    for _ in range(_ROUNDS):
        before = list(edges)
        for number in range(1, len(edges) - 1):
            start, end = edges[number - 1], edges[number + 1]
            at = np.arange(start + 1, end)
            left, right = at - start, end - at
            apart = (sums[at] - sums[start]) / left - (sums[end] - sums[at]) / right
            edges[number] = start + 1 + int((apart**2 * left * right).argmax())
        if edges == before:
            break
    return edges


def _noise(series: Rows, edges: list[int], scale: float) -> Noise:
    """Fit the model to the squared differences of values of one level, by lag."""
    length = len(series)
    squares, pairs = np.zeros(_MOST_LAGS), np.zeros(_MOST_LAGS)
    for start, end in itertools.pairwise(edges):
        part = series[start:end]
        for lag in range(1, min(_MOST_LAGS, len(part) // 2) + 1):
            squares[lag - 1] += float(((part[lag:] - part[:-lag]) ** 2).sum()) / 2
            pairs[lag - 1] += len(part) - lag
    known = np.flatnonzero(pairs >= length / 4)
    least = scale**2 / 4
    if len(known) < 2:
        return Noise(scale, scale**2, 0.0, length / 2)
    lags = known[:, None] + 1
    grown = squares[known] / pairs[known]
    ratio = grown[1:].mean() / max(grown[0], least)
    ratios = ((1 - _CORRELATIONS ** lags[1:]) / (1 - _CORRELATIONS)).mean(axis=0)
    rho = float(np.interp(ratio, ratios, _CORRELATIONS))
    variance = float(grown.sum() / (1 - rho**lags).sum())
    return Noise(scale, max(variance, least), rho, length - len(edges))
