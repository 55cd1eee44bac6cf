"""What grows is a table: a metric and a report format made outside of pocketbench."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from pocketbench.bench.judge import metrics as values
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.measure.store import read_run
from pocketbench.bench.records import metrics
from pocketbench.bench.records.families import FAMILIES
from pocketbench.bench.records.metrics import Metric
from pocketbench.bench.registry import DEVICES
from tests.main_job.test_old_records import RUN

REPOSITORY = Path(__file__).parents[2]


def test_a_report_format_of_another_package_is_found_by_its_entry_point(tmp_path):
    (tmp_path / "shout.py").write_text(
        "def render(view):\n"
        "    return ' '.join(c.variant_id.upper() for c in view.summary.cells)\n"
    )
    installed = tmp_path / "shout-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Name: shout\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(
        "[pocketbench.reports]\nshout = shout:render\n"
    )

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pocketbench", "report", str(RUN)),
            *("--format", "shout", "-o", "-"),
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["FLOAT32", "INT8-DYNAMIC"] * 2


def test_a_metric_is_one_row_and_one_value(monkeypatch):
    spread = Metric(
        name="spread_ns",
        word="spread",
        title="spread",
        unit="ns",
        better="lower",
        of_launch="slowest minus fastest main iteration",
    )
    table = (*metrics.METRICS, spread)
    for module in (metrics, sys.modules["pocketbench.bench.judge.summarize"],
                   sys.modules["pocketbench.bench.judge.cells"]):  # fmt: skip
        if hasattr(module, "METRICS"):
            monkeypatch.setattr(module, "METRICS", table)
    monkeypatch.setitem(
        values.VALUES,
        "spread_ns",
        lambda m: float(max(m.latencies_ns) - min(m.latencies_ns)),
    )

    summary = summarize(read_run(RUN), gate=("spread_ns",))

    for cell in summary.cells:
        assert cell.estimates["spread_ns"].point > 0
    judged = [c for c in summary.comparisons if c.metric == "spread_ns"]
    assert {c.verdict is not None for c in judged if c.kind == "variant"} == {True}


def test_a_metric_whose_larger_values_are_better_is_worded_so():
    throughput = next(m for m in metrics.METRICS if m.name == "throughput_per_s")
    assert throughput.better == "higher"
    assert replace(throughput, better="lower") != throughput


def test_every_device_family_has_its_driver_and_its_traits():
    assert list(FAMILIES) == list(DEVICES)


@pytest.mark.parametrize("room", ["bench", "reports"])
def test_no_core_file_compares_a_device_family_by_name(room):
    compared = re.compile(
        r"family\b[^\n]{0,20}(==|!=|\bin\b|startswith\()[^\n]{0,3}"
        r"[\"'](android|ios|simulated)"
    )
    files = sorted((REPOSITORY / room).rglob("*.py"))

    assert compared.search('if info.family == "ios-simulator":')
    assert [x.name for x in files if compared.search(x.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "document",
    [
        *("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"),
        *(f"docs/{path.name}" for path in sorted((REPOSITORY / "docs").glob("*.md"))),
    ],
)
def test_every_file_that_a_document_names_is_there(document):
    text = (REPOSITORY / document).read_text("utf-8")
    rooms = "bench|devices|android_runner|ios_runner|reports|tests|self_benchmarks|docs"
    named = set(re.findall(rf"`((?:{rooms})/[\w./-]+)`", text))

    assert [name for name in named if not (REPOSITORY / name).exists()] == []
