"""What the devices answered, in every report."""

import csv
import io
import xml.etree.ElementTree as ET

import pytest
from msgspec.structs import replace

from pocketbench.bench.judge.outputs import JudgedOutputs, Proportion, TensorFigures
from pocketbench.bench.records.output_check import OutputCheckMissing, OutputChecks
from pocketbench.reports.formats import console_details, json, junit, markdown
from pocketbench.reports.formats import csv as csv_report
from pocketbench.reports.formats.html import page as html
from pocketbench.reports.tables.outputs import output_rows
from pocketbench.reports.view import View

ANSWERS = JudgedOutputs(
    device_id="simulated:pixel-8",
    model="mobilenet_v2",
    variant_id="int8-static",
    reference="the float32 model",
    input_count=360,
    tensors=(
        TensorFigures(
            name="float32 [1, 10]",
            max_abs=0.848,
            sqnr_db=35.71,
            cosine=0.999869,
            top1_agreement=359 / 360,
            not_finite_count=0,
        ),
    ),
    accuracy=Proportion(point=357 / 360, low=0.9758, high=0.9972, count=360),
    reference_accuracy=Proportion(point=358 / 360, low=0.98, high=0.998, count=360),
    missed=("SQNR 35.7 dB is below 40 dB",),
)
MISSING = OutputCheckMissing(
    device_id="host",
    model="mobilenet_v2",
    variant_id="int8-static",
    artifact_sha256="0" * 64,
    started_at="2026-01-01T00:00:00.000+00:00",
    fact="speed_benchmark_torch does not report what a model answers",
    remedy="Measure with pocketbench's own runner",
)


def with_checks(summary):
    """One variant's answers checked and another's not."""
    started = summary.run.started
    plan = replace(started.plan, outputs=OutputChecks(min_sqnr_db=40))
    run = replace(summary.run, started=replace(started, plan=plan))
    cell = next(x for x in summary.cells if x.variant_id == "int8-static")
    answers = replace(ANSWERS, device_id=cell.device_id, model=cell.model)
    return replace(summary, run=run, outputs=(answers,), unchecked=(MISSING,))


@pytest.fixture
def checked(small):
    return with_checks(small)


@pytest.mark.parametrize("report", [console_details, html, markdown])
def test_figures_accuracy_and_what_is_missed_are_reported(checked, report):
    words = " ".join(report.render(View(checked)).replace("\\", "").split())
    for reported in (
        "Output accuracy",
        "35.7",
        "0.848",
        "99.7 %",
        "99.2 % [97.6, 99.7] of 360",
        "SQNR 35.7 dB is below 40 dB",
        "does not report what a model answers",
    ):
        assert reported in words, reported


@pytest.mark.parametrize("report", [console_details, html, markdown])
def test_one_reason_for_eleven_builds_on_two_devices_is_said_once(small, report):
    devices = [ready.device.id for ready in small.devices]
    missing = tuple(
        replace(MISSING, device_id=devices[n % 2], variant_id=f"build-{n}")
        for n in range(11)
    )
    text = report.render(View(replace(with_checks(small), unchecked=missing)))
    read = text.partition("<script")[0].replace("\\", "")
    words = " ".join(read.split())
    assert words.count("Not checked") == 1
    assert words.count("does not report what a model answers") == 1
    assert "build-2; 8 more: speed_benchmark_torch" in words


@pytest.mark.parametrize("report", [console_details, html, markdown])
def test_without_a_check_nothing_is_said_of_answers(small, report):
    assert "still right" not in report.render(View(small))


def test_for_machines_they_are_unscaled(checked):
    (row,) = [
        x
        for x in csv.DictReader(io.StringIO(csv_report.render(View(checked))))
        if x["metric"] == "latency_ns" and x["accuracy"]
    ]
    assert float(row["accuracy"]) == 357 / 360
    assert (row["accuracy_inputs"], row["device_sqnr_db"]) == ("360", "35.71")
    assert '"min_sqnr_db"' not in json.render(View(checked))
    assert '"top1_agreement": 0.9972' in json.render(View(checked))


def test_a_limit_that_is_missed_is_a_failed_test_case(checked):
    root = ET.fromstring(junit.render(View(checked)))
    case = root.find(".//testcase[@name='int8-static: answers']")
    assert case.find("failure").get("message") == "SQNR 35.7 dB is below 40 dB"


@pytest.mark.parametrize(("not_finite_count", "text"), [(0, "identical"), (1, "-")])
def test_outputs_are_identical_only_where_every_value_is(
    checked, not_finite_count, text
):
    figures = replace(
        ANSWERS.tensors[0],
        max_abs=0.0,
        sqnr_db=None,
        not_finite_count=not_finite_count,
    )
    (outputs,) = checked.outputs
    summary = replace(checked, outputs=(replace(outputs, tensors=(figures,)),))
    (row,) = output_rows(View(summary))
    assert row.texts[0] == text
