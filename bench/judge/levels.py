"""Which of a history's steps are confirmed, and which only suspected.

A history is looked at after every run, so a step must stand out more than one look
needs. It is confirmed when all of these hold:

* it lasted `LASTING` runs, all but one or two on its own side of the middle;
* it is beyond chance, and higher than the noise of single runs, the more so the more
  that noise lasts; a lower step does that is clearly neither slope nor curve;
* it is abrupt: most of it happens within a few runs, and it is explained better than by
  a slope or a cubic curve;
* the history has been steady: levels before it lasted long enough, longer where it only
  returns to a level that was there before; or it has lasted `LONG` runs itself.

The numbers were chosen on generated histories; `self_benchmarks/statistics.py` measures
what they do on others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from pocketbench.bench.judge.segments import Noise, Segments, segments
from pocketbench.bench.judge.steps import SHORTEST, Rows

LASTING = 9
"""A new level must last so many runs before it can be confirmed."""
LONG = 25
"""After so many runs a level is confirmed, however short those before it were."""

_OWN_SIDE = 8
_FIRST = 12
_STEADY = 12.0
_STEADY_WHEN_BACK = 14.0
_STEADIER = 15.0
_HEIGHT = 2.75
_CLEAR_HEIGHT = 2.0
_HIGHER = 6.0
_MEMORY_BY_CHANCE = 1.4
_ABRUPT = 0.7
_NEAR = 4
_BESIDE_A_LINE = 2.0
_BESIDE_A_CURVE = 1.5
_CLEARLY_NO_CURVE = 8.0
_LASTING_WHEN_CLEAR = 15
_SAME = 3.0
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
            is_confirmed = own >= _OWN_SIDE and _lasted(cut, number, sides)
            found.append(LevelStep(start, *sides.medians, sides.p_value, is_confirmed))
    return found


def _lasted(cut: Segments, number: int, sides: _Sides) -> bool:
    """Whether a level lasted for as long as its height and the levels before demand."""
    start, end = cut.edges[number : number + 2]
    lasted = end - start
    wider = max(
        0.0, cut.noise.inflation - 1 - _MEMORY_BY_CHANCE / math.sqrt(len(cut.clipped))
    )
    is_clear = lasted >= _LASTING_WHEN_CLEAR and sides.no_curve >= _CLEARLY_NO_CURVE
    least = _CLEAR_HEIGHT if is_clear else _HEIGHT
    least += _HIGHER * wider
    if lasted < LASTING or sides.height < least:
        return False
    if lasted >= LONG:
        return True
    same = _SAME * sides.error
    is_back = any(
        abs(float(cut.clipped[a:b].mean()) - sides.new_mean) < same
        for a, b in itertools.pairwise(cut.edges[:number])
    )
    steady = _STEADY_WHEN_BACK if is_back else _STEADY
    if sides.height < 2 * least:
        steady += _STEADIER * wider
    return start >= _FIRST and start / number >= steady


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
        self.no_curve = -math.inf
        """By how many variances of single values a cubic explains them less well."""

    @property
    def height(self) -> float:
        """The step in standard deviations of single values around the levels."""
        within = self._squares / (len(self._old) + len(self._new) - 2)
        return abs(self._apart) / math.sqrt(max(within, self._noise.scale**2 / 4))

    def stand_out(self) -> bool:
        """Whether the means differ beyond chance, wherever the step may lie."""
        return self._t >= _STANDS_OUT and self.p_value < _ALPHA

    def on_own_side(self, values: Rows) -> int:
        """How many of the values at the new level are nearer to it than to the old."""
        before, after = self.medians
        return int((np.abs(values - after) < np.abs(values - before)).sum())

    def is_abrupt(self) -> bool:
        """Whether it is a step, and neither a slope nor a wave.

        Most of it must happen between the values next to it; it must stay, in the same
        direction, beside a straight line; and a cubic, which has as many parameters as
        a step with its place, must explain the values less well.
        """
        near = float(self._new[:_NEAR].mean() - self._old[-_NEAR:].mean())
        if near / self._apart < _ABRUPT:
            return False
        part = np.concatenate([self._old, self._new])
        length = len(part)
        basis, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, length), 4)[:, ::-1])
        line = basis[:, :2]
        step = (np.arange(length) >= len(self._old)).astype(np.float64)
        step -= line @ (line.T @ step)
        beside_line = part - line @ (line.T @ part)
        height = float(step @ beside_line) / float(step @ step)
        rest = beside_line - height * step
        least = (self._noise.scale / 2) ** 2
        spread = max(float(rest @ rest) / max(length - 3, 1), least)
        error = math.sqrt(spread / float(step @ step))
        if math.copysign(height, height * self._apart) <= _BESIDE_A_LINE * error:
            return False
        beside_curve = part - basis @ (basis.T @ part)
        worse = float(beside_curve @ beside_curve) - self._squares
        self.no_curve = worse / spread
        return self.no_curve >= _BESIDE_A_CURVE
