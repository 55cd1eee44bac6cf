"""Launches that go on for a stated time, by our own programs on this computer."""

from __future__ import annotations

import itertools
import signal
import subprocess
import time
from pathlib import Path

import pytest

from pocketbench.android_runner.build.build import build_for_this_computer
from pocketbench.android_runner.own import NullRunner
from pocketbench.android_runner.runner_protocol import read_measurement
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import CommandResult
from tests.android_runner.launching import Launcher

NATIVE = Path(__file__).parent / "native"
SOURCES = Path(__file__).parent.parent.parent / "android_runner" / "native"
pytestmark = pytest.mark.needs("compiler")


@pytest.fixture(scope="module")
def null(model: Artifact) -> Launcher:
    return Launcher(NullRunner((), lambda text: None), model)


@pytest.fixture(scope="module")
def kept_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("kept") / "kept_samples"
    source = NATIVE / "kept_samples.cpp"
    subprocess.run(
        ["c++", "-std=c++20", "-I", str(SOURCES), str(source), "-o", str(program)],
        check=True,
    )
    return program


def starts_ns(gaps_ns, latencies_ns):
    """When each sample began, added up as a report does."""
    ends = itertools.accumulate(map(sum, zip(gaps_ns, latencies_ns, strict=True)))
    return [end - x for end, x in zip(ends, latencies_ns, strict=True)]


def test_a_launch_goes_on_until_its_time_is_reached(null):
    result = null.run("/no/model", iterations=1, min_duration_s=0.2, reports_gaps=True)
    measured = null.parse(result)

    began = starts_ns(measured.gaps_ns, measured.latencies_ns)
    assert began == sorted(began)
    last_end_ns = began[-1] + measured.latencies_ns[-1]
    assert result.duration_ns > 0.2e9
    # The samples after the last one kept may have waited for a busy computer.
    assert 0.1e9 < last_end_ns < result.duration_ns
    assert not measured.was_stopped
    uptime_ns = float(Path("/proc/uptime").read_text().split()[0]) * 1e9
    assert 0 < measured.began_uptime_ns < uptime_ns


def test_iterations_go_on_beyond_the_time(null):
    measured = null.measure("/no/model", iterations=70_000, min_duration_s=0.001)
    assert len(measured.latencies_ns) * measured.kept_every >= 70_000
    assert measured.gaps_ns == ()


def test_more_samples_than_there_is_room_for_are_thinned_evenly(null):
    measured = null.measure(
        "/no/model", warmup=0, iterations=1, min_duration_s=1.5, reports_gaps=True
    )
    assert len(measured.latencies_ns) <= 1_000_000
    if measured.kept_every > 1:
        assert len(measured.latencies_ns) > 490_000


@pytest.mark.parametrize("room", [2, 3, 5, 8])
@pytest.mark.parametrize("samples", [1, 2, 7, 16, 33, 100])
def test_what_is_kept_of_many_samples_is_each_nth_with_its_own_time(
    kept_samples, room, samples
):
    done = subprocess.run(
        [kept_samples, str(room), str(samples)],
        check=True,
        capture_output=True,
        text=True,
    )
    every, gaps, latencies = (
        [int(word) for word in line.split()] for line in done.stdout.split("\n")
    )
    made = [10 + i * 7 % 5 for i in range(samples)]
    began, at = [], 3
    for i, latency in enumerate(made):
        began.append(at)
        at += latency + 1 + i * 3 % 4

    (n,) = every
    assert latencies == made[::n]
    assert starts_ns(gaps, latencies) == began[::n]
    assert len(latencies) <= room
    assert n == 1 or len(latencies) >= room // 2


def test_asked_to_end_it_prints_what_it_measured_until_then():
    program = build_for_this_computer("null", lambda text: None).as_program()
    with subprocess.Popen(
        [
            *(program.executable.path, "--model", "x", "--gaps"),
            *("--min-duration-ms", "60000"),
        ],
        stdout=subprocess.PIPE,
    ) as process:
        while b"SigCgt:\t0000000000004000" not in _status(process.pid):
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=120)

    result = CommandResult(stdout=stdout, stderr=b"", exit_code=process.returncode)
    measured = read_measurement(result, runner="null", subject="null")
    assert measured.was_stopped
    assert measured.latencies_ns


def _status(pid: int) -> bytes:
    return Path(f"/proc/{pid}/status").read_bytes()


def test_a_program_that_does_not_know_the_flag_is_reported_apart(null):
    result = null.device.run(
        [null.installed[0].remote_path, "--model", "x", "--min-duration", "1"],
        timeout_s=10,
    )
    with pytest.raises(LaunchError, match="no such flag"):
        null.parse(result)
