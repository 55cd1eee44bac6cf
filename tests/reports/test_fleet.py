"""What holds over the phones of a run, in every report."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET

import pytest
from msgspec.structs import replace

from pocketbench.bench.judge.summary import Estimate, FleetComparison, Verdict
from pocketbench.reports.formats import annotations, console_details, junit, markdown
from pocketbench.reports.formats import csv as csv_report
from pocketbench.reports.formats import json as json_report
from pocketbench.reports.formats.html import page
from pocketbench.reports.view import View

LATENCY = FleetComparison(
    tag=None,
    device_ids=tuple(f"android:{n}" for n in range(8)),
    model="mobilenet_v2",
    metric="latency_ns",
    baseline="float32",
    candidate="int8-static",
    candidate_over_baseline=Estimate(point=1.031, low=1.022, high=1.04, launches=80),
    between_devices=0.004,
    i_squared=0.12,
    p_value=0.0001,
    q_value=0.0002,
    verdict=Verdict.REGRESSION,
    min_effect=0.02,
    no_change_low=1.024,
    no_change_high=1.038,
)
SIMULATED = replace(
    LATENCY,
    tag="SIMULATED",
    device_ids=("simulated:a", "simulated:b", "simulated:c"),
    candidate_over_baseline=Estimate(point=1.0, low=0.9, high=1.11, launches=30),
    between_devices=0.043,
    i_squared=0.88,
    verdict=Verdict.INCONCLUSIVE,
)


@pytest.fixture
def summary(tiny):
    return replace(tiny, fleet=(LATENCY, SIMULATED))


OVER_PHONES = (
    "Over 8 phones int8-static is 3 % slower than float32, ratio 1.03 [1.02, 1.04] "
    "(phones agree, I² 12 %)."
)
OVER_SIMULATED = (
    "Over 3 simulated phones int8-static vs float32 is inconclusive, ratio 1.00 "
    "[0.900, 1.11] (phones differ, by about 4.3 %, I² 88 %)."
)


def test_the_headline_says_it_beside_the_phones_own_verdicts(summary):
    text = " ".join(console_details.render(View(summary)).split())

    assert OVER_PHONES in text
    assert OVER_SIMULATED in text


def test_markdown_has_it_above_the_fold(summary):
    text = markdown.render(View(summary)).replace("\\", "")

    shown = text.partition("<details>")[0]
    assert OVER_PHONES in shown
    row = "| 8 phones | mobilenet_v2 | int8-static vs float32 | median latency |"
    assert f"{row} 3 % slower: 1.03 [1.02, 1.04] | ▲ slower |" in shown


def test_the_page_has_a_table_of_it(small):
    text = page.render(View(replace(small, fleet=(LATENCY, SIMULATED))))

    table = text.partition('id="fleet-table"')[2].partition("</table>")[0]
    assert table.count("<tr data-model=") == 2
    assert '<th scope="row">8 phones</th>' in table
    assert '<th scope="row">3 simulated phones</th>' in table
    assert "Paule and Mandel" in text


def test_json_has_all_of_it(summary):
    found = json.loads(json_report.render(View(summary)))["fleet"]

    assert [x["tag"] for x in found] == [None, "SIMULATED"]
    assert (found[0]["verdict"], found[0]["i_squared"]) == ("regression", 0.12)
    assert len(found[0]["device_ids"]) == 8


def test_csv_has_a_row_of_no_device_for_each(summary):
    rows = [
        row
        for row in csv.DictReader(io.StringIO(csv_report.render(View(summary))))
        if row["fleet_devices"]
    ]

    assert [row["device"] for row in rows] == ["", ""]
    assert [row["device_name"] for row in rows] == ["8 phones", "3 simulated phones"]
    assert [row["is_simulated"] for row in rows] == ["False", "True"]
    assert rows[0]["candidate_over_baseline"] == "1.031"
    assert rows[0]["verdict"] == "regression"


def test_junit_fails_slower_phones_where_that_was_asked(summary):
    view = View(summary, fails_slower=True)
    cases = {
        case.get("classname"): case
        for case in ET.fromstring(junit.render(view)).iter("testcase")
    }

    assert cases["mobilenet_v2.over 8 phones"].find("failure") is not None
    assert cases["mobilenet_v2.over 3 simulated phones"].find("skipped") is not None


def test_github_is_warned_of_slower_phones_where_that_was_asked(summary):
    lines = annotations.render(View(summary, fails_slower=True)).splitlines()

    assert "over 8 phones" in lines[0]
    assert not any("simulated phones" in line for line in lines)


def test_without_enough_phones_nothing_is_said_of_them(small):
    assert "Phones in general" not in page.render(View(small))
    assert "Over " not in console_details.render(View(small))
