"""Rates of right and wrong verdicts over several phones of one run."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from judging.noise import PAIRED_KINDS, Array, Random, interleaved
from judging.pairs import ALPHA, MIN_EFFECT, evidences

from pocketbench.bench.judge.fleet import pooled
from pocketbench.bench.judge.summary import Verdict
from pocketbench.bench.judge.verdicts import corrected, verdict

BLOCKS = 10
PHONE_NOISE = 0.025
"""Of the launches of a phone, where the kind does not say otherwise."""


class FleetRates(NamedTuple):
    """Shares of trials."""

    regression: float
    no_change: float
    covered: float
    """Of the 95 % intervals over phones, those that hold the truth."""
    any_phone: float
    """Trials in which some phone's own verdict is a regression."""
    most_phones: float
    all_unchanged: float


def fleet_rates(
    phones: int, effect: float, between: float, trials: int, kind: str | None = None
) -> FleetRates:
    """Judge trials of phones whose own effects vary around the effect."""
    seed = [phones, round(1000 * effect), round(1000 * between), len(kind or "")]
    random = np.random.default_rng(seed)
    fleet, own = [], []
    covered = 0
    truth = math.log1p(effect)
    for _ in range(trials):
        levels = _levels(random, (phones, 2 * BLOCKS), kind)
        dealt = interleaved(levels)
        factors = truth + random.normal(0, between, (phones, 1))
        launched = dealt._replace(a=np.exp(dealt.a), b=np.exp(dealt.b + factors))
        found = list(evidences(launched))
        q_values = corrected([e.p_value for e in found])
        own.append(
            [
                verdict(e, q, min_effect=MIN_EFFECT, alpha=ALPHA)
                for e, q in zip(found, q_values, strict=True)
            ]
        )
        every = pooled([e.ratio for e in found]).ratio.evidence(ALPHA)
        fleet.append(verdict(every, every.p_value, min_effect=MIN_EFFECT, alpha=ALPHA))
        covered += every.low <= truth <= every.high
    regressions = [verdicts.count(Verdict.REGRESSION) for verdicts in own]
    unchanged = [verdicts.count(Verdict.NO_CHANGE) for verdicts in own]
    return FleetRates(
        fleet.count(Verdict.REGRESSION) / trials,
        fleet.count(Verdict.NO_CHANGE) / trials,
        covered / trials,
        sum(count > 0 for count in regressions) / trials,
        sum(count > phones / 2 for count in regressions) / trials,
        sum(count == phones for count in unchanged) / trials,
    )


def _levels(random: Random, shape: tuple[int, int], kind: str | None) -> Array:
    if kind is None:
        return random.normal(0, PHONE_NOISE, shape)
    return PAIRED_KINDS[kind](random, shape)
