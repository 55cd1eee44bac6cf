"""A program that reports no memory, measured with its memory all the same."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import msgspec
import pytest

from pocketbench.android_runner.prebuilt.memory_sampled import Sampled
from pocketbench.bench import registry
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.processes.child import run_child
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import CommandResult, DeviceFile
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Measurement, Memory
from pocketbench.bench.records.runner import Command, LaunchRequest
from tests.factories import launch_request

MIB = 2**20

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs Linux's /proc"
)


class Silent:
    """Drives a program that holds 80 MiB for a while and reports nothing of it."""

    name = "silent"
    formats = frozenset({"ptl"})
    needs_cpu = True
    code = "import time, sys; b = bytearray(80 << 20); time.sleep(.4); print('words')"

    def program(self, info: object) -> None:
        raise NotImplementedError

    def command(self, request: LaunchRequest) -> Command:
        return Command(argv=(sys.executable, "-c", self.code), log_tag="silent")

    def parse(self, result, artifact, request):  # type: ignore[no-untyped-def]
        if result.exit_code != 0:
            raise LaunchError(FailureReason.CRASHED, "silent", result.stderr.decode())
        assert result.stdout == b"words\n"
        assert result.stderr == b""
        return Measurement(latencies_ns=(1,), memory=Memory(peak_rss_bytes=7))


def request() -> LaunchRequest:
    program = DeviceFile(
        name="p", sha256="0" * 64, size_bytes=1, remote_path="/p", origin="local"
    )
    return launch_request(program=program)


def ran(command: Command) -> CommandResult:
    return run_child(
        command.argv, timeout_s=60, env=None, cancel=threading.Event(), subject="host"
    )


def measured(inner: Silent, model: Artifact) -> Measurement:
    runner = Sampled(inner)
    command = runner.command(request())
    assert command.log_tag == "silent"
    result = ran(command)
    return runner.parse(result, model, request())


def test_its_memory_is_what_was_seen_from_outside(model: Artifact) -> None:
    memory = measured(Silent(), model).memory
    assert memory.peak_bytes is not None
    assert 80 * MIB < memory.peak_bytes < 140 * MIB
    assert memory.read_by == "sampler"
    assert memory.sampling_interval_s == 0.05
    assert memory.sampling_cost_ns is not None
    assert 0 < memory.sampling_cost_ns < 400_000_000


def test_the_report_is_whole_though_it_is_written_when_the_program_has_ended() -> None:
    runner = Sampled(Silent())
    slow = runner.command(request())
    at = slow.argv.index("pocketbench-memory") - 1
    script = slow.argv[at].replace("\ntimes >&4", "\nsleep .1; times >&4")
    assert script != slow.argv[at]
    argv = (*slow.argv[:at], script, *slow.argv[at + 1 :])
    assert b" times\n0m" in ran(Command(argv=argv)).stderr


def test_of_a_program_too_short_to_be_seen_its_own_words_stand(
    model: Artifact,
) -> None:
    inner = Silent()
    inner.code = "print('words')"
    runner = Sampled(inner)
    plain = ran(inner.command(request()))
    assert runner.parse(plain, model, request()).memory == Memory(peak_rss_bytes=7)


def test_a_failure_is_the_programs_own(model: Artifact) -> None:
    inner = Silent()
    inner.code = "import time, sys; time.sleep(.2); sys.exit('no such operator')"
    with pytest.raises(LaunchError) as caught:
        measured(inner, model)
    assert caught.value.fact.strip() == "no such operator"


def test_another_launch_cannot_be_taken_for_this_one() -> None:
    runner = Sampled(Silent())
    other = msgspec.structs.replace(request(), seed=1)
    assert runner.command(request()) == runner.command(request())
    assert runner.command(request()) != runner.command(other)


@pytest.mark.parametrize(
    "name",
    [
        "speed_benchmark_torch",
        "executor_runner",
        "qnn_executor_runner",
        "benchmark_model",
        "onnxruntime_perf_test",
    ],
)
def test_every_prebuilt_program_is_sampled(name: str) -> None:
    runner = registry.load(registry.RUNNERS, "runner", name)((), print)
    assert isinstance(runner, Sampled)
    assert runner.name == name


def test_bash_samples_on_this_computer_and_a_phones_own_shell_there(monkeypatch):
    here = request()
    phone = msgspec.structs.replace(here.program, origin="sent")
    there = msgspec.structs.replace(here, program=phone)
    sampled = Sampled(Silent())  # type: ignore[arg-type]

    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    assert sampled.command(here).argv[0] == "bash"
    assert sampled.command(there).argv[0] == "sh"
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert sampled.command(here).argv[0] == "sh"
