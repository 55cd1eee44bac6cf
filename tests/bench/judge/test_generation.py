"""Tokens per second and time to first token, by one definition, with verdicts."""

import pytest
from msgspec.structs import replace

from pocketbench.bench.judge.compare import compare_runs
from pocketbench.bench.judge.generation import generation_values
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import Verdict
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.generation import GeneratedTokens
from tests.generated_runs import generated_run, measured, tokens

DECODE = "decode_tokens_per_s"


def verdicts(run, **asked):
    """Those against the baseline, by candidate and metric."""
    found = summarize(run, **asked).comparisons
    return {(c.candidate, c.metric): c for c in found if c.verdict or c.is_withheld}


def test_every_figure_of_a_launch_follows_from_its_stamps():
    # 63 times of 12 ms between 64 tokens, the first after 240 ms, a prompt of 128.
    found = generation_values(tokens(first_ms=240, each_ms=12))

    assert found == pytest.approx(
        {
            "time_to_first_token_ns": 240e6,
            "prefill_tokens_per_s": 128 / 0.240,
            "decode_tokens_per_s": 63 / 0.756,
            "inter_token_ns": 12e6,
            "p90_inter_token_ns": 12e6,
        }
    )


def test_the_first_token_is_no_part_of_the_decode_speed():
    slow_prefill = tokens(first_ms=9000, each_ms=12)

    assert generation_values(slow_prefill)[DECODE] == pytest.approx(1000 / 12)


def test_tails_are_of_the_times_between_tokens():
    stamps = [100, *(100 + 10 * i for i in range(1, 100)), 100 + 990 + 500]
    found = generation_values(GeneratedTokens(prompt_tokens=1, token_ns=tuple(stamps)))

    assert found["inter_token_ns"] == 10
    assert found["p99_inter_token_ns"] == pytest.approx(10 + 0.01 * 490)


def test_one_token_has_a_time_to_first_token_alone():
    found = generation_values(GeneratedTokens(prompt_tokens=4, token_ns=(2_000_000,)))

    assert found == {
        "time_to_first_token_ns": 2_000_000.0,
        "prefill_tokens_per_s": 2000.0,
    }


def test_a_program_without_stamps_keeps_what_it_prints_and_nothing_else():
    printed = GeneratedTokens(
        prompt_tokens=128, new_tokens=64, decode_tokens_per_s=21.5
    )

    assert generation_values(printed) == {DECODE: 21.5}


def test_more_tokens_per_second_are_an_improvement():
    found = verdicts(generated_run())

    (comparison,) = found.values()
    assert comparison.metric == DECODE
    assert comparison.verdict is Verdict.IMPROVEMENT
    assert comparison.candidate_over_baseline.point == pytest.approx(12 / 5, rel=0.02)


def test_fewer_tokens_per_second_are_a_regression_and_a_shorter_wait_is_better():
    run = generated_run(per_token_ms={"8da4w": 5.0, "float32": 12.0})
    gate = (DECODE, "time_to_first_token_ns")

    found = verdicts(run, gate=gate)

    assert {metric: c.verdict for (_, metric), c in found.items()} == dict.fromkeys(
        gate, Verdict.REGRESSION
    )


def test_equal_builds_are_no_change():
    run = generated_run(per_token_ms={"float32": 12.0, "again": 12.0})

    (comparison,) = verdicts(run).values()

    assert comparison.verdict is Verdict.NO_CHANGE


def test_each_depth_is_compared_with_the_baseline_of_the_same_depth():
    found = verdicts(generated_run(depths=(0, 1024)))

    assert {c.candidate: c.baseline for c in found.values()} == {
        "8da4w@d0": "float32@d0",
        "8da4w@d1024": "float32@d1024",
    }


def test_a_depth_without_a_measured_baseline_is_compared_with_no_other_one():
    run = generated_run(depths=(0, 1024))
    kept = tuple(x for x in run.launches if x.variant_id != "float32@d1024")

    found = verdicts(replace(run, launches=kept))

    assert {c.candidate for c in found.values()} <= {"8da4w@d0"}


def test_a_run_that_stopped_early_is_not_compared_with_a_longer_one():
    run = generated_run(made={"8da4w": 31})

    (withheld,) = verdicts(run).values()
    (anyway,) = verdicts(run, allow_mismatch=True).values()

    assert withheld.verdict is None
    (unlike,) = withheld.unlike
    assert (unlike.what, unlike.baseline, unlike.candidate) == (
        "tokens generated",
        "64",
        "31",
    )
    assert anyway.verdict is Verdict.IMPROVEMENT


def test_two_runs_of_other_prompts_are_not_compared_either():
    base = generated_run(per_token_ms={"float32": 12.0})
    longer = tuple(
        replace(
            launch,
            measurement=measured(
                replace(launch.measurement.generation, prompt_tokens=512)
            ),
        )
        for launch in base.launches
    )

    (found,) = (
        c
        for c in compare_runs(base, replace(base, launches=longer), gate=(DECODE,))
        if c.metric == DECODE
    )

    assert found.verdict is None
    assert [u.what for u in found.unlike] == ["prompt tokens"]


def test_a_decoder_measured_as_a_plain_forward_says_so():
    run = generated_run(per_token_ms={"float32": 12.0})
    forward = tuple(
        replace(
            launch,
            measurement=replace(
                launch.measurement, generation=None, latencies_ns=(12_000_000,) * 5
            ),
        )
        for launch in run.launches
    )

    (cell,) = summarize(replace(run, launches=forward)).cells

    assert Caveat.ONE_STEP_OF_A_GENERATOR in cell.caveats
    assert Caveat.ONE_STEP_OF_A_GENERATOR not in summarize(run).cells[0].caveats


def test_rates_by_the_programs_own_definition_are_marked():
    run = generated_run(per_token_ms={"float32": 12.0})
    theirs = GeneratedTokens(
        prompt_tokens=128,
        new_tokens=64,
        decode_tokens_per_s=80.0,
        rates_are_theirs=True,
    )
    launches = tuple(
        replace(launch, measurement=measured(theirs)) for launch in run.launches
    )

    (cell,) = summarize(replace(run, launches=launches)).cells

    assert Caveat.OTHER_DEFINITION in cell.caveats
    assert cell.estimates[DECODE].point == 80
    assert "time_to_first_token_ns" not in cell.estimates


def test_the_first_metric_of_a_generation_is_its_decode_speed():
    summary = summarize(generated_run())
    nothing = summarize(replace(generated_run(), launches=()))

    assert summary.metrics[0].name == DECODE
    assert "latency_ns" not in {metric.name for metric in summary.metrics}
    assert nothing.metrics[0].name == DECODE
