"""Programs that report no memory, with their memory sampled on the device."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Protocol

import msgspec

from pocketbench.android_runner.prebuilt.benchmark_model import BenchmarkModel
from pocketbench.android_runner.prebuilt.executor_runner import (
    ExecutorRunner,
    QnnExecutorRunner,
)
from pocketbench.android_runner.prebuilt.litert_lm import LitertLm
from pocketbench.android_runner.prebuilt.llama_bench import LlamaBench
from pocketbench.android_runner.prebuilt.llama_main import LlamaMain
from pocketbench.android_runner.prebuilt.memory_wrapper import (
    SampledMemory,
    unwrap,
    wrap,
)
from pocketbench.android_runner.prebuilt.onnxruntime_perf_test import (
    OnnxRuntimePerfTest,
)
from pocketbench.android_runner.prebuilt.speed_benchmark_torch import (
    SpeedBenchmarkTorch,
)
from pocketbench.bench.records.launch import Memory
from pocketbench.bench.records.runner import SupportsGeneration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import CommandResult, DeviceInfo
    from pocketbench.bench.records.launch import Measurement
    from pocketbench.bench.records.operator_times import OperatorTimes
    from pocketbench.bench.records.plan import RunnerChoice
    from pocketbench.bench.records.runner import (
        Command,
        LaunchRequest,
        Program,
        Runner,
        SupportsProfile,
    )

    Programs = Sequence[RunnerChoice]
    Progress = Callable[[str], None]
    MakeRunner = Callable[[Programs, Progress], "Sampled"]

    class ProfilingRunner(Runner, SupportsProfile, Protocol):
        """A runner whose program can observe operators."""


def _shell(request: LaunchRequest) -> str:
    """One that waits by itself: a process for each pause slowed a program by 11 %.

    The phones' does; this computer's `sh` may be dash, which does not.
    """
    is_here = request.program.origin == "local"
    return "bash" if is_here and shutil.which("bash") else "sh"


class Sampled:
    """A runner whose program is looked at from outside while it runs."""

    def __init__(self, inner: Runner) -> None:
        """Take what drives the program itself."""
        self.inner = inner
        self.name = inner.name
        self.formats = inner.formats
        self.needs_cpu = inner.needs_cpu
        self.can_generate = isinstance(inner, SupportsGeneration) and inner.can_generate

    def program(self, info: DeviceInfo) -> Program:
        """The program for a device.

        Raises:
            RunnerMissingError: There is none for its ABI; names the remedies.
        """
        return self.inner.program(info)

    def command(self, request: LaunchRequest) -> Command:
        """The command line of one launch, behind the sampler's.

        Raises:
            LaunchError: The program cannot do what is asked.
        """
        command = self.inner.command(request)
        return wrap(command, token=_token(request), shell=_shell(request))

    def parse(
        self, result: CommandResult, artifact: Artifact, request: LaunchRequest
    ) -> Measurement:
        """Read what a launch printed, and what the sampler saw.

        Where it saw nothing, the program's own words stand, if it has any.

        Raises:
            LaunchError: It did not measure; classified, with the raw words.
        """
        own, seen = unwrap(result, token=_token(request))
        measurement = self.inner.parse(own, artifact, request)
        if not isinstance(seen, SampledMemory):
            return measurement
        after_load = measurement.memory.rss_after_load_bytes
        memory = msgspec.structs.replace(_memory(seen), rss_after_load_bytes=after_load)
        return msgspec.structs.replace(measurement, memory=memory)


class SampledProfiling(Sampled):
    """The same, where the program can also profile operators; that is not sampled."""

    def __init__(self, inner: ProfilingRunner) -> None:
        """Take what drives the program itself."""
        super().__init__(inner)
        self.profiling = inner

    def profile_command(self, request: LaunchRequest) -> Command:
        """The command line of a launch that observes as many as it measures."""
        return self.profiling.profile_command(request)

    def parse_profile(
        self, result: CommandResult, artifact: Artifact, request: LaunchRequest
    ) -> OperatorTimes:
        """Read what such a launch printed.

        Raises:
            LaunchError: It did not observe; classified, with the raw words.
        """
        return self.profiling.parse_profile(result, artifact, request)


def _memory(seen: SampledMemory) -> Memory:
    last = seen.samples[-1]
    return Memory(
        peak_rss_bytes=seen.peak_bytes,
        swap_bytes=last.swap_bytes,
        rss_end_bytes=last.rss_bytes,
        read_by="sampler",
        sampling_interval_s=seen.interval_s,
        sampling_cost_ns=seen.cost_ns,
    )


def _token(request: LaunchRequest) -> str:
    """The same when a launch is read as when it was started; nobody prints it."""
    return f"@@{hashlib.sha256(msgspec.json.encode(request)).hexdigest()[:16]}"


def _sampled(kind: Callable[[Programs, Progress], Runner]) -> MakeRunner:
    return lambda programs, progress: Sampled(kind(programs, progress))


def benchmark_model(programs: Programs, progress: Progress) -> Sampled:
    """LiteRT's."""
    return SampledProfiling(BenchmarkModel(programs, progress))


speed_benchmark_torch = _sampled(SpeedBenchmarkTorch)
"""PyTorch's own program."""
executor_runner = _sampled(ExecutorRunner)
"""ExecuTorch's."""
qnn_executor_runner = _sampled(QnnExecutorRunner)
"""Qualcomm's, for ExecuTorch."""
onnxruntime_perf_test = _sampled(OnnxRuntimePerfTest)
"""ONNX Runtime's."""
llama_main = _sampled(LlamaMain)
"""ExecuTorch's, for models that generate."""
llama_bench = _sampled(LlamaBench)
"""llama.cpp's."""
litert_lm = _sampled(LitertLm)
"""LiteRT-LM's."""
