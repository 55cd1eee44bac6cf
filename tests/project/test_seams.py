"""What grows is a table: a metric and a report format made outside of pocketbench."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pocketbench.bench.records.families import FAMILIES
from pocketbench.bench.registry import DEVICES
from tests.main_job.test_old_records import RUN

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def other_package(tmp_path):
    """Write a package of somebody else that is installed with entry points."""

    def install(source: str, entry_points: str) -> dict[str, str]:
        (tmp_path / "shout.py").write_text(source)
        installed = tmp_path / "shout-1.0.dist-info"
        installed.mkdir(exist_ok=True)
        (installed / "METADATA").write_text("Name: shout\nVersion: 1.0\n")
        (installed / "entry_points.txt").write_text(entry_points)
        return {**os.environ, "PYTHONPATH": str(tmp_path)}

    return install


def run(argv, env):
    return subprocess.run(
        [sys.executable, *argv], env=env, capture_output=True, text=True, check=False
    )


def test_a_report_format_of_another_package_is_found_by_its_entry_point(other_package):
    env = other_package(
        "def render(view):\n"
        "    return ' '.join(c.variant_id.upper() for c in view.summary.cells)\n",
        "[pocketbench.reports]\nshout = shout:render\n",
    )

    done = run(
        ["-m", "pocketbench", "report", str(RUN), "--format", "shout", "-o", "-"], env
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["FLOAT32", "INT8-DYNAMIC"] * 2


METRIC = """
import statistics
from pocketbench.bench.records.metrics import Metric, OutsideMetric

median_rate = OutsideMetric(
    Metric(
        name="median_rate_per_s", word="median_rate", title="median rate", unit="per_s",
        better="{better}", of_launch="1 / median of the main iterations",
    ),
    lambda measured: 1e9 / statistics.median(measured.latencies_ns),
)
"""

COMPARE = """
from pathlib import Path
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.records.metrics import parse_gates

summary = summarize(read_run(Path({run!r})), gate=parse_gates(["median_rate"]))
for c in summary.comparisons:
    if c.metric == "median_rate_per_s" and c.kind == "variant":
        print(c.candidate_over_baseline.point > 1, c.verdict.value)
"""


@pytest.mark.parametrize(
    ("better", "verdict"), [("higher", "regression"), ("lower", "improvement")]
)
def test_a_metric_of_another_package_is_judged_the_way_it_is_better(
    other_package, better, verdict
):
    env = other_package(
        METRIC.format(better=better),
        "[pocketbench.metrics]\nmedian_rate = shout:median_rate\n",
    )

    done = run(["-c", COMPARE.format(run=str(RUN))], env)

    assert done.returncode == 0, done.stderr
    found = {tuple(line.split()) for line in done.stdout.splitlines()}
    assert ("False", verdict) in found
    assert found <= {("False", verdict), ("False", "inconclusive")}


def test_a_metric_that_cannot_be_loaded_names_its_package(other_package):
    env = other_package(
        "import nothing_of_that_name",
        "[pocketbench.metrics]\nmedian_rate = shout:median_rate\n",
    )

    done = run(["-m", "pocketbench", "report", str(RUN)], env)

    assert done.returncode == 2
    assert "metric median_rate of another package: shout:median_rate" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_device_family_has_its_driver_and_its_traits():
    assert list(FAMILIES) == list(DEVICES)


FAMILY_TABLES = {
    "bench/registry.py": "the drivers",
    "bench/records/families.py": "the traits",
    "bench/commands/simulate.py": "a simulated phone's root: Android's, the host's",
}
"""Who names device families, and why; everybody else asks for traits."""


def family_names(source):
    """Where a family is named in code: as a selector, listed alone, or compared."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(text)) if re.fullmatch(
                r"(android|ios|ios-simulator)(:.*)?|(host|simulated):.*", text
            ):
                yield node.lineno
            case (
                ast.List(elts=[ast.Constant(value=first)])
                | ast.Tuple(elts=[ast.Constant(value=first)])
            ) if first in FAMILIES:
                yield node.lineno
            case ast.Compare(left=left, comparators=[ast.Constant(value=right)]) if (
                # The kinds of comparison: with another variant, with the host.
                right in FAMILIES and getattr(left, "attr", None) != "kind"
            ):
                yield node.lineno


@pytest.mark.parametrize(
    "source",
    [
        'if info.family == "ios-simulator": ...',
        'select(["host"])',
        'default=("host",)',
        'id.startswith("simulated:")',
        'f"android:{serial}"',
        'each != "host"',
    ],
)
def test_a_family_that_is_named_is_found(source):
    assert list(family_names(source))


@pytest.mark.parametrize("room", ["bench", "reports"])
def test_no_core_file_names_a_device_family(room):
    found = [
        f"{name}:{line}"
        for path in sorted((REPOSITORY / room).rglob("*.py"))
        if (name := path.relative_to(REPOSITORY).as_posix()) not in FAMILY_TABLES
        for line in family_names(path.read_text("utf-8"))
    ]

    assert found == []


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
