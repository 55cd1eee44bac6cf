"""Which of a history's steps are confirmed, and which only suspected.

A history is looked at after every run, so a step must stand out more than one look
needs. It is confirmed when all of these hold:

* it lasted `LASTING` runs, all but one or two on its own side of the middle;
* it is beyond chance, and clear: the sum of its height over the noise of single runs,
  of the log likelihood by which two levels explain the values better than one that
  walks, and of that beside a cubic curve, less where noise lasts. While it is new the
  height counts most, for hardly anything else is known; later the likelihood does;
* it is abrupt: most of it happens within a few runs;
* the history has been steady: levels before it lasted long enough, longer where it only
  returns to a level that was there before, as a machine of two speeds does; or it has
  lasted `LONG` runs itself.

The numbers were chosen on generated histories; `self_benchmarks/statistics.py` measures
what they do on others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from pocketbench.bench.judge.segments import Noise, Segments, segments
from pocketbench.bench.judge.steps import FINEST, SHORTEST, Rows
from pocketbench.bench.judge.walks import beside_a_walk

LASTING = 9
"""A new level must last so many runs before it can be confirmed."""
LONG = 25
"""After so many runs a level is confirmed, however short those before it were."""

_OWN_SIDE = 8
_FIRST = 18
_FIRST_OF_ALL, _TOGETHER = 12, 28
_STEADY = 12.0
_STEADY_WHEN_BACK, _STEADY_WHEN_BACK_AT_ONCE = 14.5, 18.0
_EACH = 12
_SAME = 4.0
_NEW, _NO_LONGER_NEW = 10, 15
_CLEAR, _HEIGHT = (17.8, 11.8), (4.0, 1.0)
_CLEARER_WHEN_YOUNG, _CLEARER_WHEN_EARLY_OR_BACK = 3.0, 5.0
_HIGHEST = 4.0
_MOST_BESIDE_A_WALK = 10.0
_BESIDE_A_CURVE, _LEAST_BESIDE_A_CURVE = 0.25, -5.0
_LASTING_NOISE = 2.0
_ABRUPT = 0.6
_NEAR = 4
_ALPHA = 0.003
_STANDS_OUT = 4.0


class LevelStep(NamedTuple):
    """A step from one level to the next, as medians of the series."""

    place: int
    before: float
    after: float
    p_value: float
    is_confirmed: bool


Differs = Callable[[float, float], bool]
"""Whether two levels differ by as much as matters."""


def level_steps(series: Rows, differs: Differs) -> list[LevelStep]:
    """The steps of one series, in order; a level that went soon again is none."""
    if len(series) < 2 * SHORTEST:
        return []
    cut = segments(series)
    edges = cut.edges
    held = [cut.clipped[: edges[1]]]
    found: list[LevelStep] = []
    for number in range(1, len(edges) - 1):
        start, end = edges[number : number + 2]
        is_newest = end == len(series)
        if end - start < LASTING and not is_newest:
            continue
        old, new = np.concatenate(held), cut.clipped[start:end]
        sides = _Sides(old, new, cut.noise, len(series))
        own = sides.on_own_side(series[start:end])
        if own < SHORTEST or not sides.stand_out() or not differs(*sides.medians):
            held.append(new)
            continue
        held = [new]
        if sides.is_abrupt():
            is_confirmed = own >= _OWN_SIDE and _is_sure(cut, number, sides)
            found.append(LevelStep(start, *sides.medians, sides.p_value, is_confirmed))
    return found


def _is_sure(cut: Segments, number: int, sides: _Sides) -> bool:
    """Whether a level lasted, and is as clear as the levels before it demand."""
    start, end = cut.edges[number : number + 2]
    if end - start < LASTING:
        return False
    same = _SAME * sides.error
    is_back = any(
        abs(float(cut.clipped[a:b].mean()) - sides.new_mean) < same
        for a, b in itertools.pairwise(cut.edges[:number])
    )
    is_back_at_once = is_back and number == 2
    if end - start >= LONG:
        is_early = start < _FIRST_OF_ALL
    else:
        repeats = cut.noise.scale <= FINEST
        is_early = start < _FIRST and end < _TOGETHER and not repeats
        steady = _STEADY
        if is_back and min(np.diff(cut.edges[: number + 2])) < _EACH:
            steady = _STEADY_WHEN_BACK_AT_ONCE if number == 2 else _STEADY_WHEN_BACK
        if is_early or start < max(_FIRST_OF_ALL, steady * number):
            return False
    clear = _while_new(_CLEAR, end - start)
    if is_early or is_back_at_once:
        clear += _CLEARER_WHEN_EARLY_OR_BACK
    elif start < _FIRST:
        clear += _CLEARER_WHEN_YOUNG
    return sides.clearness >= clear


def _while_new(bounds: tuple[float, float], lasted: int) -> float:
    """From the one for a new level to the one for a level that lasted."""
    return float(np.interp(lasted, (_NEW, _NO_LONGER_NEW), bounds))


class _Sides:
    """What lies on both sides of a step."""

    def __init__(self, old: Rows, new: Rows, noise: Noise, length: int) -> None:
        self._old, self._new, self._noise = old, new, noise
        self.medians = float(np.median(old)), float(np.median(new))
        self.new_mean = float(new.mean())
        self._apart = self.new_mean - float(old.mean())
        sizes = np.array([[float(len(old))], [float(len(new))]])
        self.error = float(noise.errors(*sizes)[0])
        self._t = abs(self._apart) / self.error
        tail = 2 * float(stdtr(noise.freedom, -self._t))
        self.p_value = min(1.0, tail * max(1, length - 2 * SHORTEST + 1))
        rest = np.concatenate([old - old.mean(), new - new.mean()])
        self._squares = float(rest @ rest)
        self._least = (noise.scale / 2) ** 2

    @property
    def _variance(self) -> float:
        within = self._squares / (len(self._old) + len(self._new) - 2)
        return max(within, self._least)

    @property
    def clearness(self) -> float:
        """How clearly it is a step: the height, and how badly else is explained."""
        height = abs(self._apart) / math.sqrt(self._variance) / (1 + self._noise.wider)
        walk = beside_a_walk(self._old, self._new, self._least)
        length = len(self._old) + len(self._new)
        curve = length / 2 * math.log1p(self._beside_a_curve / (length - 2))
        return (
            _while_new(_HEIGHT, len(self._new)) * min(height, _HIGHEST)
            + min(walk, _MOST_BESIDE_A_WALK)
            + _BESIDE_A_CURVE * curve
            - _LASTING_NOISE * self._noise.wider
        )

    @cached_property
    def _beside_a_curve(self) -> float:
        """By how many variances of single values a cubic explains them less well.

        It has as many parameters as a step with its place.
        """
        part = np.concatenate([self._old, self._new])
        basis, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, len(part)), 4))
        rest = part - basis @ (basis.T @ part)
        return (float(rest @ rest) - self._squares) / self._variance

    def stand_out(self) -> bool:
        """Whether the means differ beyond chance, wherever the step may lie."""
        return self._t >= _STANDS_OUT and self.p_value < _ALPHA

    def on_own_side(self, values: Rows) -> int:
        """How many of the values at the new level are nearer to it than to the old."""
        before, after = self.medians
        return int((np.abs(values - after) < np.abs(values - before)).sum())

    def is_abrupt(self) -> bool:
        """Whether most of it happens between the values next to it, and no curve."""
        near = float(self._new[:_NEAR].mean() - self._old[-_NEAR:].mean())
        is_near = near / self._apart >= _ABRUPT
        return is_near and self._beside_a_curve >= _LEAST_BESIDE_A_CURVE
