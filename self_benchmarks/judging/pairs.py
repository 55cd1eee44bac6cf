"""Rates of right and wrong verdicts on interleaved pairs of launches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from judging.noise import (
    LAUNCH_NOISE,
    PAIRED_KINDS,
    Array,
    Dealt,
    interleaved,
    iterations,
)
from judging.rivals import HONEST, mean_beyond, pooled_mann_whitney

from pocketbench.bench.judge.intervals import Evidence, unpaired_ratio
from pocketbench.bench.judge.metrics import PRIMARY, reduced_latencies
from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.judge.sequential import sequential_evidence
from pocketbench.bench.judge.summary import Verdict
from pocketbench.bench.judge.verdicts import corrected, verdict
from pocketbench.bench.records.interim_analyses import LOOKS

ALPHA = 0.05
MIN_EFFECT = 0.02
CELLS = 44


class Rates(NamedTuple):
    """Shares of trials, by name of the test."""

    called: dict[str, float]
    """`slower`: significant and slower; of ours, also the verdict `regression`."""
    covered: float
    """Of our 95 % intervals, those that hold the truth."""


def launch_values(latencies: Array) -> Array:
    """Each launch's value, by the code that reduces it for a report."""
    flat = latencies.reshape(-1, latencies.shape[-1])
    values = [found.values[PRIMARY] for found in reduced_latencies(flat)]
    return np.array(values).reshape(latencies.shape[:-1])


def rates(kind: str, blocks: int, effect: float, trials: int) -> Rates:
    """Judge trials of one kind of noise whose candidate is slower by the effect."""
    random = np.random.default_rng([blocks, round(1000 * effect), len(kind)])
    dealt = interleaved(PAIRED_KINDS[kind](random, (trials, 2 * blocks)))
    launched = Dealt(
        iterations(random, dealt.a),
        iterations(random, dealt.b) * (1 + effect),
        dealt.b_is_later,
    )
    return judged_rates(launched, effect)


def judged_rates(launched: Dealt, effect: float) -> Rates:
    """Judge trials, (trials, launches, iterations) of latencies each side."""
    a, b, _ = launched
    first, second = launch_values(a), launch_values(b)
    found = list(evidences(launched._replace(a=first, b=second)))
    truth = math.log1p(effect)
    slower = np.log(second).mean(axis=1) > np.log(first).mean(axis=1)
    called = {
        "ours: regression": _share(_verdict(e) is Verdict.REGRESSION for e in found),
        "ours: no change": _share(_verdict(e) is Verdict.NO_CHANGE for e in found),
        "ours: p": _share(_p(e) < ALPHA and e.ratio.mean > 0 for e in found),
    }
    for name, test in HONEST.items():
        p_values = test(np.log(first), np.log(second))
        called[name] = float(((p_values < ALPHA) & slower).mean())
    pooled = pooled_mann_whitney(a, b) < ALPHA
    called["pooled MWU"] = float((pooled & (b.mean((1, 2)) > a.mean((1, 2)))).mean())
    called["mean > 5 %"] = float((mean_beyond(a, b) < ALPHA).mean())
    return Rates(called, _share(e.low <= truth <= e.high for e in found))


def family_rate(kind: str, blocks: int, families: int) -> tuple[float, float]:
    """Shares of families of equal cells with a regression: corrected, and not."""
    random = np.random.default_rng([blocks, 44, len(kind)])
    alarms = plain = 0
    for _ in range(families):
        levels = PAIRED_KINDS[kind](random, (CELLS, 2 * blocks))
        found = list(evidences(interleaved(np.exp(levels))))
        q_values = corrected([e.p_value for e in found])
        alarms += any(
            verdict(e, q, min_effect=MIN_EFFECT) is Verdict.REGRESSION
            for e, q in zip(found, q_values, strict=True)
        )
        plain += any(_verdict(e) is Verdict.REGRESSION for e in found)
    return alarms / families, plain / families


