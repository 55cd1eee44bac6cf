from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pocketbench.bench.judge.paired import CORRECTION, paired_evidence

BASELINE = [10.0, 10.1, 9.9, 10.05, 9.95, 10.0, 10.02, 9.98, 10.01, 9.99]
CANDIDATE = [10.4, 10.6, 10.5, 10.3, 10.5, 10.4, 10.45, 10.5, 10.6, 10.4]

launch_times = st.floats(1.0, 1e9, allow_nan=False)
pairs = st.lists(st.tuples(launch_times, launch_times), min_size=2, max_size=12)


def test_few_blocks_are_judged_by_the_paired_t_test_alone():
    found = paired_evidence(BASELINE[:4], CANDIDATE[:4])

    oracle = stats.ttest_rel(np.log(CANDIDATE[:4]), np.log(BASELINE[:4]))
    interval = oracle.confidence_interval(0.95)
    assert found.p_value == pytest.approx(oracle.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_the_p_value_joins_the_paired_t_test_and_the_rank_test_without_drift():
    first, second = np.log(BASELINE), np.log(CANDIDATE[::-1])
    slope = np.median(
        [
            (side[j] - side[i]) / (j - i)
            for side in (first, second)
            for i in range(10)
            for j in range(i + 1, 10)
        ]
    )
    drift = slope * np.arange(10)
    by_ranks = stats.mannwhitneyu(first - drift, second - drift, method="exact").pvalue
    by_t = stats.ttest_rel(second, first).pvalue
    joined = stats.cauchy.sf(np.mean(stats.cauchy.isf([by_t, by_ranks])))

    found = paired_evidence(BASELINE, CANDIDATE[::-1])

    assert found.p_value == pytest.approx(CORRECTION * joined, rel=1e-6)


@pytest.mark.parametrize("alpha", [0.05, 0.017])
def test_the_interval_holds_the_ratios_that_are_not_rejected(alpha):
    found = paired_evidence(BASELINE, CANDIDATE, alpha=alpha)

    for edge, outwards in ((found.low, -1e-4), (found.high, 1e-4)):
        inside, outside = (
            paired_evidence(BASELINE, [c / math.exp(to) for c in CANDIDATE]).p_value
            for to in (edge - outwards, edge + outwards)
        )
        assert outside < alpha < inside


def test_one_disturbed_launch_does_not_hide_a_slow_candidate():
    disturbed = [*CANDIDATE[:-1], CANDIDATE[-1] * 2]

    found = paired_evidence(BASELINE, disturbed)

    assert stats.ttest_rel(np.log(disturbed), np.log(BASELINE)).pvalue > 0.05
    assert found.p_value < 0.001
    assert math.exp(found.low) > 1.02
    assert math.exp(found.ratio.mean) == pytest.approx(1.045, abs=0.015)


def test_a_straight_drift_over_the_blocks_hides_nothing():
    drift = [1.03**block for block in range(10)]

    found = paired_evidence(
        [a * by for a, by in zip(BASELINE, drift, strict=True)],
        [b * by for b, by in zip(CANDIDATE, drift, strict=True)],
    )

    assert found.p_value < 1e-4


@given(pairs, st.floats(0.001, 1000))
@settings(max_examples=60, deadline=None)
def test_the_unit_of_the_values_does_not_matter(values, scale):
    a, b = zip(*values, strict=True)

    found = paired_evidence(a, b)
    scaled = paired_evidence([x * scale for x in a], [x * scale for x in b])

    assert scaled.ratio.mean == pytest.approx(found.ratio.mean, abs=1e-6, rel=1e-3)


@given(pairs)
@settings(max_examples=60, deadline=None)
def test_swapping_the_baseline_inverts_the_ratio(values):
    a, b = zip(*values, strict=True)

    one, other = paired_evidence(a, b), paired_evidence(b, a)

    near = 1e-9 + 0.001 * (one.high - one.low)
    assert one.ratio.mean == pytest.approx(-other.ratio.mean, abs=near)
    assert one.low == pytest.approx(-other.high, abs=near)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)


def test_exactly_equal_pairs_give_an_exact_ratio():
    found = paired_evidence([4096] * 6, [8192] * 6)

    ends = found.low, found.ratio.mean, found.high
    assert ends == pytest.approx((math.log(2),) * 3, rel=1e-14)
    assert found.p_value == 0


