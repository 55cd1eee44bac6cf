"""The adapter on a real program: our plain loop, which speaks the same format."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pocketbench.android_runner.prebuilt.speed_benchmark_torch import (
    SpeedBenchmarkTorch,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.artifact import Artifact, TensorSpec
from pocketbench.bench.records.device import CommandResult, DeviceFile, DeviceInfo
from pocketbench.bench.records.elf import read_elf
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.launch import Measurement
from pocketbench.bench.records.plan import RunnerChoice
from pocketbench.bench.records.runner import LaunchRequest
from tests import factories

NATIVE = Path(__file__).parent / "native"
IMAGE = TensorSpec(shape=(1, 3, 64, 64))

pytestmark = [pytest.mark.slow, pytest.mark.needs("compiler")]


@pytest.fixture(scope="session")
def plain_loop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = os.environ.get("POCKETBENCH_TEST_CACHE_DIR")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("plain_loop")
    return Path(run_script("build_plain_loop.py", str(folder)).strip())


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    run_script("make_tiny_models.py", str(folder))
    return folder


def run_script(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", NATIVE / name, *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def measure(
    program: Path,
    model: Path,
    *,
    options: tuple[tuple[str, str], ...] = (),
    inputs: tuple[TensorSpec, ...] = (),
    bundled: int = 0,
    iterations: int = 20,
    extra: tuple[str, ...] = (),
) -> Measurement:
    """One launch on this computer, as a run would do it."""
    abi = read_elf(program).abi
    runner = SpeedBenchmarkTorch(
        (
            RunnerChoice(
                name="speed_benchmark_torch", path=str(program), options=options
            ),
        )
    )
    host = DeviceInfo(id="host", family="host", name="host", abis=(abi,), libc="glibc")
    chosen = runner.program(host).executable
    request = LaunchRequest(
        program=DeviceFile(
            name=chosen.name,
            sha256=chosen.sha256,
            size_bytes=chosen.size_bytes,
            remote_path=chosen.path,
            origin="local",
        ),
        libraries=(),
        model_path=str(model),
        format="ptl",
        threads=1,
        warmup_iterations=2,
        iterations=iterations,
        seed=0,
        inputs=inputs,
        bundled_input_count=bundled,
    )
    command = runner.command(request)
    done = subprocess.run(
        [*command.argv, *extra], env=os.environ | command.env, capture_output=True
    )
    code = done.returncode
    result = CommandResult(
        stdout=done.stdout,
        stderr=done.stderr,
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
    )
    return runner.parse(result, artifact(model, inputs, bundled), request)


def artifact(model: Path, inputs: tuple[TensorSpec, ...], bundled: int) -> Artifact:
    return factories.artifact(
        "as-is",
        model=model.stem,
        path=str(model),
        sha256="0",
        inputs=inputs,
        bundled_input_count=bundled,
        operators=(),
    )


def test_a_bundled_model_is_measured(plain_loop, models):
    measured = measure(plain_loop, models / "bundled.ptl", bundled=1)
    assert len(measured.latencies_ns) == 20
    assert all(latency % 1000 == 0 for latency in measured.latencies_ns)


def test_made_inputs_and_every_option_are_understood(plain_loop, models):
    options = (
        ("use_caching_allocator", "true"),
        ("vulkan", "false"),
        ("input_memory_format", "channels_last"),
    )
    inputs = (IMAGE, TensorSpec(shape=(4,), dtype="int64"))
    measured = measure(plain_loop, models / "two.ptl", options=options, inputs=inputs)
    assert len(measured.latencies_ns) == 20


def test_a_larger_input_takes_longer(plain_loop, models):
    small = measure(plain_loop, models / "plain.ptl", inputs=(IMAGE,))
    large = measure(
        plain_loop, models / "plain.ptl", inputs=(TensorSpec(shape=(1, 3, 512, 512)),)
    )
    assert min(large.latencies_ns) > 4 * min(small.latencies_ns)


def test_the_mean_alone_is_read_when_iterations_are_not_reported(plain_loop, models):
    measured = measure(
        plain_loop,
        models / "plain.ptl",
        inputs=(IMAGE,),
        options=(("report_pep", "false"),),
    )
    assert measured.latencies_ns == ()
    assert measured.mean_latency_ns is not None
    assert measured.mean_latency_ns > 0


@pytest.mark.parametrize(
    ("model", "facts", "reason", "words"),
    [
        ("plain.ptl", {"bundled": 1}, Reason.MODEL_RAISED, "does not have bundled"),
        (
            "bundled.ptl",
            {"bundled": 1, "options": (("use_bundled_input", "9"),)},
            Reason.MODEL_RAISED,
            "has only 1 bundled",
        ),
        ("full.pt", {"inputs": (IMAGE,)}, Reason.FULL_JIT_FILE, "before the first run"),
        ("none.ptl", {"inputs": (IMAGE,)}, Reason.NOT_FOUND, "before the first run"),
        (
            "plain.ptl",
            {"inputs": (TensorSpec(shape=(2, 2)),)},
            Reason.MODEL_RAISED,
            "in the warm-up runs",
        ),
        (
            "plain.ptl",
            {"inputs": (IMAGE,), "iterations": 0},
            Reason.BAD_FLAGS,
            "no iteration was run",
        ),
        (
            "plain.ptl",
            {"inputs": (IMAGE,), "extra": ("--no_such_flag=1",)},
            Reason.BAD_FLAGS,
            "--no_such_flag",
        ),
        (
            "plain.ptl",
            {"inputs": (IMAGE,), "extra": ("--help=true",)},
            Reason.BAD_OUTPUT,
            "",
        ),
    ],
)
def test_a_real_failure_is_classified(plain_loop, models, model, facts, reason, words):
    with pytest.raises(LaunchError) as caught:
        measure(plain_loop, models / model, **facts)
    assert caught.value.reason is reason
    assert words in caught.value.fact
