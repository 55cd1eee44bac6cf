"""Where the iterations of one launch change their level for good.

Binary segmentation (Vostrikova, Soviet Math. Dokl. 24, 1981) of logarithms. A split is
taken when it passes each of these:

* the largest standardized difference of the means on both sides is beyond chance. The
  tail of its distribution is that of Csorgo and Horvath ("Limit Theorems in
  Change-Point Analysis", 1997, section 1.3), after the difference was made smaller by
  what autocorrelation around the levels hides: the larger of an AR(1) model's and
  Geyer's initial positive sequence's (Stat. Sci. 7, 1992), both for short series;
* the medians of both sides differ by the minimum effect.

Where no split passes alone, two at once may. Values are first clipped to two robust
standard deviations around their running median of five (Huber's clipping; the scale is
that of differences of neighbours), so that single outliers make no level of their own.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtr

from pocketbench.bench.records.plan import DEFAULT_MIN_EFFECT

Rows = npt.NDArray[np.float64]

ALPHA = 0.003
"""Of one series: the chance of a step that is none, while the noise is mild."""
SHORTEST = 4
"""A level must last so many values before it is called one."""
FINEST = 0.001
"""A smaller standard deviation of neighbours is not believed."""

_WINDOW = 5
_CLIP = 2.0
_PAIR_BESIDE_A_LINE = 25.0
_SHARE_LEFT = 0.25
_SHORTNESS = 2.5
_MOST_LAGS = 10
_MOST_PLACES = 400


class Split(NamedTuple):
    """The best place to split each of several series of one length, and how sure."""

    place: npt.NDArray[np.int64]
    """Of the first value on the right."""
    p_value: Rows
    inflation: Rows
    """By how much autocorrelation widens the standard error of a mean."""


class Step(NamedTuple):
    """Where the level changes."""

    place: int
    p_value: float


def steps(
    series: Rows,
    *,
    min_effect: float = DEFAULT_MIN_EFFECT,
    alpha: float = ALPHA,
) -> list[Step]:
    """The steps of one series of logarithms, in order; a slope is cut in steps, too.

    Args:
        series: Logarithms of the values.
        min_effect: The smallest change of level that matters, as a proportion.
        alpha: Significance level of one split.
    """
    if len(series) < 2 * SHORTEST:
        return []
    rows = series[None, :]
    scale = noise_scale(rows)
    clipped = clip_outliers(rows, scale)[0]
    found: list[Step] = []
    waiting = [(0, len(series))]
    while waiting:
        start, end = waiting.pop()
        if end - start < 2 * SHORTEST:
            continue
        part = clipped[start:end]
        taken = _one_step(part, scale, min_effect, alpha)
        taken = taken or _two_steps(part, scale, min_effect, alpha)
        found += [Step(start + step.place, step.p_value) for step in taken]
        edges = [start, *(start + step.place for step in taken), end]
        if taken:
            waiting += itertools.pairwise(edges)
    return sorted(found)


def _one_step(part: Rows, scale: Rows, min_effect: float, alpha: float) -> list[Step]:
    """The best split of one stretch, when it is a step beyond chance."""
    split = best_split(part[None, :], scale)
    place, p_value = int(split.place[0]), float(split.p_value[0])
    if p_value >= alpha or not _are_levels(part[:place], part[place:], min_effect):
        return []
    return [Step(place, p_value)]


def _two_steps(part: Rows, scale: Rows, min_effect: float, alpha: float) -> list[Step]:
    """The best two splits at once, when they are clearly two steps.

    A level between two others hides both its ends from a search for one step: each
    looks like autocorrelation to the other. Only what explains three quarters
    of the variance, and far more than a straight line, is taken for such a level.
    """
    length = len(part)
    if length < 3 * SHORTEST:
        return []
    centred = part - part.mean()
    first, second = _best_pair(centred)
    levels = np.split(part, [first, second])
    rest = np.concatenate([level - level.mean() for level in levels])
    squares = float(rest @ rest)
    line = np.linspace(-1, 1, length)
    beside_line = centred - (centred @ line) / (line @ line) * line
    spread = max(squares / (length - 3), float(scale[0] / 2) ** 2)
    if squares > _SHARE_LEFT * (centred @ centred):
        return []
    if beside_line @ beside_line - squares < _PAIR_BESIDE_A_LINE * spread:
        return []
    side = np.repeat(np.arange(3), [len(level) for level in levels])
    inflation = float(_inflation(rest[None, :], side[None, :])[0])
    found = []
    for place, left, right in zip(
        (first, second), levels[:-1], levels[1:], strict=True
    ):
        apart = abs(float(right.mean() - left.mean()))
        error = math.sqrt(spread * (1 / len(left) + 1 / len(right))) * inflation
        z = -ndtri(max(float(stdtr(length - 3, -apart / error)), 1e-300))
        p_value = float(_chance_of_largest(np.array([z]), length)[0])
        if p_value >= alpha or not _are_levels(left, right, min_effect):
            return []
        found.append(Step(place, p_value))
    return found


def _best_pair(part: Rows) -> tuple[int, int]:
    """The two places that leave the least squares around three levels.

    In a long stretch only every so many places are tried together, and then each
    place by itself between its neighbours.
    """
    length = len(part)
    stride = -(-length // _MOST_PLACES)
    places = np.arange(SHORTEST, length - SHORTEST + 1, stride)
    sums = np.cumsum(part)
    below = sums[places - 1]
    first, second = np.triu_indices(len(places), -(-SHORTEST // stride))
    explained = (
        below[first] ** 2 / places[first]
        + (below[second] - below[first]) ** 2 / (places[second] - places[first])
        + (sums[-1] - below[second]) ** 2 / (length - places[second])
    )
    best = int(np.argmax(explained))
    left, right = int(places[first[best]]), int(places[second[best]])
    if stride > 1:
        nothing = np.zeros(1)
        left = int(best_split(part[None, :right], nothing).place[0])
        right = left + int(best_split(part[None, left:], nothing).place[0])
    return left, right


def _are_levels(left: Rows, right: Rows, min_effect: float) -> bool:
    """Whether both sides lie apart, each with values enough at a level of its own."""
    before, after = float(np.median(left)), float(np.median(right))
    if abs(after - before) < math.log1p(min_effect):
        return False
    own = (
        int((np.abs(left - before) < np.abs(left - after)).sum()),
        int((np.abs(right - after) < np.abs(right - before)).sum()),
    )
    return min(own) >= SHORTEST


def best_split(rows: Rows, scale: Rows) -> Split:
    """Where each series is best split in two, and the chance of so good a split.

    The autocorrelation is that of the half that has less of it, for a slope looks like
    autocorrelation where it is.

    Args:
        rows: One series per row, clipped.
        scale: Each series' noise, below half of which no residual spread is believed.
    """
    length = rows.shape[1]
    left = np.arange(SHORTEST, length - SHORTEST + 1)
    sums = np.cumsum(rows, axis=1)
    below = sums[:, left - 1]
    means = below / left, (sums[:, -1:] - below) / (length - left)
    gain = np.abs(means[0] - means[1]) * np.sqrt(left * (length - left) / length)
    best = np.argmax(gain, axis=1)
    each = np.arange(len(rows))
    index = left[best]
    is_right = np.arange(length) >= index[:, None]
    level = np.where(is_right, means[1][each, best, None], means[0][each, best, None])
    rest = rows - level
    squares = (rest**2).sum(axis=1)
    spread = np.sqrt(np.maximum(squares / (length - 2), (scale / 2) ** 2))
    if length >= 4 * SHORTEST:
        half = length // 2
        inflation = np.minimum(
            _inflation(rest[:, :half], is_right[:, :half]),
            _inflation(rest[:, half:], is_right[:, half:]),
        )
    else:
        inflation = _inflation(rest, is_right)
    t = gain[each, best] / (spread * inflation)
    z = -ndtri(np.maximum(stdtr(length - 2, -t), 1e-300))
    return Split(index, _chance_of_largest(z, length), inflation)


def noise_scale(rows: Rows) -> Rows:
    """Each series' standard deviation, from differences of neighbours."""
    apart = np.abs(np.diff(rows, axis=1))
    scale: Rows = np.maximum(1.4826 / math.sqrt(2) * np.median(apart, axis=1), FINEST)
    return scale


