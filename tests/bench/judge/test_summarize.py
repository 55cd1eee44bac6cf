from __future__ import annotations

import math
import random

import msgspec
import pytest
from scipy import stats

from pocketbench.bench.errors import UsageError
from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import (
    Comparison,
    Contradiction,
    Summary,
    Verdict,
)
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Delegation, Failure, Measurement, Memory

FLOAT = [10_000, 10_100, 9_900, 10_050, 9_950, 10_000, 10_020, 9_980, 10_010, 9_990]
INT8 = [5_000, 5_060, 4_940, 5_020, 4_990, 5_010, 5_000, 4_980, 5_015, 4_985]


def comparison(summary: Summary, candidate: str, metric: str = "latency_ns", **where):
    where = {"kind": "variant", "device_id": "host", **where}
    found = [
        c
        for c in summary.comparisons
        if (c.candidate, c.metric) == (candidate, metric)
        and all(getattr(c, name) == value for name, value in where.items())
    ]
    assert len(found) == 1
    return found[0]


def test_an_estimate_is_the_geometric_mean_with_a_t_interval_on_logarithms(make_run):
    summary = summarize(make_run({("host", "float32"): FLOAT}))

    got = summary.cell("host", "net", "float32").estimates["latency_ns"]

    logs = [math.log(value) for value in FLOAT]
    low, high = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    assert got.point == pytest.approx(math.exp(sum(logs) / 10))
    assert (got.low, got.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert got.launches == 10


def test_variants_are_compared_block_by_block(make_run):
    summary = summarize(make_run({("host", "float32"): FLOAT, ("host", "int8"): INT8}))

    got = comparison(summary, "int8")

    expected = paired_evidence(FLOAT, INT8, resolution=1)
    assert got.p_value == got.q_value == expected.p_value
    assert got.candidate_over_baseline.low == math.exp(expected.low)
    assert got.candidate_over_baseline.point == pytest.approx(0.5, rel=0.01)
    assert (got.verdict, got.design) == (Verdict.IMPROVEMENT, "paired")


def test_a_phone_is_compared_with_the_host_by_welch_and_gets_no_verdict(make_run):
    phone = [3 * value for value in FLOAT[:7]]
    summary = summarize(
        make_run({("android:1", "float32"): phone, ("host", "float32"): FLOAT})
    )

    got = comparison(summary, "float32", kind="host", device_id="android:1")

    oracle = stats.ttest_ind(
        [math.log(x) for x in phone], [math.log(x) for x in FLOAT], equal_var=False
    )
    interval = oracle.confidence_interval(0.95)
    assert got.p_value == pytest.approx(oracle.pvalue)
    assert got.candidate_over_baseline.low == pytest.approx(math.exp(interval.low))
    assert (got.verdict, got.q_value, got.design) == (None, None, "sequential")
    assert [r.device.id for r in summary.devices] == ["host", "android:1"]


def test_verdicts_of_one_run_are_corrected_together(make_run):
    noise = random.Random(0)
    table = {("host", "float32"): FLOAT}
    for number in range(6):
        table["host", f"v{number}"] = [
            value * 1.01 * noise.gauss(1, 0.01) for value in FLOAT
        ]
    summary = summarize(make_run(table))

    got = [comparison(summary, f"v{number}") for number in range(6)]

    expected = stats.false_discovery_control([c.p_value for c in got])
    assert [c.q_value for c in got] == pytest.approx(list(expected))
    assert any(c.q_value > c.p_value for c in got)


def test_only_the_primary_metric_is_judged_unless_another_is_gated(make_run):
    run = make_run({("host", "float32"): FLOAT, ("host", "int8"): INT8})

    usual = comparison(summarize(run), "int8", "p90_latency_ns")
    gated = comparison(
        summarize(run, gate=("latency_ns", "throughput_per_s")),
        "int8",
        "throughput_per_s",
    )

    assert (usual.verdict, usual.q_value) == (None, None)
    assert usual.p_value < 0.001
    assert gated.verdict is Verdict.IMPROVEMENT
    assert gated.candidate_over_baseline.point > 1.9


def test_equal_memory_is_compared_exactly_and_divides_by_no_zero(make_run):
    summary = summarize(make_run({("host", "float32"): FLOAT, ("host", "int8"): INT8}))

    estimate = summary.cell("host", "net", "int8").estimates["peak_rss_bytes"]
    got = comparison(summary, "int8", "peak_rss_bytes")

    assert (estimate.low, estimate.point, estimate.high) == (5000, 5000, 5000)
    ratio = got.candidate_over_baseline
    assert (ratio.low, ratio.point, ratio.high, got.p_value) == (1, 1, 1, 1)


def test_one_launch_has_a_point_and_no_interval(make_run):
    summary = summarize(make_run({("host", "a"): [1000], ("host", "b"): [2000]}))

    estimate = summary.cell("host", "net", "a").estimates["latency_ns"]
    got = comparison(summary, "b")

    assert (estimate.point, estimate.low, estimate.high) == (1000, None, None)
    assert got.candidate_over_baseline.point == pytest.approx(2)
    assert got.candidate_over_baseline.low is None
    assert (got.p_value, got.q_value) == (None, None)
    assert (got.verdict, got.launches_to_settle) == (Verdict.INCONCLUSIVE, None)


def test_what_a_program_does_not_report_is_absent(make_run, make_launch):
    launch = make_launch("host", "a", 0, measurement=Measurement(mean_latency_ns=2000))
    run = msgspec.structs.replace(make_run({("host", "a"): [1]}), launches=(launch,))

    cell = summarize(run).cell("host", "net", "a")

    assert {name: e.point for name, e in cell.estimates.items()} == {
        "mean_latency_ns": 2000,
        "throughput_per_s": 500_000,
    }
    assert Caveat.NO_MEMORY in cell.caveats


def printed_run(make_run, make_launch, **measurements):
    """A run in which each variant's six launches printed statistics only."""
    launches = tuple(
        make_launch("host", variant, block, measurement=measurement)
        for variant, measurement in measurements.items()
        for block in range(6)
    )
    table = {("host", variant): [1] * 6 for variant in measurements}
    return msgspec.structs.replace(make_run(table), launches=launches)


def test_a_mean_is_called_mean_and_is_what_the_gate_judges(make_run, make_launch):
    run = printed_run(
        make_run,
        make_launch,
        a=Measurement(mean_latency_ns=2000),
        b=Measurement(mean_latency_ns=4000),
    )

    summary = summarize(run)

    assert summary.metrics[0].title == "mean latency"
    assert "latency_ns" not in {m.name for m in summary.metrics}
    assert comparison(summary, "b", "mean_latency_ns").verdict is Verdict.REGRESSION
    assert summary.gates_missing == ()


def test_a_mean_is_never_compared_with_a_median(make_run, make_launch):
    run = printed_run(
        make_run,
        make_launch,
        a=Measurement(mean_latency_ns=2000),
        b=Measurement(mean_latency_ns=2000, latency_statistics_ns={"p50": 1900}),
    )

    summary = summarize(run)

    assert {c.metric for c in summary.comparisons} == {"throughput_per_s"}
    assert summary.cell("host", "net", "b").estimates["latency_ns"].point == 1900
    assert "mean_latency_ns" not in summary.cell("host", "net", "b").estimates


def test_percentiles_that_a_program_prints_are_used_as_such(make_run, make_launch):
    printed = {"p5": 1, "p50": 1900, "p90": 2500, "p99": 3000, "max": 9000}
    run = printed_run(
        make_run,
        make_launch,
        a=Measurement(mean_latency_ns=2000, latency_statistics_ns=printed),
    )

    estimates = summarize(run).cell("host", "net", "a").estimates

    assert estimates["latency_ns"].point == 1900
    assert estimates["p90_latency_ns"].point == 2500
    assert estimates["p99_latency_ns"].point == 3000


def test_means_that_scatter_are_noisy(make_run, make_launch):
    launches = tuple(
        make_launch(
            "host",
            "a",
            block,
            measurement=Measurement(mean_latency_ns=1000 + block % 2 * 900),
        )
        for block in range(6)
    )
    run = msgspec.structs.replace(make_run({("host", "a"): [1] * 6}), launches=launches)

    assert Caveat.NOISY in summarize(run).cell("host", "net", "a").caveats


@pytest.mark.parametrize(
    ("extent", "is_requested", "has_caveat"),
    [("all", True, False), ("part", True, True), ("part", False, False)],
)
def test_a_delegate_that_took_only_a_part_is_a_caveat(
    make_run, make_launch, extent, is_requested, has_caveat
):
    found = Delegation(delegate="GPU", extent=extent, is_requested=is_requested)
    run = printed_run(
        make_run,
        make_launch,
        a=Measurement(latencies_ns=(1000,), delegations=(found,)),
    )

    caveats = summarize(run).cell("host", "net", "a").caveats

    assert (Caveat.NOT_FULLY_DELEGATED in caveats) is has_caveat


def test_a_launch_is_reduced_to_its_median_tails_throughput_and_memory(
    make_run, make_launch
):
    measured = Measurement(
        load_ns=7,
        first_latency_ns=900,
        latencies_ns=tuple(range(1, 101)),
        memory=Memory(rss_before_load_bytes=30, peak_rss_bytes=100),
    )
    run = msgspec.structs.replace(
        make_run({("host", "a"): [1]}),
        launches=(make_launch("host", "a", 0, measurement=measured),),
    )

    (launch,) = summarize(run).cell("host", "net", "a").launches

    assert launch.values == pytest.approx(
        {
            "latency_ns": 50.5,
            "p90_latency_ns": 90.1,
            "p99_latency_ns": 99.01,
            "throughput_per_s": 1e9 / 50.5,
            "load_ns": 7,
            "first_latency_ns": 900,
            "peak_rss_bytes": 100,
            "model_rss_bytes": 70,
        }
    )


def failure(
    variant: str | None, block: int | None, attempt: int | None = 0, **changes
) -> Failure:
    fields: dict[str, object] = {
        "device_id": "host",
        "reason": FailureReason.CRASHED,
        "fact": "ended by signal 11",
        "remedy": "See the output",
        "model": "net",
        "variant_id": variant,
        "block": block,
        "attempt": attempt,
        "started_at": f"2026-01-01T00:{block or 0:02}:00.500+00:00",
    }
    return Failure(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_broken_block_is_left_out_whole(make_run):
    run = make_run({("host", "a"): FLOAT, ("host", "b"): [*INT8[:9], None]})

    summary = summarize(run)

    assert len(summary.cell("host", "net", "a").launches) == 9
    assert comparison(summary, "b").candidate_over_baseline.launches == 9


def test_of_a_repeated_block_the_last_whole_attempt_counts(make_run, make_launch):
    def again(variant: str, attempt: int, value: int):
        return make_launch(
            "host",
            variant,
            1,
            attempt=attempt,
            started_at=f"2026-01-01T01:0{attempt}:00.000+00:00",
            measurement=Measurement(latencies_ns=(value,)),
        )

    run = make_run(
        {("host", "a"): [1, 2], ("host", "b"): [1, 2]},
        launches=[again("a", 1, 7), again("b", 1, 8), again("a", 2, 9)],
    )

    summary = summarize(run)

    def medians(variant: str) -> list[float]:
        launches = summary.cell("host", "net", variant).launches
        return [launch.values["latency_ns"] for launch in launches]

    assert (medians("a"), medians("b")) == ([1, 7], [1, 8])


def test_a_variant_that_fails_for_good_voids_no_other(make_run):
    run = make_run(
        {
            ("host", "a"): FLOAT,
            ("host", "b"): INT8,
            ("host", "c"): [5000, 5000, *[None] * 8],
        },
        failures=[failure("c", 2), failure("c", 2, 1)],
    )

    summary = summarize(run)

    assert comparison(summary, "b").candidate_over_baseline.launches == 10
    assert comparison(summary, "c").candidate_over_baseline.launches == 2
    assert [f.attempt for f in summary.failures] == [1]
    assert summary.jobs_wanted == 3


def test_a_failure_that_a_later_attempt_made_good_does_not_stand(make_run, make_launch):
    lost = failure(
        "a",
        0,
        reason=FailureReason.DEVICE_LOST,
        started_at="2025-12-31T23:00:00.000+00:00",
    )
    whole_device = failure(None, None, None, model=None)
    later = make_launch(
        "host", "a", 0, attempt=1, started_at="2026-01-01T02:00:00.000+00:00"
    )
    never = msgspec.structs.replace(whole_device, device_id="android:1")

    summary = summarize(
        make_run(
            {("host", "a"): [1000, 1000]},
            launches=[later],
            failures=[lost, whole_device, never],
        )
    )

    assert summary.failures == (never,)
    assert summary.jobs_wanted == 2


def test_launches_of_a_replaced_artifact_do_not_count(make_run, make_launch):
    old = make_launch("host", "a", 5, artifact_sha256="older")

    summary = summarize(make_run({("host", "a"): [1, 2]}, launches=[old]))

    assert [x.block for x in summary.cell("host", "net", "a").launches] == [0, 1]


def test_the_order_of_the_records_does_not_matter(make_run):
    run = make_run(
        {
            (device, variant): [v * scale for v in FLOAT]
            for device in ("host", "android:1")
            for variant, scale in (("a", 1.0), ("b", 1.5))
        }
    )
    shuffled = list(run.launches)
    random.Random(1).shuffle(shuffled)

    again = summarize(msgspec.structs.replace(run, launches=tuple(shuffled)))

    assert again.cells == summarize(run).cells
    assert again.comparisons == summarize(run).comparisons


def test_a_cell_carries_every_reason_to_doubt_it(make_run, make_ready, make_launch):
    run = make_run(
        {("host", "a"): [1000] * 6, ("android:1", "a"): [1000, 2000]},
        devices=[
            make_ready("android:1", is_simulated=True, is_emulated=True, core_count=0),
            make_ready("host"),
        ],
    )
    run = msgspec.structs.replace(
        run,
        launches=tuple(
            msgspec.structs.replace(x, runner="speed_benchmark_torch")
            if x.device_id == "android:1"
            else x
            for x in run.launches
        ),
    )

    summary = summarize(run)

    assert summary.cell("host", "net", "a").caveats == ()
    assert set(summary.cell("android:1", "net", "a").caveats) == {
        Caveat.SIMULATED,
        Caveat.EMULATED,
        Caveat.TOO_FEW_LAUNCHES,
        Caveat.NOISY,
        Caveat.OVERSUBSCRIBED,
        Caveat.RUNNERS_DIFFER,
    }


@pytest.mark.parametrize("min_effect", [0, -0.1, 1, math.nan])
def test_a_minimum_effect_that_is_no_proportion_is_refused(make_run, min_effect):
    with pytest.raises(UsageError, match="Give a proportion"):
        summarize(make_run({("host", "a"): [1]}), min_effect=min_effect)


def test_a_run_with_nothing_measured_is_summarized_too(make_run):
    run = msgspec.structs.replace(make_run({("host", "a"): [1]}), launches=())

    summary = summarize(run)

    assert (summary.cells, summary.comparisons) == ((), ())
    assert [metric.name for metric in summary.metrics] == ["latency_ns"]


def test_a_summary_goes_through_json(make_run):
    summary = summarize(make_run({("host", "a"): FLOAT, ("host", "b"): INT8}))

    again = msgspec.json.decode(
        msgspec.json.encode(summary.comparisons[0]), type=Comparison
    )

    assert again == summary.comparisons[0]


def test_the_plan_reports_which_metrics_get_verdicts(make_run):
    run = make_run({("host", "a"): FLOAT, ("host", "b"): INT8})
    plan = msgspec.structs.replace(
        run.started.plan, gate_on=("throughput_per_s", "peak_rss_bytes")
    )
    started = msgspec.structs.replace(run.started, plan=plan)

    summary = summarize(msgspec.structs.replace(run, started=started))

    judged = {c.metric for c in summary.comparisons if c.verdict is not None}
    assert judged | set(summary.gates_missing) == set(plan.gate_on)
    assert "throughput_per_s" in judged


def contradicted(make_run, before, after):
    run = make_run({("host", "float32"): before, ("host", "int8"): after})
    return comparison(summarize(run), "int8")


def test_a_ratio_that_the_two_estimates_contradict_says_so(make_run):
    # The mean of one disturbed launch lies far above the others.
    before = [340_000, 341_000, 339_000, 342_000, 338_000, 1_900_000]
    after = [360_000, 361_000, 359_000, 362_000, 358_000, 363_000]

    found = contradicted(make_run, before, after)

    assert found.candidate_over_baseline.point > 1.02
    assert found.contradicted_by == (Contradiction.FIGURES,)
    assert (found.pairs.above, found.pairs.below) == (5, 1)


def test_a_ratio_that_most_pairs_contradict_says_so(make_run):
    # A device of two speeds: the baseline was launched in the slow one more often.
    before = [129_900, 129_700, 130_200, 130_200, 130_100, 99_800, 100_200, 100_000]
    after = [130_700, 131_800, 131_400, 101_200, 131_400, 100_800, 100_800, 101_200]

    found = contradicted(make_run, before, after)

    assert found.candidate_over_baseline.point < 0.98
    assert (found.pairs.above, found.pairs.below) == (7, 1)
    assert found.contradicted_by == (Contradiction.PAIRS,)


def test_a_ratio_within_the_minimum_effect_contradicts_nothing(make_run):
    found = contradicted(make_run, FLOAT, [x + 20 for x in FLOAT[::-1]])

    assert found.contradicted_by == ()
