"""docs/python.md as a user would type it, and what importing costs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pocketbench
from tests.main_job.test_old_records import OLD, RUN

DOCS = Path(__file__).parents[2] / "docs" / "python.md"
NETS = """
import torch


def small():
    layers = torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(784, 4)
    return torch.nn.Sequential(*layers), torch.rand(1, 3, 16, 16)
"""


@pytest.mark.slow
@pytest.mark.needs("compiler")
def test_every_block_of_the_documentation_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "typed.py").write_text("\n".join(blocks))

    done = subprocess.run(
        [sys.executable, "typed.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "small float32 host" in done.stdout
    assert "int8-dynamic" in done.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "report.html").exists()


@pytest.fixture
def run():
    return pocketbench.load(RUN)


def test_a_stored_run_has_launches_cells_comparisons_and_failures(run):
    assert len(run.launches) == 12
    assert run.failures == ()
    assert {cell.variant_id for cell in run.cells()} == {"float32", "int8-dynamic"}
    assert {c.kind for c in run.comparisons()} == {"variant", "host"}
    assert "12 launches" in repr(run)
    assert pocketbench.load(RUN.name, runs_folder=OLD / "runs").launches == run.launches


def test_the_table_has_a_row_per_launch_in_seconds_and_bytes(run):
    table = run.to_dataframe()

    assert len(table) == 12
    host = table[(table.device_id == "host") & (table.variant == "float32")]
    first = run.launches[0].measurement
    assert host.latency_s.between(1e-6, 1e-3).all()
    assert set(table.load_s) >= {first.load_ns / 1e9}
    assert (table.peak_rss_bytes > 1e8).all()
    assert table.counts.all()


def test_a_notebook_shows_the_chart_and_the_table(run):
    html = run._repr_html_()

    assert "<svg" in html
    assert "int8-dynamic" in html
    assert "<script" not in html


def test_two_runs_are_compared_without_a_claim_about_drift(run):
    change = pocketbench.compare(run, run)

    assert {c.kind for c in change.comparisons()} == {"run"}
    assert not any(c.drift_controlled for c in change.comparisons())


def test_importing_it_loads_nothing_heavy():
    code = (
        "import sys, pocketbench\n"
        "pocketbench.RunOptions(models=('digits',))\n"
        "print(sorted({m.split('.')[0] for m in sys.modules}))\n"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    for name in ("torch", "matplotlib", "pandas", "scipy", "numpy", "adbutils", "rich"):
        assert f"'{name}'" not in loaded


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        pocketbench.lode  # noqa: B018


def test_the_public_names_are_these():
    assert sorted(pocketbench.__all__) == [
        "PocketbenchError", "RunOptions", "StoredRun", "compare", "load", "run",
    ]  # fmt: skip
