"""A stored run of what XCTest measured."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pocketbench.bench.commands.ingest import ingest as command
from pocketbench.bench.errors import UsageError
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.ios_runner.ingest import ingest
from tests.ios_runner.test_xctest import TEST, line

NOW = "2026-01-01T00:00:00.000+00:00"
LOAD = TEST.replace("forward", "load")


@pytest.fixture
def log(tmp_path):
    def write(name, *lines):
        path = tmp_path / name
        path.write_text("".join(lines))
        return path

    return write


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "mv3_xnnpack.pte"
    path.write_bytes(b"a program")
    return path


def test_each_file_is_one_launch_with_every_sample(log, model, tmp_path):
    memory = line([100.0, 120.0], metric="Memory Peak Physical, kB")
    files = [
        log("1.log", line([0.02], test=LOAD), line([0.004, 0.005]), memory),
        log("2.log", line([0.006]), line([0.007])),
    ]

    done = CliRunner().invoke(
        command,
        [*map(str, files), "--model", str(model), "--runs", str(tmp_path / "runs")],
    )

    assert done.exit_code == 0, done.output
    (folder,) = (tmp_path / "runs").iterdir()
    run = read_run(folder)
    first, second = run.launches
    assert first.measurement.latencies_ns == (4_000_000, 5_000_000)
    assert first.measurement.load_ns == 20_000_000
    assert first.measurement.memory.peak_rss_bytes == 120_000
    assert second.measurement.latencies_ns == (6_000_000, 7_000_000)
    assert second.measurement.load_ns is None
    assert second.wall_ns is None
    assert run.outcome == "finished"
    (ready,) = run.devices
    assert (ready.device.model, ready.device.os_version) == ("iPhone15,4", "18.0")
    (artifact,) = run.artifacts
    assert artifact.size_bytes == len(b"a program")
    (cell,) = summarize(run).cells
    assert len(cell.launches) == 2


def test_a_model_that_was_not_given_is_named(log, tmp_path):
    other = tmp_path / "other.pte"
    other.write_bytes(b"x")

    with pytest.raises(UsageError, match="mv3_xnnpack"):
        ingest([log("1.log", line([0.1]))], [other], device_name=None, now=NOW)


def test_a_device_that_no_file_reports_must_be_named(log, tmp_path):
    model = tmp_path / "Speed.pte"
    model.write_bytes(b"x")
    file = log("1.log", line([0.1], test="-[Tests testSpeed]"))

    with pytest.raises(UsageError, match="--device-name"):
        ingest([file], [model], device_name=None, now=NOW)

    _, records = ingest([file], [model], device_name="iPhone 15", now=NOW)
    assert records[1].device.name == "iPhone 15"
