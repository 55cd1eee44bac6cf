"""Every format of `compare A B`: both figures, ratio, verdict, device and commits."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import xml.etree.ElementTree as ET

import pytest

from pocketbench.bench.commands.write_reports import Reports
from pocketbench.bench.judge.summary import Comparison, Summary
from pocketbench.reports.text.phrases import before_after, ratio_text
from pocketbench.reports.view import View
from tests.reports.two_runs import of_two_runs

BEFORE, AFTER = "0a1b2c3d4e", "4f1c2d3e5a"
"""The commits of the fixtures, as they are shown to people."""
THIS_COMPUTER = "this computer (Ryzen 7)"


@pytest.fixture
def compared(small: Summary) -> Summary:
    """Two runs of one variant: the later one is 2.1x faster on this computer."""
    return of_two_runs(small)


@pytest.fixture
def comparison(compared: Summary) -> Comparison:
    """What the formats are to show."""
    (found,) = [
        x for x in View(compared).judged if (x.device_id, x.kind) == ("host", "run")
    ]
    return found


def in_html(text: str) -> str:
    page = text.partition('<script type="application/json"')[0]
    (row,) = re.findall(
        r'<tr data-device="host"[^>]*data-verdict="improvement">.*?</tr>',
        page,
        re.DOTALL,
    )
    (lead,) = re.findall(r'<p class="detail">Baseline.*', page)
    return html.unescape(re.sub("<[^>]+>", " ", f"{row} {lead}"))


def in_markdown(text: str) -> str:
    lines = text.replace("\\", "").splitlines()
    return "\n".join(
        x for x in lines if x.startswith((f"| {THIS_COMPUTER} | mobile", "Baseline"))
    )


def in_junit(text: str) -> str:
    (case,) = [
        x for x in ET.fromstring(text).iter("testcase") if "Ryzen" in x.get("classname")
    ]
    comment = text.partition("<!--")[2].partition("-->")[0]
    return f"{case.get('classname')} {case.findtext('system-out')} {comment}"


@pytest.mark.parametrize(
    ("report", "part"),
    [
        ("html", in_html),
        ("markdown", in_markdown),
        ("junit", in_junit),
        ("console", str),
    ],
)
def test_people_read_both_figures_ratio_verdict_device_and_commits(
    compared, comparison, report, part
):
    text = " ".join(part(Reports(compared).text(report)).split())

    view = View(compared)
    figures = before_after(view.primary, *view.sides(comparison))
    assert re.fullmatch(r"14\.\d → 6\.\d+ ms", figures)
    ratio = ratio_text(comparison.candidate_over_baseline)
    for words in (figures, ratio, "▼ improvement", THIS_COMPUTER, BEFORE, AFTER):
        assert words in text


def of_json(text: str) -> dict[str, object]:
    found = json.loads(text)
    where = {"device_id": "host", "model": "mobilenet_v2"}
    (judged,) = [
        x for x in found["comparisons"] if x["verdict"] and where.items() <= x.items()
    ]
    (cell,) = [
        x
        for x in found["cells"]
        if {**where, "variant_id": judged["candidate"]}.items() <= x.items()
    ]
    (device,) = [x for x in found["devices"] if x["id"] == "host"]
    return {
        "before": judged["before"]["point"],
        "after": cell["estimates"]["latency_ns"]["point"],
        "ratio": judged["candidate_over_baseline"]["point"],
        "verdict": judged["verdict"],
        "device": device["name"],
        "runs": (found["compared_with"]["run"], found["run"]["id"]),
        "commits": (found["compared_with"]["commit"], found["run"]["commit"]),
    }


def of_csv(text: str) -> dict[str, object]:
    (row,) = [
        x
        for x in csv.DictReader(io.StringIO(text))
        if x["device"] == "host" and x["verdict"]
    ]
    return {
        "before": float(row["before"]),
        "after": float(row["estimate"]),
        "ratio": float(row["candidate_over_baseline"]),
        "verdict": row["verdict"],
        "device": row["device_name"],
        "runs": (row["baseline"], row["run"]),
        "commits": (row["baseline_commit"], row["commit"]),
    }


@pytest.mark.parametrize(("report", "facts"), [("json", of_json), ("csv", of_csv)])
def test_machines_read_the_same_unscaled(compared, comparison, report, facts):
    before, after = View(compared).sides(comparison)

    assert facts(Reports(compared).text(report)) == {
        "before": before.point,
        "after": after.point,
        "ratio": comparison.candidate_over_baseline.point,
        "verdict": "improvement",
        "device": THIS_COMPUTER,
        "runs": ("before-it", "20260302-091500-mobilenet_v2"),
        "commits": ("0a1b2c3d4e5f60718293", "4f1c2d3e5a6b7c8d9e0f"),
    }


def test_the_charts_axis_names_the_earlier_run_as_the_table_does(compared):
    reports = Reports(compared)

    for report in ("html", "svg"):
        assert f"candidate ÷ {BEFORE}, log scale" in reports.text(report)


def test_a_run_of_its_own_is_compared_with_no_other(small):
    reports = Reports(small)
    rows = list(csv.DictReader(io.StringIO(reports.text("csv"))))

    assert json.loads(reports.text("json"))["compared_with"] is None
    assert {row["baseline_commit"] for row in rows} == {""}
    assert any(row["before"] for row in rows)
