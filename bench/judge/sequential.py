"""Looking at the data before all of it is there, with the error spent over the looks.

The rule is Pocock's (Biometrika 64, 1977): the same nominal level c at every look, so
small that the chance of any look's p-value falling below it is alpha when nothing
differs. That chance, g(c), is computed from the joint distribution of the looks, which
share their earlier blocks (Armitage, McPherson and Rowe, JRSS A 132, 1969), as if the
variance were known; c is then used as the level of each look's test (the significance
level approach of Jennison and Turnbull, "Group Sequential Methods", 2000, chapter 4).
So p = g(the smallest p-value of all looks), and every look's interval has the level
1 - c, which makes all of them hold at once with probability 1 - alpha (repeated
confidence intervals, Jennison and Turnbull 1989): a verdict may stand on where they
overlap. Against a budget that is split over the looks and added up, as if they had
nothing in common, this asks for less at each look at the same false alarms.
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
from pocketbench.bench.judge.summary import Summary, Verdict
from pocketbench.bench.records.interim_analyses import LOOKS

_NODES = 96


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
    nominal = nominal_level(looks, alpha)
    done = [look for look in looks if look <= len(baseline)]
    if not done:
        early = paired_evidence(
            baseline, candidate, alpha=nominal, resolution=resolution
        )
        return early and early._replace(p_value=None, level=nominal)
    seen: list[Evidence] = []
    for look in done:
        found = paired_evidence(
            baseline[:look], candidate[:look], alpha=nominal, resolution=resolution
        )
        if found is None:
            return None
        seen.append(found)
    last = seen[-1]
    low, high = max(e.low for e in seen), min(e.high for e in seen)
    if low > high:
        low, high = last.low, last.high
    smallest = min(1.0 if e.p_value is None else e.p_value for e in seen)
    p_value = overall_p_value(looks, smallest)
    return Evidence(last.ratio, low, high, p_value, level=nominal)


def overall_p_value(looks: tuple[int, ...], smallest: float) -> float:
    """g: the chance that any look's p-value is as small as this when nothing differs.

    Never more than the sum over the looks, by which it is bounded where the table ends.
    """
    levels, chances = _crossing_table(looks)
    if smallest <= math.exp(levels[0]):
        return min(1.0, len(looks) * smallest)
    return float(np.exp(np.interp(math.log(min(smallest, 1.0)), levels, chances)))


def nominal_level(looks: tuple[int, ...], alpha: float) -> float:
    """c: the level of each look at which the looks together have the level alpha."""
    levels, chances = _crossing_table(looks)
    return float(np.exp(np.interp(math.log(alpha), chances, levels)))


@lru_cache(maxsize=16)
def _crossing_table(
    looks: tuple[int, ...],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Logarithms of nominal levels and of g of them, both increasing."""
    levels = np.linspace(math.log(1e-14), 0, 140)
    chances = [min(1.0, _crossing(looks, math.exp(level))) for level in levels]
    return levels, np.log(chances)


def _crossing(looks: tuple[int, ...], nominal: float) -> float:
    """The chance that |sum of K normal values| / sqrt(K) is beyond c at some look K.

    Integrates over the sums that had not crossed at the look before, look after look.
    """
    beyond = -float(ndtri(nominal / 2))
    if beyond <= 0:
        return 1.0
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    crossed = nominal
    bound = beyond * math.sqrt(looks[0])
    at, mass = nodes * bound, weights * bound
    mass = mass * np.exp(-(at**2) / 2 / looks[0]) / math.sqrt(2 * math.pi * looks[0])
    for before, look in itertools.pairwise(looks):
        spread = math.sqrt(look - before)
        bound = beyond * math.sqrt(look)
        crossed += float(
            mass @ (ndtr((at - bound) / spread) + ndtr((-at - bound) / spread))
        )
        to = nodes * bound
        kernel = np.exp(-(((to[:, None] - at) / spread) ** 2) / 2)
        mass = weights * bound * (kernel @ mass) / (spread * math.sqrt(2 * math.pi))
        at = to
    return crossed
