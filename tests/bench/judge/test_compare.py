from __future__ import annotations

import math

import msgspec
import pytest
from scipy import stats

from pocketbench.bench.judge.compare import compare_runs
from pocketbench.bench.judge.summary import Verdict

BEFORE = [1_000_000, 1_010_000, 990_000, 1_005_000, 995_000, 1_002_000]
AFTER = [1_100_000, 1_111_000, 1_089_000, 1_105_000, 1_094_000]


def named(run, run_id: str):
    started = msgspec.structs.replace(run.started, run_id=run_id)
    return msgspec.structs.replace(run, started=started)


def test_two_runs_are_compared_by_welch_and_say_that_drift_is_not_controlled(make_run):
    base = named(make_run({("host", "a"): BEFORE}), "base")
    head = named(make_run({("host", "a"): AFTER}), "head")

    found = {c.metric: c for c in compare_runs(base, head)}

    got = found["latency_ns"]
    oracle = stats.ttest_ind(
        [math.log(x) for x in AFTER], [math.log(x) for x in BEFORE], equal_var=False
    )
    interval = oracle.confidence_interval(0.95)
    assert (got.kind, got.design, got.baseline) == ("run", "sequential", "base")
    assert not any(c.drift_controlled for c in found.values())
    assert got.p_value == pytest.approx(oracle.pvalue)
    assert got.candidate_over_baseline.low == pytest.approx(math.exp(interval.low))
    assert got.candidate_over_baseline.high == pytest.approx(math.exp(interval.high))
    assert got.verdict is Verdict.REGRESSION
    assert found["peak_rss_bytes"].verdict is None
    assert found["peak_rss_bytes"].candidate_over_baseline.point == 1


def test_a_comparison_keeps_the_earlier_runs_figure_and_the_size_of_its_file(make_run):
    base = make_run({("host", "a"): BEFORE})
    artifacts = tuple(msgspec.structs.replace(x, size_bytes=77) for x in base.artifacts)
    base = msgspec.structs.replace(base, artifacts=artifacts)

    found = compare_runs(base, make_run({("host", "a"): AFTER}))

    assert {c.before_size_bytes for c in found} == {77}
    (latency,) = [c for c in found if c.metric == "latency_ns"]
    assert latency.before.point == pytest.approx(1e6, rel=0.01)


def test_only_cells_of_both_runs_are_compared(make_run):
    base = make_run({("host", "a"): BEFORE, ("host", "gone"): BEFORE})
    head = make_run({("host", "a"): AFTER, ("android:1", "a"): AFTER})

    found = compare_runs(base, head)

    assert {(c.device_id, c.candidate) for c in found} == {("host", "a")}
