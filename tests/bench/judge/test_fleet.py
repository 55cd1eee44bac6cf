"""Phones in general: a random effect over the phones of one run."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pocketbench.bench.commands.show_reports import exit_code
from pocketbench.bench.judge.fleet import FEWEST_PHONES, pooled
from pocketbench.bench.judge.intervals import LogMean
from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import Verdict
from pocketbench.bench.judge.verdicts import corrected, verdict

# Thirteen trials of BCG vaccine (Colditz and others, JAMA 271, 1994): log relative
# risks and their variances, as metafor's handbook and many others pool them.
BCG = (
    (-0.8893, 0.3256), (-1.5854, 0.1946), (-1.3481, 0.4154), (-1.4416, 0.0200),
    (-0.2175, 0.0512), (-0.7861, 0.0069), (-1.6209, 0.2230), (0.0120, 0.0040),
    (-0.4694, 0.0564), (-1.3713, 0.0730), (-0.3394, 0.0124), (0.4459, 0.5325),
    (-0.0173, 0.0714),
)  # fmt: skip


def of_phone(mean: float, error: float) -> LogMean:
    return LogMean(mean, error, 9, 10)


def test_a_known_set_is_pooled_as_others_pool_it():
    found = pooled([of_phone(mean, math.sqrt(variance)) for mean, variance in BCG])

    assert found.between**2 == pytest.approx(0.318, abs=0.001)
    assert found.ratio.mean == pytest.approx(-0.715, abs=0.001)
    assert found.i_squared == pytest.approx(0.921, abs=0.001)
    assert found.ratio.degrees == 12
    # Hartung and Knapp's error is the classical one where the spread is estimated so
    # that the weighted squares are as many as the degrees.
    weights = [1 / (variance + found.between**2) for _, variance in BCG]
    assert found.ratio.standard_error == pytest.approx(1 / math.sqrt(sum(weights)))


def test_phones_that_agree_better_than_their_noise_are_no_more_certain_than_it():
    found = pooled([of_phone(0.05, 0.01)] * 4)

    assert found.between == found.i_squared == 0
    assert found.ratio.mean == pytest.approx(0.05)
    assert found.ratio.standard_error == pytest.approx(0.005)


def test_ratios_that_repeat_exactly_are_pooled():
    same = pooled([of_phone(0.1, 0.0)] * 3)
    differing = pooled([of_phone(mean, 0.0) for mean in (0.1, 0.2, 0.3)])

    assert same.ratio.mean == pytest.approx(0.1)
    assert differing.ratio.mean == pytest.approx(0.2)
    assert differing.between == pytest.approx(0.1, rel=1e-3)
    assert differing.i_squared == pytest.approx(1.0)


def fleets(effect: float, *, between: float = 0.0, phones: int = 8, count: int = 150):
    """Trials of ten blocks on phones of 2.5 % noise: pooled, and the phones' own."""
    random = np.random.default_rng([round(1000 * effect), round(1000 * between)])
    for _ in range(count):
        noise = np.exp(random.normal(0, 0.025, (phones, 2, 10)))
        factors = np.exp(math.log1p(effect) + random.normal(0, between, phones))
        found = [
            paired_evidence(a.tolist(), (b * factor).tolist())
            for (a, b), factor in zip(noise, factors, strict=True)
        ]
        q_values = corrected([e.p_value for e in found])
        own = [
            verdict(e, q, min_effect=0.02) for e, q in zip(found, q_values, strict=True)
        ]
        every = pooled([e.ratio for e in found]).ratio.evidence()
        yield every, verdict(every, every.p_value, min_effect=0.02), own


def share(hits) -> float:
    hits = list(hits)
    return sum(hits) / len(hits)


