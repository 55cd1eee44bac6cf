"""Budgets of a suite: within, over, undecided, in every report and exit code."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET

import pytest
from msgspec.structs import replace

from pocketbench.bench.commands.show_reports import exit_code
from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.judge.budgets import judged_budgets
from pocketbench.bench.planning.budget_options import AskedBudget, parse_budget
from pocketbench.reports.formats import annotations, console, junit, markdown
from pocketbench.reports.formats import csv as csv_report
from pocketbench.reports.formats import json as json_report
from pocketbench.reports.formats.html import page
from pocketbench.reports.tables.budgets import budget_rows
from pocketbench.reports.view import View


@pytest.fixture
def with_budgets(tiny):
    def make(*asked):
        plan = replace(tiny.run.started.plan, budgets=tuple(map(parse_budget, asked)))
        run = replace(tiny.run, started=replace(tiny.run.started, plan=plan))
        return replace(tiny, run=run, budgets=judged_budgets(run, tiny.cells))

    return make


def on_pixel(at_most: str, **more: str) -> AskedBudget:
    """The float32 build on the Pixel 8 takes 20.0 ms [19.8, 20.2]."""
    return AskedBudget(
        **{
            "metric": "latency",
            "at_most": at_most,
            "device": "Pixel 8",
            "variant": "float32",
            **more,
        }
    )


@pytest.mark.parametrize(
    ("at_most", "verdict"),
    [("25 ms", "within"), ("19500 us", "over"), ("20.1 ms", "undecided")],
)
def test_the_whole_interval_decides(with_budgets, at_most, verdict):
    (judged,) = with_budgets(on_pixel(at_most)).budgets
    assert judged.verdict.value == verdict


def test_a_budget_is_about_every_configuration_that_it_names(with_budgets):
    everywhere = with_budgets(AskedBudget(metric="peak_memory", at_most="110 MiB"))
    assert [x.verdict.value for x in everywhere.budgets] == [
        "within", "within", "over", "within"
    ]  # fmt: skip
    nowhere = with_budgets(on_pixel("20 ms", device="Galaxy*"))
    assert [x.verdict.value for x in nowhere.budgets] == ["not_measured"]
    assert "Galaxy*" in console.render(View(nowhere))
    suite = ET.fromstring(junit.render(View(nowhere))).find(
        "testsuite[@name='budgets']"
    )
    assert (suite.get("tests"), suite.get("skipped")) == ("1", "1")
    assert "Galaxy*" in suite.find("testcase").get("classname")


def test_an_undecided_budget_is_called_so(with_budgets):
    (row,) = budget_rows(View(with_budgets(on_pixel("20.1 ms"))))
    assert row.line.startswith("○ median latency, budget undecided: 20.0 ms [19.8,")


def test_every_report_has_the_verdict_with_its_interval(with_budgets, small):
    summary = with_budgets(on_pixel("19.5 ms"))
    view = View(summary)
    line = (
        "▲ median latency over budget: 20.0 ms [19.8, 20.2], at most 19.5 ms "
        "(mobilenet_v2 float32 on Pixel 8 [SIMULATED])"
    )
    assert line[:70] in console.render(view)
    assert "| 19.5 ms | 20.0 ms [19.8, 20.2] | ▲ over |" in markdown.render(
        view
    ).replace("\\", "")
    assert 'data-budget="over"' in page.render(
        View(replace(small, budgets=summary.budgets))
    )
    assert json.loads(json_report.render(view))["budgets"][0]["verdict"] == "over"
    (row,) = [
        row
        for row in csv.DictReader(io.StringIO(csv_report.render(view)))
        if row["budget_verdict"]
    ]
    assert (row["metric"], row["budget_at_most"]) == ("latency_ns", "19500000.0")
    failure = ET.fromstring(junit.render(view)).find(".//failure")
    assert failure is not None
    assert failure.get("message") == line
    assert line[2:] in annotations.render(view)


def test_fail_on_budget_is_about_budgets_alone(with_budgets, capsys):
    assert exit_code(with_budgets(on_pixel("19.5 ms")), "budget") == 1
    assert exit_code(with_budgets(on_pixel("20.1 ms")), "budget") == 0
    assert exit_code(with_budgets(on_pixel("19.5 ms")), "never") == 0
    assert exit_code(with_budgets(), "budget") == 3
    assert "no budget is set" in capsys.readouterr().err


def test_what_is_no_budget_is_refused():
    with pytest.raises(UsageError, match="is no amount of median latency"):
        parse_budget(AskedBudget(metric="latency", at_most="20 MiB"))
    with pytest.raises(UsageError, match="more of it is better"):
        parse_budget(AskedBudget(metric="throughput", at_most="20 ms"))
    with pytest.raises(UnknownNameError, match="latency"):
        parse_budget(AskedBudget(metric="latenzy", at_most="20 ms"))


@pytest.mark.parametrize("name", ["p90", "p90_latency", "p90_latency_ns"])
def test_a_metric_has_the_same_names_everywhere(name):
    found = parse_budget(AskedBudget(metric=name, at_most="1.5 s"))
    assert (found.metric, found.at_most) == ("p90_latency_ns", 1.5e9)
