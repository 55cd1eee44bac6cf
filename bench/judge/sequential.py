"""Looking at the data before all of it is there, with the error spent over the looks.

The boundary is that of Wang and Tsiatis (Biometrics 43, 1987) with shape 0.25, between
Pocock's, which asks the same of every look, and O'Brien and Fleming's, which asks far
more of the early ones: |z| at a look is beyond c (share of the blocks) ^ -0.25. The
chance that any look's is, when nothing differs, is computed from the joint distribution
of the looks, which share their earlier blocks (Armitage, McPherson and Rowe, JRSS A
132, 1969), as if the variance were known; the levels that c gives are then used for
each look's test (the significance level approach of Jennison and Turnbull, "Group
Sequential Methods", 2000, chapter 4). So each look's interval has a level of its own,
and all of them hold at once with probability 1 - alpha (repeated confidence intervals,
Jennison and Turnbull 1989): a verdict may stand on where they overlap. The two
one-sided tests for no change have the same boundary, each at alpha.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from pocketbench.bench.judge.intervals import Evidence
from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.judge.positions import Positions
from pocketbench.bench.judge.summary import Summary, Verdict
from pocketbench.bench.records.interim_analyses import LOOKS

SHAPE = 0.25
"""Of the boundary: 0.5 would be Pocock's, 0 O'Brien and Fleming's."""

_NODES = 48
_LARGEST = 8.0
_LEAST = 1e-300


def is_settled(summary: Summary) -> bool:
    """Whether every verdict asked for is there: nothing is gained by more blocks.

    With fewer pairs than the first look a comparison is inconclusive, so it is waited
    for; a variant without a single pair has none, and is not.
    """
    return not unsettled(summary)


def unsettled(summary: Summary) -> tuple[tuple[str, str, str], ...]:
    """(device, model, variant) of every comparison that is still inconclusive."""
    return tuple(
        (c.device_id, c.model, c.candidate)
        for c in summary.comparisons
        if c.verdict is Verdict.INCONCLUSIVE
    )


def sequential_evidence(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    looks: Sequence[int] = LOOKS,
    alpha: float = 0.05,
    resolution: float = 0.0,
    positions: Positions | None = None,
) -> Evidence | None:
    """log(candidate / baseline) from all looks that there are pairs for.

    The ratio is that of the last look; pairs after it are not looked at, for looks
    nobody planned are not paid for. The interval is where those of all looks overlap,
    or the last one's when they have nothing in common. Before the first look there is
    an interval for the eye and no p-value.

    Returns:
        `None` without pairs, or when a value is not positive: there is no ratio.
    """
    looks = tuple(looks)
    done = [look for look in looks if look <= len(baseline)] or [len(baseline)]
    levels = dict(zip(looks, nominal_levels(looks, alpha), strict=True))
    one_sided = dict(zip(looks, nominal_levels(looks, 2 * alpha), strict=True))
    seen: list[Evidence] = []
    for look in done:
        found = paired_evidence(
            baseline[:look],
            candidate[:look],
            alpha=levels.get(look, levels[looks[0]]),
            # Of a two-sided boundary at 2 alpha either side is crossed with alpha.
            equivalence_alpha=one_sided.get(look, one_sided[looks[0]]) / 2,
            resolution=resolution,
            positions=positions and positions[:look],
        )
        if found is None:
            return None
        seen.append(found)
    last = seen[-1]._replace(level=levels[looks[-1]])
    if done[0] < looks[0]:
        return last._replace(p_value=None)
    low, high = _overlap([(e.low, e.high) for e in seen])
    p_values = [1.0 if e.p_value is None else e.p_value for e in seen]
    return last._replace(
        low=low,
        high=high,
        p_value=overall_p_value(looks, p_values),
        equivalence=_overlap([e.equivalence for e in seen if e.equivalence]),
    )


def overall_p_value(looks: tuple[int, ...], p_values: Sequence[float]) -> float:
    """The chance that looks go as far beyond when nothing differs as these went.

    Args:
        looks: All that are planned.
        p_values: Of the looks there have been, the first one's first.
    """
    constants, chances = _crossing_table(looks)
    farthest = max(
        _as_z(p) * (look / looks[-1]) ** (0.5 - SHAPE)
        for look, p in zip(looks, p_values, strict=False)
    )
    if farthest >= constants[-1]:
        return min(1.0, len(looks) * min(p_values))
    return float(np.exp(np.interp(farthest, constants, chances)))


@lru_cache(maxsize=64)
def nominal_levels(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """The level of each look at which the looks together have the level alpha."""
    constants, chances = _crossing_table(looks)
    constant = np.interp(-math.log(alpha), -chances, constants)
    beyond = constant * _shape(looks)
    return tuple(float(2 * ndtr(-z)) for z in beyond)


def _overlap(intervals: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Where all overlap, or the last one where they have nothing in common."""
    low, high = max(i[0] for i in intervals), min(i[1] for i in intervals)
    return (low, high) if low <= high else intervals[-1]


def _as_z(p_value: float) -> float:
    return -float(ndtri(max(p_value, _LEAST) / 2))


def _shape(looks: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """By how much more than the last look each asks for."""
    return (np.array(looks) / looks[-1]) ** (SHAPE - 0.5)


@lru_cache(maxsize=16)
def _crossing_table(
    looks: tuple[int, ...],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Constants of the boundary, increasing, and the logarithms of their chances."""
    constants = np.linspace(0, _LARGEST, 161)
    chances = [min(1.0, _crossing(looks, float(constant))) for constant in constants]
    return constants, np.log(np.minimum.accumulate(chances))


def _crossing(looks: tuple[int, ...], constant: float) -> float:
    """The chance that |sum of K normal values| / sqrt(K) is beyond the boundary.

    Integrates over the sums that had not crossed at the look before, look after look.
    """
    if constant <= 0:
        return 1.0
    beyond = constant * _shape(looks)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    crossed = float(2 * ndtr(-beyond[0]))
    bound = beyond[0] * math.sqrt(looks[0])
    at, mass = nodes * bound, weights * bound
    mass = mass * np.exp(-(at**2) / 2 / looks[0]) / math.sqrt(2 * math.pi * looks[0])
    for place, (before, look) in enumerate(itertools.pairwise(looks), 1):
        spread = math.sqrt(look - before)
        bound = beyond[place] * math.sqrt(look)
        crossed += float(
            mass @ (ndtr((at - bound) / spread) + ndtr((-at - bound) / spread))
        )
        to = nodes * bound
        kernel = np.exp(-(((to[:, None] - at) / spread) ** 2) / 2)
        mass = weights * bound * (kernel @ mass) / (spread * math.sqrt(2 * math.pi))
        at = to
    return crossed
