from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import false_discovery_control

from pocketbench.bench.judge.intervals import LogMean, estimate, unpaired_ratio
from pocketbench.bench.judge.summary import Verdict
from pocketbench.bench.judge.verdicts import (
    corrected,
    launches_to_settle,
    verdict,
)


def evidence(point: float, half: float, launches: int = 10, alpha: float = 0.05):
    """A ratio whose 95 % interval is point / half ... point * half."""
    error = math.log(half) / stats.t.ppf(1 - alpha / 2, launches - 1)
    return LogMean(math.log(point), error, launches - 1, launches).evidence(alpha)


@pytest.mark.parametrize(
    ("point", "half", "q_value", "expected"),
    [
        (1.05, 1.02, 0.001, Verdict.REGRESSION),
        (1.05, 1.02, 0.06, Verdict.INCONCLUSIVE),
        (1.05, 1.10, 0.30, Verdict.INCONCLUSIVE),
        (1.019, 1.005, 0.001, Verdict.INCONCLUSIVE),
        (1.010, 1.005, 0.001, Verdict.NO_CHANGE),
        (1.000, 1.019, 0.9, Verdict.NO_CHANGE),
        # Beyond the band at 95 %, but not for two one-sided tests at 5 % each.
        (1.000, 1.023, 0.9, Verdict.NO_CHANGE),
        (1.000, 1.026, 0.9, Verdict.INCONCLUSIVE),
        (1 / 1.05, 1.02, 0.001, Verdict.IMPROVEMENT),
        (1 / 1.019, 1.005, 0.001, Verdict.INCONCLUSIVE),
    ],
)
def test_a_verdict_needs_significance_the_interval_and_the_minimum_effect(
    point, half, q_value, expected
):
    assert verdict(evidence(point, half), q_value, min_effect=0.02) is expected


def test_where_higher_is_better_a_higher_ratio_is_an_improvement():
    found = evidence(1.05, 1.02)

    got = verdict(found, 0.001, min_effect=0.02, better="higher")

    assert got is Verdict.IMPROVEMENT


@given(st.floats(0.5, 2), st.floats(1.001, 1.5), st.floats(0, 1))
def test_swapping_the_baseline_mirrors_the_verdict(point, half, q_value):
    mirror = {
        Verdict.REGRESSION: Verdict.IMPROVEMENT,
        Verdict.IMPROVEMENT: Verdict.REGRESSION,
    }

    edges = (0.0, math.log(half), math.log(1.02), math.log(1.02) - math.log(half))
    assume(all(abs(abs(math.log(point)) - edge) > 1e-9 for edge in edges))

    one = verdict(evidence(point, half), q_value, min_effect=0.02)
    other = verdict(evidence(1 / point, half), q_value, min_effect=0.02)

    assert other is mirror.get(one, one)


def test_noise_never_makes_a_slow_candidate_unchanged():
    for half in (1.01, 1.05, 1.2, 2.0):
        got = verdict(evidence(1.05, half), 0.01, min_effect=0.02)
        assert got in (Verdict.REGRESSION, Verdict.INCONCLUSIVE)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_q_values_are_those_of_scipy(p_values):
    assert corrected(p_values) == pytest.approx(list(false_discovery_control(p_values)))


def test_corrected_leaves_out_what_has_no_p_value():
    got = corrected([0.01, None, 0.04, 0.03])

    assert got == [pytest.approx(0.03), None, pytest.approx(0.04), pytest.approx(0.04)]
    assert corrected([None]) == [None]


def test_the_launches_that_would_settle_do_settle_if_all_stays_as_it_is():
    found = evidence(1.05, 1.10)

    further = launches_to_settle(found, found.p_value, min_effect=0.02)

    spread = found.ratio.standard_error * math.sqrt(10)
    for launches, expected in (
        (10 + further, Verdict.REGRESSION),
        (10 + further - 1, Verdict.INCONCLUSIVE),
    ):
        later = LogMean(
            found.ratio.mean, spread / math.sqrt(launches), launches - 1, launches
        ).evidence()
        assert verdict(later, later.p_value, min_effect=0.02) is expected


def test_an_effect_at_the_minimum_effect_cannot_be_settled_by_launches():
    nearly = evidence(1.0199999, 1.10)

    assert launches_to_settle(nearly, 0.5, min_effect=0.02) is None


def test_values_that_are_not_positive_get_a_plain_interval():
    got = estimate([-1.0, 0.0, 1.0, 2.0])

    low, high = stats.ttest_1samp([-1, 0, 1, 2], 0).confidence_interval(0.95)
    assert (got.point, got.low, got.high) == pytest.approx((0.5, low, high))


def test_two_exact_sets_have_an_exact_ratio():
    found = unpaired_ratio([2.0, 2.0], [4.0, 4.0, 4.0])

    assert (found.mean, found.p_value) == (math.log(4) - math.log(2), 0)


def test_one_launch_on_a_side_has_a_ratio_and_no_p_value():
    found = unpaired_ratio([2.0], [4.0, 5.0]).evidence()

    assert found.estimate().low is None
    assert verdict(found, found.p_value, min_effect=0.02) is Verdict.INCONCLUSIVE


def test_an_interval_too_wide_for_a_float_is_infinite():
    found = LogMean(0.0, 1000.0, 1, 2).evidence().estimate()

    assert (found.low, found.high) == (0.0, math.inf)