class Settled(NamedTuple):
    """What came of trials that went on until they were settled."""

    blocks: float
    """On average, of the most that there could be."""
    regression: float
    significant: float
    no_change: float


def until_settled(levels: Array, effect: float) -> Settled:
    """Go on to look after look; levels are (trials, 2 x the last look), in time."""
    a, b, _ = dealt = interleaved(np.exp(levels))
    used = 0
    ends: list[Verdict] = []
    significant = 0
    slowed = (b * (1 + effect)).tolist()
    for trial, (first, second) in enumerate(zip(a.tolist(), slowed, strict=True)):
        end = Verdict.INCONCLUSIVE
        places = dealt.positions(trial)
        for look in LOOKS:
            found = sequential_evidence(
                first[:look], second[:look], positions=places[:look]
            )
            assert found is not None
            end = _verdict(found)
            if end is not Verdict.INCONCLUSIVE:
                break
        used += look
        ends.append(end)
        significant += _p(found) < ALPHA
    trials = len(ends)
    return Settled(
        used / trials / LOOKS[-1],
        ends.count(Verdict.REGRESSION) / trials,
        significant / trials,
        ends.count(Verdict.NO_CHANGE) / trials,
    )


def unpaired_alarms(launches: int, warming: float, trials: int) -> float:
    """Share of unchanged trials that look changed when measured one after the other."""
    random = np.random.default_rng([launches, round(1000 * warming)])
    before, after = np.exp(random.normal(0, LAUNCH_NOISE, (2, trials, launches)))
    sides = zip(before.tolist(), (after * (1 + warming)).tolist(), strict=True)
    return _share(
        ratio is not None and (ratio.p_value or 0.0) < ALPHA
        for ratio in (unpaired_ratio(first, second) for first, second in sides)
    )


class Errors(NamedTuple):
    """How far points lie from the truth, in percent of the ratio, by estimator."""

    bias: dict[str, float]
    root_mean_square: dict[str, float]


def point_errors(kind: str, blocks: int, trials: int) -> Errors:
    """Estimators of an unchanged ratio on the same trials."""
    random = np.random.default_rng([blocks, 1, len(kind)])
    dealt = interleaved(PAIRED_KINDS[kind](random, (trials, 2 * blocks)))
    exact = dealt._replace(a=np.exp(dealt.a), b=np.exp(dealt.b))
    found = list(evidences(exact))
    apart = dealt.b - dealt.a
    early, late = np.triu_indices(blocks)
    walsh = (apart[:, early] + apart[:, late]) / 2
    points = {
        "ours: median of shifts": np.array([e.ratio.mean for e in found]),
        "middle of the interval": np.array([(e.low + e.high) / 2 for e in found]),
        "mean of the pairs": apart.mean(axis=1),
        "median of the pairs": np.median(apart, axis=1),
        "Hodges-Lehmann of the pairs": np.median(walsh, axis=1),
    }
    return Errors(
        {name: 100 * float(of.mean()) for name, of in points.items()},
        {name: 100 * float(np.sqrt((of**2).mean())) for name, of in points.items()},
    )


def evidences(dealt: Dealt) -> Iterator[Evidence]:
    """What each trial of (trials, launches) says, its positions known."""
    sides = zip(dealt.a.tolist(), dealt.b.tolist(), strict=True)
    for trial, (a, b) in enumerate(sides):
        found = paired_evidence(a, b, alpha=ALPHA, positions=dealt.positions(trial))
        assert found is not None
        yield found


def _verdict(found: Evidence) -> Verdict:
    return verdict(found, found.p_value, min_effect=MIN_EFFECT, alpha=ALPHA)


def _p(found: Evidence) -> float:
    return 1.0 if found.p_value is None else found.p_value


def _share(hits: Iterable[bool]) -> float:
    counted = list(hits)
    return sum(counted) / len(counted)
