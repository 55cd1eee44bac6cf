"""What being launched second does, removed where it is there and only there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.judge.sequential import sequential_evidence
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import Verdict
from pocketbench.bench.judge.verdicts import verdict
from pocketbench.bench.measure.schedule import block_order

TRIALS = 300


def launched(blocks, trial, *, second=0.0, effect=0.0, variants=2, ramp=False):
    """Values of a and b, and their places, in the order that a run has."""
    random = np.random.default_rng([trial, blocks])
    names = "abcdefg"[:variants]
    a, b, places = [], [], []
    for block in range(blocks):
        order = block_order(tuple(names), block, trial)
        levels = random.normal(0, 0.02, variants)
        at = {name: order.index(name) for name in "ab"}
        by = {n: second * (p if ramp else min(p, 1)) for n, p in at.items()}
        a.append(math.exp(levels[0] + by["a"]))
        b.append(math.exp(levels[1] + by["b"]) * (1 + effect))
        places.append((at["a"], at["b"]))
    return a, b, places


def found_in(judge=paired_evidence, blocks=10, **how):
    for trial in range(TRIALS):
        a, b, places = launched(blocks, trial, **how)
        yield judge(a, b, positions=places), judge(a, b)


def share(hits):
    hits = list(hits)
    return sum(hits) / len(hits)


def test_a_slower_second_launch_no_longer_widens_the_interval():
    pairs = list(found_in(second=0.04))
    calm = [with_it.high - with_it.low for with_it, _ in found_in()]

    widths = [[e.high - e.low for e in side] for side in zip(*pairs, strict=True)]

    assert np.median(widths[0]) == pytest.approx(np.median(calm), rel=0.1)
    assert np.median(widths[1]) > 1.5 * np.median(calm)


@pytest.mark.parametrize("how", [{}, {"second": 0.04}, {"second": 0.01}])
@pytest.mark.parametrize("blocks", [6, 9, 10])
def test_the_interval_covers_with_and_without_an_effect_of_the_place(how, blocks):
    evidence = [e for e, _ in found_in(blocks=blocks, **how)]

    # 5 % by intention; the standard error of 300 trials is 1.3 %.
    assert 0.915 <= share(e.low <= 0 <= e.high for e in evidence) <= 0.99


def test_an_unchanged_cell_is_called_so_in_spite_of_a_slower_second_launch():
    def unchanged(evidence):
        return verdict(evidence, evidence.p_value, min_effect=0.02)

    shares = [
        share(unchanged(e) is Verdict.NO_CHANGE for e in side)
        for side in zip(*found_in(second=0.04, blocks=20), strict=True)
    ]

    assert shares[0] > 0.75
    assert shares[1] < 0.45


def test_looks_remove_it_too():
    pairs = list(found_in(sequential_evidence, second=0.06, effect=0.05))

    significant = [
        share(e.p_value < 0.05 for e in side) for side in zip(*pairs, strict=True)
    ]

    assert significant[0] > 0.95
    assert significant[0] > significant[1] + 0.2


@pytest.mark.parametrize("ramp", [False, True])
def test_of_four_variants_the_first_may_differ_or_each_from_the_one_before(ramp):
    pairs = list(found_in(second=0.05, variants=4, ramp=ramp, blocks=12))

    widths = [
        np.median([e.high - e.low for e in side]) for side in zip(*pairs, strict=True)
    ]

    assert widths[0] < 0.8 * widths[1]
    assert share(e.low <= 0 <= e.high for e, _ in pairs) >= 0.915


def test_an_odd_number_of_blocks_no_longer_favours_the_side_that_was_first():
    values = [1.0, 1.01, 0.99, 1.005, 0.995, 1.0, 1.002]
    a = [
        value * (1 if first else 1.2)
        for value, first in zip(values, [1] * 5 + [0] * 2, strict=True)
    ]
    b = [
        value * (1.2 if first else 1)
        for value, first in zip(values[::-1], [1] * 5 + [0] * 2, strict=True)
    ]
    places = [(0, 1)] * 5 + [(1, 0)] * 2

    assert math.exp(paired_evidence(a, b).ratio.mean) > 1.05
    found = paired_evidence(a, b, positions=places)
    assert math.exp(found.ratio.mean) == pytest.approx(1.0, abs=0.01)


def test_places_that_explain_everything_are_no_noise_to_judge_by():
    a, b = [100.0, 110.0] * 4, [110.0, 100.0] * 4
    places = [(0, 1), (1, 0)] * 4

    assert paired_evidence(a, b, positions=places) == paired_evidence(a, b)


def test_a_run_reports_the_judge_the_places_of_its_launches(make_run, make_launch):
    from msgspec.structs import replace

    a, b, places = launched(12, 3, second=0.1)
    run = make_run(
        {
            ("host", "float32"): [1e6 * x for x in a],
            ("host", "int8"): [1e6 * x for x in b],
        }
    )
    at = {("float32", i): p for i, (p, _) in enumerate(places)}
    at |= {("int8", i): p for i, (_, p) in enumerate(places)}
    launches = tuple(
        replace(x, position=at[x.variant_id, x.block]) for x in run.launches
    )

    (reported,) = [
        c
        for c in summarize(replace(run, launches=launches)).comparisons
        if c.metric == "latency_ns"
    ]
    (unreported,) = [c for c in summarize(run).comparisons if c.metric == "latency_ns"]

    widths = [
        c.candidate_over_baseline.high / c.candidate_over_baseline.low
        for c in (reported, unreported)
    ]
    assert widths[0] - 1 < 0.6 * (widths[1] - 1)
