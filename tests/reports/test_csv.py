from __future__ import annotations

import csv
import io

from msgspec.structs import replace

from pocketbench.reports.formats import csv as report
from pocketbench.reports.view import View

EXPECTED = """\
20260302-091500-mobilenet_v2,simulated:pixel-8,Pixel 8,True,False,mobilenet_v2,\
int8-static,1,lite,latency_ns,ns,20200000.0,19998000.0,20402000.0,10,float32,1.01,\
0.98,1.04,0.001,0.002,inconclusive,1.84,1.8,1.88,3489500,0.0213,31.2,simulated,B,0,\
simulated,,,,,,,,,False,False,,,,,,,,,,,20000000.0,4f1c2d3e5a6b7c8d9e0f,
"""


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_a_cell_and_metric_unscaled(tiny):
    text = report.render(View(tiny))
    assert text.splitlines()[0] == ",".join(report.COLUMNS)
    assert len(text.splitlines()) == 1 + 4 * 2
    assert EXPECTED in text


def test_what_was_not_measured_is_empty_and_not_zero(tiny):
    baseline = rows(report.render(View(tiny)))[0]
    assert baseline["candidate_over_baseline"] == ""
    assert baseline["over_host"] == ""
    assert baseline["sqnr_db"] == ""


def test_every_estimate_of_a_run_is_there_exactly(full):
    by_cell = {
        (row["device"], row["model"], row["variant"], row["metric"]): row
        for row in rows(report.render(View(full)))
        if not row["operator"] and not row["fleet_devices"]
    }
    assert len(by_cell) == sum(len(cell.estimates) for cell in full.cells)
    for cell in full.cells:
        device = cell.device_id.replace("HT7A1X0042", "9f3c01ab")
        for name, estimate in cell.estimates.items():
            row = by_cell[device, cell.model, cell.variant_id, name]
            assert float(row["estimate"]) == estimate.point
            assert float(row["low_95"]) == estimate.low
            assert int(row["launches"]) == estimate.launches


def test_a_name_that_a_spreadsheet_would_run_is_quoted(tiny):
    devices = (
        replace(
            tiny.devices[0],
            device=replace(tiny.devices[0].device, name='=cmd|"/c calc"!A1'),
        ),
        tiny.devices[1],
    )
    row = rows(report.render(View(replace(tiny, devices=devices))))[0]
    assert row["device_name"] == '\'=cmd|"/c calc"!A1'


def test_a_run_without_cells_is_a_header(tiny):
    text = report.render(View(replace(tiny, cells=(), comparisons=())))
    assert text == ",".join(report.COLUMNS) + "\n"
