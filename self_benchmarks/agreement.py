"""Does our lite runner measure what PyTorch's own benchmark program measures?

Both launch the same model file on this computer in turn (A B, B A, ...), pinned to the
same leased core; each launch gives the median of its iterations. Printed is ours over
theirs with the 95 % interval that the verdicts of a run are built on, over the pairs.

--program PATH is any `speed_benchmark_torch` for this computer; without it a plain loop
with that program's timing rule is compiled against the installed torch.

The model is int8 by default. MobileNetV2 in float32, which oneDNN computes,
says nothing about timing here: where the C library's heap happens to put its tensors
moves it by 2 %, and by more where glibc is set to keep what is freed, even between two
builds of the plain loop that differ in a line no inference runs.

With --loader the other one is our own program as a phone gets it where there is no
Android build: started by the loader of the C library that it brings along. It shows
what that way of starting costs, not what another C library does, for both have this
computer's.

Aim: within 1 % of the other one, that is 1 inside 0.99 to 1.01 of the whole interval.
Launches go on until the interval is 1 % wide, from --pairs to --most-pairs.
Run: python self_benchmarks/agreement.py [--program PATH] [--model mobilenet_v2]
    [--pairs 40] [--most-pairs 400] [--loader] [--variant float32+executorch]
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import statistics
import subprocess
import sys
import threading
from pathlib import Path

from pocketbench.android_runner.build.linux_build import build_with_c_library
from pocketbench.android_runner.build.toolchain import this_computer
from pocketbench.android_runner.own import ExecutorchRunner, LiteRunner, NativeRunner
from pocketbench.android_runner.prebuilt.speed_benchmark_torch import (
    SpeedBenchmarkTorch,
)
from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.runner_binding import model_file
from pocketbench.bench.models.exporting.library import export
from pocketbench.bench.paths import cache_dir, state_dir
from pocketbench.bench.planning.sources import request_for
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import Device, DeviceInfo
from pocketbench.bench.records.plan import RunnerChoice
from pocketbench.bench.records.runner import LaunchRequest, Runner
from pocketbench.bench.records.runner import Program as MeasuringProgram
from pocketbench.devices.host import HostDriver

PLAIN_LOOP = (
    Path(__file__).parents[1] / "tests/android_runner/native/build_plain_loop.py"
)
BAND = 0.01


class Program:
    """One runner's program on this computer, and how it launches an artifact."""

    def __init__(self, runner: Runner, device: Device, artifact: Artifact) -> None:
        self._runner = runner
        self._device = device
        self._artifact = artifact
        self.program = runner.program(device.info)
        model = model_file(artifact, artifact.format)
        executable, *libraries, model_here = device.push((*self.program.objects, model))
        self._here = executable, tuple(libraries), model_here

    def median_ns(self, iterations: int, cpus: tuple[int, ...]) -> float:
        """The median latency of one launch."""
        executable, libraries, model = self._here
        request = LaunchRequest(
            program=executable,
            libraries=libraries,
            model_path=model.remote_path,
            format=self._artifact.format,
            threads=1,
            warmup_iterations=max(2, iterations // 5),
            # Theirs leaves memory to the system: so must ours.
            heap="system",
            iterations=iterations,
            seed=0,
            inputs=self._artifact.inputs,
            bundled_input_count=self._artifact.bundled_input_count,
        )
        command = self._runner.command(request)
        result = self._device.run(
            command.argv,
            timeout_s=600,
            env={**command.env, "OMP_NUM_THREADS": "1"},
            host_cpus=cpus,
        )
        measured = self._runner.parse(result, self._artifact, request)
        return statistics.median(measured.latencies_ns)


def plain_loop() -> Path:
    """The program of our own that times as PyTorch's does."""
    done = subprocess.run(
        [sys.executable, str(PLAIN_LOOP), str(cache_dir() / "plain_loop")],
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip())


def brought_along(own: type[NativeRunner]) -> NativeRunner:
    """Our runner with the program that a phone of this computer's ABI would get."""

    class BroughtAlong(own):  # type: ignore[misc, valid-type]
        def program(self, info: DeviceInfo) -> MeasuringProgram:
            abi, _ = this_computer()
            return build_with_c_library(self.name, abi, print).as_program()

    runner: NativeRunner = BroughtAlong((), print)
    return runner


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=Path)
    parser.add_argument("--model", default="mobilenet_v2")
    parser.add_argument("--variant", default="int8-static")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--most-pairs", type=int, default=400)
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--loader", action="store_true")
    parsed = parser.parse_args()

    request = request_for(parsed.model)
    artifact = export(request, parsed.variant, seed=0, progress=print)
    own = LiteRunner if artifact.format == "ptl" else ExecutorchRunner
    driver = HostDriver()
    (info,) = driver.discover()
    lease = CpuLease(state_dir() / "lease")
    with driver.open(info, cancel=threading.Event()) as device:
        ours = Program(own((), print), device, artifact)
        if parsed.loader:
            theirs = Program(brought_along(own), device, artifact)
        else:
            path = parsed.program or plain_loop()
            given = RunnerChoice(name="speed_benchmark_torch", path=str(path))
            theirs = Program(SpeedBenchmarkTorch((given,)), device, artifact)
        pairs: list[tuple[float, float]] = []
        try:
            for order in itertools.islice(
                itertools.cycle([(ours, theirs), (theirs, ours)]), parsed.most_pairs + 1
            ):
                with lease.cores(1, threading.Event()) as cpus:
                    found = {x: x.median_ns(parsed.iterations, cpus) for x in order}
                pairs.append((found[ours], found[theirs]))
                if len(pairs) == 1:  # it has warmed the page cache
                    print(
                        f"up to {parsed.most_pairs} pairs; Ctrl-C judges those so far"
                    )
                elif len(pairs) > parsed.pairs and len(pairs) % 20 == 1:
                    _, low, high = ratio(pairs[1:])
                    print(
                        f"{len(pairs) - 1} pairs: [{low:.4f}, {high:.4f}]", flush=True
                    )
                    if is_narrow(pairs[1:]):
                        break
        except KeyboardInterrupt:
            print("stopped")
    pairs = pairs[1:]
    if not pairs:
        parser.error("not one pair was measured")
    point, low, high = ratio(pairs)
    print(
        f"{artifact.model} {artifact.variant}, {len(pairs)} pairs of launches, "
        f"load {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"
    )
    other = "loader" if parsed.loader else "theirs"
    for name, program, index in (("ours", ours, 0), (other, theirs, 1)):
        median_ms = statistics.median(pair[index] for pair in pairs) / 1e6
        print(f"  {name:<7} {median_ms:9.3f} ms  {program.program.executable.path}")
    print(
        f"  ours over {other} {point:.4f} [{low:.4f}, {high:.4f}]: {verdict(low, high)}"
    )


def ratio(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Ours over theirs, with the ends of its interval."""
    found = paired_evidence([b for _, b in pairs], [a for a, _ in pairs])
    assert found is not None
    return math.exp(found.ratio.mean), math.exp(found.low), math.exp(found.high)


def is_narrow(pairs: list[tuple[float, float]]) -> bool:
    """Whether the interval has room in the band; where it lies has no say in it."""
    _, low, high = ratio(pairs)
    return high - low <= BAND


def verdict(low: float, high: float) -> str:
    if low >= 1 - BAND and high <= 1 + BAND:
        return "they agree within 1 %"
    if high < 1 - BAND or low > 1 + BAND:
        return "they differ by more than 1 %"
    return "not settled; give more --most-pairs, on a computer with less to do"


if __name__ == "__main__":
    main()