def test_eight_phones_together_see_what_few_of_them_see_alone():
    slower, unchanged = list(fleets(0.03)), list(fleets(0.0))

    assert share(of_all is Verdict.REGRESSION for _, of_all, _ in slower) >= 0.97
    assert share(own.count(Verdict.REGRESSION) > 4 for *_, own in slower) <= 0.75
    assert share(of_all is Verdict.NO_CHANGE for _, of_all, _ in unchanged) >= 0.9
    assert share(set(own) == {Verdict.NO_CHANGE} for *_, own in unchanged) == 0


@pytest.mark.parametrize("phones", [3, 5, 8])
@pytest.mark.parametrize("between", [0.0, 0.01, 0.03])
def test_the_interval_over_phones_covers_whether_they_differ_or_not(phones, between):
    found = fleets(0.03, between=between, phones=phones, count=300)

    # 5 % by intention; the standard error of 300 trials is 1.3 %.
    truth = math.log1p(0.03)
    assert share(e.low <= truth <= e.high for e, *_ in found) >= 0.915


def test_phones_that_differ_by_chance_raise_no_alarm_over_all():
    found = list(fleets(0.0, between=0.01))

    assert share(Verdict.REGRESSION in own for *_, own in found) > 0.05
    assert share(of_all is Verdict.REGRESSION for _, of_all, _ in found) <= 0.02


def measured_on(
    ids: list[str], slower: float = 1.03, spread: float = 0.01
) -> dict[tuple[str, str], list[float]]:
    """Ten blocks on each device, of a variant that is slower everywhere."""
    random = np.random.default_rng(5)
    noise = iter(np.exp(random.normal(0, spread, (2 * len(ids), 10))))
    return {
        (device, variant): (1e6 * factor * next(noise)).tolist()
        for device in ids
        for variant, factor in (("float32", 1.0), ("int8", slower))
    }


@pytest.fixture
def mixed(make_run, make_ready):
    """A run on the host, four phones and three simulated ones."""
    phones = [f"android:{n}" for n in range(4)]
    simulated = [f"simulated:{n}" for n in range(3)]
    ready = [make_ready(x) for x in ("host", *phones)]
    ready += [make_ready(x, family="simulated", is_simulated=True) for x in simulated]
    return make_run(measured_on(["host", *phones, *simulated]), devices=ready)


def test_simulated_phones_are_never_counted_with_real_ones_nor_the_host(mixed):
    real, simulated = summarize(mixed).fleet

    assert (real.tag, simulated.tag) == (None, "SIMULATED")
    assert real.device_ids == ("android:0", "android:1", "android:2", "android:3")
    assert simulated.device_ids == ("simulated:0", "simulated:1", "simulated:2")
    assert real.verdict is Verdict.REGRESSION
    assert real.candidate_over_baseline.point == pytest.approx(1.03, abs=0.01)
    assert real.candidate_over_baseline.launches == 40


def test_too_few_phones_are_no_fleet(make_run):
    few = [f"android:{n}" for n in range(FEWEST_PHONES - 1)]

    assert summarize(make_run(measured_on(few))).fleet == ()


def test_a_fleet_has_verdicts_on_what_the_run_gates_on(mixed):
    found = summarize(mixed, gate=("latency_ns", "peak_rss_bytes")).fleet

    assert {c.metric for c in found} == {"latency_ns", "peak_rss_bytes"}
    memory = [c for c in found if c.metric == "peak_rss_bytes"]
    assert {c.verdict for c in memory} == {Verdict.NO_CHANGE}


def test_a_regression_over_phones_fails_a_run_that_no_phone_fails_alone(make_run):
    phones = [f"android:{n}" for n in range(12)]
    table = measured_on(phones, slower=1.02, spread=0.03)

    summary = summarize(make_run(table), min_effect=0.01)

    assert {c.verdict for c in summary.comparisons} <= {Verdict.INCONCLUSIVE, None}
    (every,) = summary.fleet
    assert every.verdict is Verdict.REGRESSION
    assert exit_code(summary, "regression") == 1
    assert exit_code(summary, "never") == 0