def test_a_coarse_clock_does_not_make_two_equal_pairs_certain():
    exact = paired_evidence([1000, 1000], [1001, 1001])
    coarse = paired_evidence([1000, 1000], [1001, 1001], resolution=1)

    assert exact.p_value == 0
    assert coarse.p_value > 0.1


@pytest.mark.parametrize("values", [[], [0.0, 1.0], [-1.0, 1.0]])
def test_without_positive_values_there_is_no_ratio(values):
    assert paired_evidence(values, [1.0] * len(values)) is None


def test_many_blocks_use_the_normal_distribution_of_the_ranks():
    noise = np.random.default_rng(0)
    a = np.exp(noise.normal(0, 0.02, 80))
    b = np.exp(noise.normal(0.01, 0.02, 80))

    found = paired_evidence(a.tolist(), b.tolist())

    interval = stats.ttest_rel(np.log(b), np.log(a)).confidence_interval(0.95)
    assert found.low == pytest.approx(interval.low, abs=0.001)
    assert found.high == pytest.approx(interval.high, abs=0.001)


@pytest.mark.parametrize("blocks", [5, 6, 10, 20, 33, 61])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_interval_ends_where_the_test_begins_to_reject(blocks, alpha):
    random = np.random.default_rng(blocks)
    for spread in (random.normal, random.laplace):
        a, b = np.exp(spread(0, 0.02, (2, blocks)))
        found = paired_evidence(a.tolist(), b.tolist(), alpha=alpha)

        for end, outwards in ((found.low, -1), (found.high, 1)):
            inside, outside = (
                paired_evidence(a.tolist(), (b / math.exp(at)).tolist(), alpha=alpha)
                for at in (end - outwards * 1e-9, end + outwards * 1e-9)
            )
            assert inside.p_value >= alpha > outside.p_value


def trials(noise, blocks=10, count=300):
    random = np.random.default_rng(blocks)
    for _ in range(count):
        a, b = np.exp(noise(random, (2, blocks)))
        yield a.tolist(), b.tolist()


def spiky(random, shape):
    hit = random.random(shape) < 1 / 12
    return random.normal(0, 0.02, shape) + hit * random.uniform(0.1, 0.5, shape)


def bimodal(random, shape):
    return random.normal(0, 0.005, shape) + 0.05 * (random.random(shape) < 0.3)


@pytest.mark.parametrize(
    ("noise", "share"),
    [
        (lambda random, shape: random.normal(0, 0.02, shape), 1.1),
        (spiky, 0.5),
        (bimodal, 0.75),
    ],
)
def test_the_point_errs_less_than_the_middle_of_the_interval(noise, share):
    found = [paired_evidence(a, b) for a, b in trials(noise)]

    points = np.array([e.ratio.mean for e in found])
    middles = np.array([(e.low + e.high) / 2 for e in found])
    assert np.sqrt(np.mean(points**2)) < share * np.sqrt(np.mean(middles**2))
    assert abs(points.mean()) < 3 * points.std() / math.sqrt(len(found))
    assert all(e.low <= e.ratio.mean <= e.high for e in found)


def test_one_disturbed_launch_does_not_turn_the_point_against_the_pairs():
    # The middle of the interval called this 1.45 times faster.
    baseline = [340.0, 341, 339, 342, 338, 1900]
    candidate = [360.0, 361, 359, 362, 358, 363]

    found = paired_evidence(baseline, candidate)

    assert 1.0 < math.exp(found.ratio.mean) < 1.1
    assert found.low < 0 < found.high


@pytest.mark.parametrize("blocks", [3, 4, 10, 20])
def test_no_change_is_asked_of_an_interval_of_twice_the_level(blocks):
    a, b = next(trials(lambda random, shape: random.normal(0, 0.02, shape), blocks))

    found = paired_evidence(a, b, alpha=0.05)
    wider = paired_evidence(a, b, alpha=0.10)

    assert found.equivalence == (wider.low, wider.high)


@pytest.mark.parametrize("noise", [lambda r, s: r.normal(0, 0.02, s), bimodal, spiky])
def test_either_end_of_the_interval_for_no_change_errs_in_one_trial_of_twenty(noise):
    found = [paired_evidence(a, b) for a, b in trials(noise, count=600)]

    for beyond in (
        [e.equivalence[0] > 0 for e in found],
        [e.equivalence[1] < 0 for e in found],
    ):
        # The standard error is 0.9 %.
        assert sum(beyond) / len(found) <= 0.08
