from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec.structs import replace
from scipy import stats

from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.judge.sequential import (
    is_settled,
    nominal_level,
    overall_p_value,
    sequential_evidence,
    unsettled,
)
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.records.interim_analyses import LOOKS, looks_up_to, next_look


@pytest.mark.parametrize(
    ("looks", "z"),
    [(2, 2.178), (3, 2.289), (4, 2.361), (5, 2.413), (10, 2.555)],
)
def test_evenly_spaced_looks_have_pococks_boundaries(looks, z):
    level = nominal_level(tuple(range(1, looks + 1)), 0.05)

    assert stats.norm.isf(level / 2) == pytest.approx(z, abs=0.001)


def test_one_look_costs_nothing():
    assert nominal_level((10,), 0.05) == pytest.approx(0.05, rel=1e-6)
    assert overall_p_value((10,), 0.003) == pytest.approx(0.003, rel=1e-3)


@pytest.mark.parametrize("smallest", [1e-300, 1e-20, 1e-8, 0.001, 0.5, 1.0])
def test_the_overall_p_value_lies_between_one_look_and_their_sum(smallest):
    got = overall_p_value(LOOKS, smallest)

    assert smallest * 0.999 <= got <= min(1, len(LOOKS) * smallest) * 1.001


def test_the_overall_level_is_what_simulated_looks_cross():
    random = np.random.default_rng(0)
    sums = np.cumsum(random.normal(size=(40_000, LOOKS[-1])), axis=1)
    z = np.stack([sums[:, look - 1] / math.sqrt(look) for look in LOOKS], axis=1)
    beyond = stats.norm.isf(nominal_level(LOOKS, 0.05) / 2)

    crossed = (np.abs(z) > beyond).any(axis=1).mean()

    assert crossed == pytest.approx(0.05, abs=0.004)


def test_looks_are_gone_on_to_one_by_one():
    assert [next_look(blocks) for blocks in (0, 6, 7, 20)] == [6, 8, 8, None]


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
    level = nominal_level(LOOKS, 0.05)
    looks = [paired_evidence(a[:look], b[:look], alpha=level) for look in (6, 8)]

    found = sequential_evidence(a, b)

    smallest = min(look.p_value for look in looks)
    assert found.p_value == overall_p_value(LOOKS, smallest)
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