def clip_outliers(rows: Rows, scale: Rows) -> Rows:
    """Each series with its outliers brought near to their neighbours."""
    middle = _median_of_five(rows)
    edge = _WINDOW // 2
    middle = np.pad(middle, ((0, 0), (edge, edge)), mode="edge")
    reach = _CLIP * scale[:, None]
    clipped: Rows = np.clip(rows, middle - reach, middle + reach)
    return clipped


def _median_of_five(rows: Rows) -> Rows:
    """The running median of five, ten times as fast as by sorting each window.

    Of the first four the smallest and the largest cannot be the median, so that it is
    the median of the other two and the fifth.
    """
    first, second, third, fourth, fifth = (
        rows[:, start : rows.shape[1] - _WINDOW + 1 + start] for start in range(_WINDOW)
    )
    low = np.maximum(np.minimum(first, second), np.minimum(third, fourth))
    high = np.minimum(np.maximum(first, second), np.maximum(third, fourth))
    middle: Rows = np.clip(fifth, np.minimum(low, high), np.maximum(low, high))
    return middle


def _inflation(rest: Rows, side: npt.NDArray[Any]) -> Rows:
    """By how much autocorrelation widens the standard error of a level."""
    length = rest.shape[1]
    known = np.maximum((rest**2).sum(axis=1), 1e-300)

    def correlation(lag: int) -> Rows:
        same = side[:, lag:] == side[:, :-lag]
        found: Rows = (rest[:, lag:] * rest[:, :-lag] * same).sum(axis=1) / known
        return found

    first = correlation(1)
    shortness = _SHORTNESS / length
    memory = first + shortness * (1 + 3 * np.maximum(first, 0))
    memory = np.clip(memory, 0, 0.95)
    by_memory = (1 + memory) / (1 - memory)
    by_sequence = np.ones(len(rest))
    goes_on = np.ones(len(rest), dtype=bool)
    for lag in range(1, min(_MOST_LAGS, length // 5) + 1):
        at_lag = correlation(lag) + shortness * (1 + 2 * memory)
        goes_on &= at_lag > 1 / math.sqrt(length)
        by_sequence += np.where(goes_on, 2 * at_lag, 0)
    widest: Rows = np.sqrt(np.maximum(by_memory, by_sequence))
    return widest


def _chance_of_largest(z: Rows, length: int) -> Rows:
    """The chance that the largest of all splits' z is as large when nothing changes."""
    share = SHORTEST / length
    width = 2 * math.log((1 - share) / share)
    safe = np.maximum(z, 1.5)
    tail = safe * np.exp(-(safe**2) / 2) / math.sqrt(2 * math.pi)
    chance = tail * (width * (1 - 1 / safe**2) + 4 / safe**2)
    bounded: Rows = np.where(z < 1.5, 1.0, np.minimum(chance, 1.0))
    return bounded
