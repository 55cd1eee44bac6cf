"""Limits on a device's answers, and accuracy with its interval."""

import pytest
from msgspec.structs import replace

from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.output_check import (
    OutputCheck,
    OutputCheckMissing,
    OutputChecks,
    TensorDifference,
)
from pocketbench.bench.records.run import Run


@pytest.fixture
def run_with(records):
    def make(*checks, limits=None):
        plan = replace(records.plan(), outputs=limits or OutputChecks())
        return Run(
            folder="/r", started=records.started(plan), output_checks=tuple(checks)
        )

    return make


def check(variant="float32", *, noise=0.01, agreeing=9, **more):
    tensor = TensorDifference(
        spec=TensorSpec(shape=(1, 10)),
        max_abs=0.1,
        reference_power=100.0,
        answer_power=100.0,
        error_power=noise,
        product=99.0,
        row_count=10,
        agreeing_count=agreeing,
    )
    facts = {
        "device_id": "host",
        "model": "net",
        "variant_id": variant,
        "artifact_sha256": "0" * 64,
        "runner": "lite",
        "started_at": "2026-01-01T00:00:00.000+00:00",
        "reference": "the float32 model",
        "input_count": 10,
        "answers_sha256": "0" * 64,
        "tensors": (tensor,),
    }
    return OutputCheck(**(facts | more))


def test_accuracy_comes_with_wilsons_interval(run_with):
    # (x + z^2 / 2 +- z sqrt(x (n - x) / n + z^2 / 4)) / (n + z^2), z = 1.959964
    reported = check(label_count=360, correct_count=357, reference_correct_count=360)
    (judged,) = summarize(run_with(reported)).outputs
    assert judged.accuracy.count == 360
    assert judged.accuracy.point == pytest.approx(0.9916667)
    assert judged.accuracy.low == pytest.approx(0.9757893, abs=1e-7)
    assert judged.accuracy.high == pytest.approx(0.9971619, abs=1e-7)
    assert judged.reference_accuracy.high == 1


def test_without_labels_there_is_no_accuracy(run_with):
    (judged,) = summarize(run_with(check())).outputs
    assert judged.accuracy is None
    assert judged.tensors[0].sqnr_db == pytest.approx(40)
    assert judged.tensors[0].top1_agreement == 0.9


def test_without_limits_nothing_is_missed(run_with):
    (judged,) = summarize(run_with(check(noise=1e9))).outputs
    assert judged.missed == ()


@pytest.mark.parametrize(
    ("limits", "more", "words"),
    [
        ({"min_sqnr_db": 40.1}, {}, "SQNR 40.0 dB is below 40.1 dB"),
        ({"min_top1_agreement": 0.95}, {}, "top-1 agreement 0.9 is below 0.95"),
        ({"min_accuracy": 0.9}, {}, "no accuracy"),
        (
            {"min_accuracy": 0.9},
            {"label_count": 10, "correct_count": 8, "reference_correct_count": 9},
            "accuracy 0.8 is below 0.9",
        ),
    ],
)
def test_a_limit_that_is_missed_says_by_what(run_with, limits, more, words):
    run = run_with(check(**more), limits=OutputChecks(**limits))
    (judged,) = summarize(run).outputs
    assert words in judged.missed[0]


@pytest.mark.parametrize(
    ("limits", "noise"),
    [({"min_sqnr_db": 39.9}, 0.01), ({"min_sqnr_db": 300}, 0.0)],
)
def test_a_limit_that_is_kept_and_one_that_nothing_differs_from(
    run_with, limits, noise
):
    run = run_with(check(noise=noise), limits=OutputChecks(**limits))
    assert summarize(run).outputs[0].missed == ()


def test_answers_without_scores_cannot_keep_a_limit_on_agreement(run_with):
    reported = check()
    bare = replace(reported.tensors[0], row_count=None, agreeing_count=None)
    run = run_with(
        replace(reported, tensors=(bare,)), limits=OutputChecks(min_top1_agreement=0.5)
    )
    assert "no scores" in summarize(run).outputs[0].missed[0]


def test_values_that_are_not_finite_miss_every_limit(run_with):
    reported = check()
    broken = replace(reported.tensors[0], not_finite_count=3)
    run = run_with(
        replace(reported, tensors=(broken,)), limits=OutputChecks(min_sqnr_db=1)
    )
    assert summarize(run).outputs[0].missed == ("3 values are not finite",)


def test_checks_come_in_the_plans_order_and_what_was_not_checked_apart(run_with):
    missing = OutputCheckMissing(
        device_id="host",
        model="net",
        variant_id="int8-dynamic",
        artifact_sha256="0" * 64,
        started_at="2026-01-01T00:00:00.000+00:00",
        fact="cannot",
        remedy="Do",
    )
    summary = summarize(run_with(check("int8-static"), missing, check("float32")))
    assert [x.variant_id for x in summary.outputs] == ["float32", "int8-static"]
    assert summary.unchecked == (missing,)
