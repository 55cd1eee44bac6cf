from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec.structs import replace
from scipy import stats

from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.judge.sequential import (
    is_settled,
    nominal_levels,
    overall_p_value,
    sequential_evidence,
    unsettled,
)
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import Verdict
from pocketbench.bench.judge.verdicts import verdict
from pocketbench.bench.records.interim_analyses import LOOKS, looks_up_to


# Jennison and Turnbull, "Group Sequential Methods", 2000, table 2.9.
@pytest.mark.parametrize(
    ("looks", "constant"),
    [(2, 2.038), (3, 2.083), (4, 2.113), (5, 2.136), (10, 2.199)],
)
def test_evenly_spaced_looks_have_the_boundary_of_wang_and_tsiatis(looks, constant):
    levels = nominal_levels(tuple(range(1, looks + 1)), 0.05)

    bounds = stats.norm.isf(np.array(levels) / 2)
    expected = constant * (np.arange(1, looks + 1) / looks) ** -0.25
    assert bounds == pytest.approx(expected, abs=0.002)


def test_one_look_costs_nothing():
    assert nominal_levels((10,), 0.05) == pytest.approx((0.05,), rel=1e-3)
    assert overall_p_value((10,), [0.003]) == pytest.approx(0.003, rel=1e-3)


@pytest.mark.parametrize("p_value", [1e-300, 1e-20, 1e-8, 0.001, 0.5, 1.0])
def test_the_overall_p_value_lies_between_the_last_look_and_the_sum_of_all(p_value):
    got = overall_p_value(LOOKS, [1.0] * (len(LOOKS) - 1) + [p_value])

    assert p_value * 0.999 <= got <= min(1, len(LOOKS) * p_value) * 1.001


def test_the_same_p_value_says_less_the_earlier_the_look():
    early = overall_p_value(LOOKS, [0.01])
    late = overall_p_value(LOOKS, [1.0] * (len(LOOKS) - 1) + [0.01])

    assert early > late


@pytest.mark.parametrize("alpha", [0.05, 0.10])
def test_the_overall_level_is_what_simulated_looks_cross(alpha):
    random = np.random.default_rng(0)
    sums = np.cumsum(random.normal(size=(40_000, LOOKS[-1])), axis=1)
    z = np.stack([sums[:, look - 1] / math.sqrt(look) for look in LOOKS], axis=1)
    beyond = stats.norm.isf(np.array(nominal_levels(LOOKS, alpha)) / 2)

    assert (np.abs(z) > beyond).any(axis=1).mean() == pytest.approx(alpha, abs=0.005)
    # Each of the two one-sided tests for no change has half of it.
    assert (z > beyond).any(axis=1).mean() == pytest.approx(alpha / 2, abs=0.004)


@pytest.mark.parametrize(
    ("most", "looks"),
    [(6, (6,)), (7, (7,)), (10, (6, 8, 10)), (20, LOOKS), (24, (*LOOKS, 24)),
     (56, (*LOOKS, 28, 40, 56))],
)  # fmt: skip
def test_looks_lie_a_factor_apart_and_end_with_the_most_blocks(most, looks):
    assert looks_up_to(most) == looks


def pair(blocks: int, effect: float, seed: int = 0) -> tuple[list[float], list[float]]:
    random = np.random.default_rng(seed)
    a, b = np.exp(random.normal(0, 0.02, (2, blocks)))
    return a.tolist(), (b * (1 + effect)).tolist()


def test_before_the_first_look_nothing_is_decided():
    a, b = pair(5, 1.0)

    found = sequential_evidence(a, b)

    assert found.p_value is None
    assert found.low < math.log(2) < found.high


def test_blocks_after_a_look_wait_for_the_next():
    a, b = pair(9, 0.05)

    assert sequential_evidence(a, b) == sequential_evidence(a[:8], b[:8])


def test_the_p_value_is_that_of_the_best_look_and_the_interval_their_overlap():
    a, b = pair(8, 0.03, seed=3)
    levels = nominal_levels(LOOKS, 0.05)
    looks = [
        paired_evidence(a[:look], b[:look], alpha=level)
        for look, level in zip((6, 8), levels, strict=False)
    ]

    found = sequential_evidence(a, b)

    assert found.p_value == overall_p_value(LOOKS, [look.p_value for look in looks])
    assert found.low == max(look.low for look in looks)
    assert found.high == min(look.high for look in looks)
    assert found.ratio == looks[-1].ratio


def test_significance_once_reached_stays():
    for seed in range(20):
        a, b = pair(20, 0.02, seed)
        p_values = [sequential_evidence(a[:k], b[:k]).p_value for k in LOOKS]
        assert p_values == sorted(p_values, reverse=True)


def test_a_run_is_settled_when_no_comparison_is_inconclusive(make_run):
    same = [1_000_000 + step for step in (0, 900, -800, 500, -600, 100)]
    noisy = [1_000_000 * by for by in (1, 1.3, 0.8, 1.1, 0.9, 1.2)]
    table = {("host", "a"): same, ("host", "b"): same[::-1], ("host", "c"): noisy}

    run = make_run(table)
    workload = replace(run.started.plan.workload, looks=LOOKS)
    plan = replace(run.started.plan, workload=workload)
    summary = summarize(replace(run, started=replace(run.started, plan=plan)))
    calm = summarize(make_run({k: v for k, v in table.items() if k[1] != "c"}))

    assert unsettled(summary) == (("host", "net", "c"),)
    assert (is_settled(summary), is_settled(calm)) == (False, True)


def test_false_alarms_stay_at_the_nominal_level_over_all_looks():
    alarms = 0
    for seed in range(600):
        a, b = pair(20, 0.0, seed)
        alarms += sequential_evidence(a, b).p_value < 0.05
    # 5 % of 600 are 30, with a standard error of 5.3.
    assert 12 <= alarms <= 48


def ends(effect: float, variation: float, trials: int = 400) -> dict[Verdict, float]:
    """Shares of the verdicts that trials end with, going from look to look."""
    random = np.random.default_rng([round(1000 * effect), round(1000 * variation)])
    found = []
    for a, b in np.exp(random.normal(0, variation, (trials, 2, LOOKS[-1]))):
        for look in LOOKS:
            evidence = sequential_evidence(
                a[:look].tolist(), (b[:look] * (1 + effect)).tolist()
            )
            end = verdict(evidence, evidence.p_value, min_effect=0.02)
            if end is not Verdict.INCONCLUSIVE:
                break
        found.append(end)
    return {end: found.count(end) / trials for end in Verdict}


@pytest.mark.parametrize(
    ("effect", "variation", "end", "fewest"),
    [
        (0.0, 0.01, Verdict.NO_CHANGE, 0.98),
        (0.0, 0.02, Verdict.NO_CHANGE, 0.72),  # by Pocock's boundary .53
        (0.05, 0.05, Verdict.REGRESSION, 0.74),  # by Pocock's boundary .73
        (0.05, 0.02, Verdict.REGRESSION, 0.99),
    ],
)
def test_until_settled_ends_with_the_right_verdict(effect, variation, end, fewest):
    assert ends(effect, variation)[end] >= fewest


@pytest.mark.parametrize("variation", [0.01, 0.02])
def test_a_change_of_the_minimum_effect_is_seldom_called_none(variation):
    # 5 % by intention; the standard error of 400 trials is 1.1 %.
    assert ends(0.02, variation)[Verdict.NO_CHANGE] <= 0.09
