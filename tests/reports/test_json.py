from __future__ import annotations

import json
from pathlib import Path

import msgspec

from pocketbench.reports.formats import json as report
from pocketbench.reports.view import View

REPOSITORY = Path(__file__).parents[2]


def test_the_document_reads_back_as_its_own_types(full):
    document = msgspec.json.decode(report.render(View(full)), type=report.Document)
    assert len(document.cells) == 17
    assert document.cells_wanted == 18
    assert document.cells[0].estimates == full.cells[0].estimates
    assert document.cells[0].launches == full.cells[0].launches
    assert len(document.comparisons) == len(full.comparisons)
    assert document.verdicts.improvement >= 6
    assert document.details[0].startswith("int8-static is 2.1x")


def test_figures_are_unscaled_and_simulated_devices_say_so(tiny):
    document = json.loads(report.render(View(tiny)))
    cell = document["cells"][3]
    assert cell["estimates"]["latency_ns"]["point"] == 20_200_000
    assert cell["caveats"] == ["simulated"]
    assert [device["is_simulated"] for device in document["devices"]] == [False, True]
    assert document["verdicts"] == {
        "regression": 1,
        "improvement": 0,
        "no_change": 0,
        "inconclusive": 1,
    }


def test_no_serial_number_leaves_the_computer(full):
    assert "HT7A1X0042" not in report.render(View(full))
    assert "android:9f3c01ab" in report.render(View(full))


def test_equal_summaries_give_equal_bytes(full):
    assert report.render(View(full)) == report.render(View(full))
