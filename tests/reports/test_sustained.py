"""What the reports say of launches that ran on for minutes."""

from __future__ import annotations

import json as stdlib_json
import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from pocketbench.reports.formats import console, csv, json, junit, markdown
from pocketbench.reports.formats.html import page as html
from pocketbench.reports.plots.style import Colour
from pocketbench.reports.plots.time_series import sustained_chart
from pocketbench.reports.view import View


def test_the_worst_is_the_sentence_and_no_verdict_is_claimed(long_run):
    text = " ".join(console.render(View(long_run)).split())

    assert text.startswith(
        "mobilenet_v2 float32 on Pixel 8 [SIMULATED] took 1.83 times as long at the "
        "end as at first: 12.2 ms, then 22.3 ms."
    )
    assert "kept its pace" in text
    assert "One process of 10 min per variant: no interval, so no verdict." in text


def test_the_terminal_shows_a_row_a_process_in_80_columns(long_run):
    lines = console.render(View(long_run)).splitlines()

    assert max(map(len, lines)) <= 80
    (row,) = (x for x in lines if x.startswith("int8-static") and "1.40" in x)
    assert re.fullmatch(
        r"int8-static +10.1 ms +14.2 ms +1.40 +from 3:00 +skin 28 to 42 C", row
    )


def test_the_page_has_a_chart_and_a_row_for_each(long_run):
    page = html.render(View(long_run))

    assert page.count('data-metric="last_over_first"') == 4
    assert page.count("<strong>Latency, clock and temperature over time") == 4
    assert "read each 5.0 s for 0.30 s beside it, latency 1.10 times meanwhile" in page
    assert "not read meanwhile" in page
    assert "One process of each variant for 600 s" in page


def test_the_comment_has_a_table_of_them(long_run):
    text = markdown.render(View(long_run))

    assert "| first minute | last minute | last ÷ first |" in text
    assert "| 12.2 ms | 22.3 ms | 1.83 | from 3:00 | skin 28 to 42 C | 10 min |" in text
    assert "blocks" not in text


def test_machines_get_the_time_series_unscaled(long_run):
    document = stdlib_json.loads(json.render(View(long_run)))

    assert document["cells"] == []
    assert document["comparisons"] == []
    assert len(document["sustained"]) == 4
    hot = document["sustained"][2]
    assert hot["last_ns"] / hot["first_ns"] == pytest.approx(22 / 12, rel=0.01)
    assert len(hot["slices"]) == 120
    assert len(hot["states"]) == 119
    msgspec.json.decode(json.render(View(long_run)).encode(), type=json.Document)


def test_a_spreadsheet_gets_their_medians_without_intervals(long_run):
    rows = [line.split(",") for line in csv.render(View(long_run)).splitlines()]
    at = rows[0].index

    ratios = [r for r in rows if r[at("metric")] == "sustained_last_over_first"]
    assert len(ratios) == 4
    for row in ratios:
        assert row[at("low_95")] == row[at("verdict")] == ""
        assert row[at("launches")] == "1"
    assert float(ratios[2][at("estimate")]) == pytest.approx(22 / 12, rel=0.01)


def test_ci_gets_no_case_for_them(long_run):
    root = ET.fromstring(junit.render(View(long_run)))

    assert root.get("tests") == "0"


def test_of_models_that_generate_it_is_tokens_per_second(long_run):
    hot = msgspec.structs.replace(long_run.sustained[2], is_generation=True)
    view = View(msgspec.structs.replace(long_run, sustained=(hot,)))

    text = " ".join(console.render(view).split())
    assert "took 1.83 times as long per token at the end as at first: 82.2 tok" in text
    assert "| 82.2 tokens/s | 44.8 tokens/s | 0.545 |" in markdown.render(view)
    page = html.render(view)
    assert "Decode speed, clock and temperature over time" in page
    assert "decode speed, tokens/s: median of each 5 s" in page
    assert "sustained_last_inter_token_ns" in csv.render(view)


def test_the_chart_has_three_panels_on_one_time(long_run):
    hot = long_run.sustained[2]
    colour = Colour("#0c0c01", "#0d0d01")

    drawn = sustained_chart(hot, colour, where="net", name="c")

    assert drawn == sustained_chart(hot, colour, where="net", name="c")
    for words in ("latency, ms", "clock of the busiest cores (8), GHz", "skin temp"):
        assert drawn.count(words) == 1
    assert drawn.count("minutes since the first timed iteration") == 1
    assert "throttles, it says" in drawn
    assert len(drawn) < 60_000


def test_a_device_that_reports_nothing_has_the_latency_panel_alone(long_run):
    silent = long_run.sustained[0]

    drawn = sustained_chart(silent, Colour("#0c0c01", "#0d0d01"), where="net", name="c")

    assert "latency, ms" in drawn
    assert "clock" not in drawn.partition("</desc>")[2]
    assert "temperature" not in drawn.partition("</desc>")[2]


def test_one_that_was_stopped_says_so(long_run):
    stopped = msgspec.structs.replace(long_run.sustained[0], was_stopped=True)
    summary = msgspec.structs.replace(long_run, sustained=(stopped,))

    assert "stopped before its 10 min were over" in html.render(View(summary))
    assert "10 min, stopped" in markdown.render(View(summary))


def test_a_caveat_of_theirs_is_a_doubt(long_run):
    from pocketbench.bench.records.caveat import Caveat

    doubted = msgspec.structs.replace(
        long_run.sustained[2], caveats=(Caveat.THERMAL_UNSETTLED,)
    )
    summary = msgspec.structs.replace(long_run, sustained=(doubted,))

    assert (
        Caveat.THERMAL_UNSETTLED.wording.fact in console.render(View(summary)).lower()
    )
