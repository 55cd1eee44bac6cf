"""Does llama-bench give through pocketbench what it gives bare?

Both launch the same program on the same random model in turn (A B, B A, ...), pinned to
the same leased core: once behind the adapter and its memory sampler, with the four
tests that our definition takes, once bare, with the one test of the decode steps.
Printed is the decode speed through pocketbench over the bare one, with its interval.

Aim: within 1 %, that is 1 inside 0.99 to 1.01 of the whole interval.
Needs the packages gguf and pytest. Run: python -m self_benchmarks.llama_cpp LLAMA_BENCH
    [--pairs 40] [--most-pairs 400] [--prompt-tokens 64] [--new-tokens 65]
    [--without-sampler]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
from pathlib import Path

from pocketbench.android_runner.prebuilt.llama_bench import LlamaBench
from pocketbench.android_runner.prebuilt.memory_sampled import llama_bench
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.paths import state_dir
from pocketbench.bench.records.device import Device
from pocketbench.bench.records.generation import GenerationRequest
from pocketbench.bench.records.plan import RunnerChoice
from pocketbench.devices.host import HostDriver
from self_benchmarks.agreement import is_narrow, ratio, verdict
from tests import factories
from tests.android_runner.llama_model import write_model


class Programs:
    """The two ways of launching one program."""

    def __init__(
        self, program: Path, model: Path, asked: GenerationRequest, *, is_sampled: bool
    ) -> None:
        self._program = program.resolve()
        self._model = model
        self._asked = asked
        choice = RunnerChoice(name="llama_bench", path=str(program))
        self._runner = (
            llama_bench((choice,), print) if is_sampled else LlamaBench((choice,))
        )

    def ours(self, device: Device, cpus: tuple[int, ...]) -> float:
        """Decode tokens per second through the adapter."""
        executable, *libraries = device.push(self._runner.program(device.info).objects)
        request = factories.launch_request(
            program=executable,
            libraries=tuple(libraries),
            model_path=str(self._model),
            format="gguf",
            threads=1,
            generation=self._asked,
        )
        command = self._runner.command(request)
        result = device.run(
            command.argv, timeout_s=600, env=command.env, host_cpus=cpus
        )
        artifact = factories.artifact(format="gguf")
        found = self._runner.parse(result, artifact, request).generation
        assert found is not None
        assert found.decode_tokens_per_s is not None
        return found.decode_tokens_per_s

    def bare(self, device: Device, cpus: tuple[int, ...]) -> float:
        """The same as the program says it when it is asked for this alone."""
        argv = (
            *(str(self._program), "-m", str(self._model), "-t", "1", "-r", "1"),
            *("-p", "0", "-n", str(self._asked.new_tokens - 1)),
            *("-d", str(self._asked.prompt_tokens), "-o", "jsonl"),
        )
        result = device.run(argv, timeout_s=600, host_cpus=cpus)
        return float(json.loads(result.stdout.splitlines()[-1])["avg_ts"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--most-pairs", type=int, default=400)
    parser.add_argument("--prompt-tokens", type=int, default=64)
    parser.add_argument("--new-tokens", type=int, default=65)
    parser.add_argument("--without-sampler", action="store_true")
    parsed = parser.parse_args()

    asked = GenerationRequest(
        prompt_tokens=parsed.prompt_tokens, new_tokens=parsed.new_tokens
    )
    driver = HostDriver()
    (info,) = driver.discover()
    lease = CpuLease(state_dir() / "lease")
    pairs: list[tuple[float, float]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        driver.open(info, cancel=threading.Event()) as device,
    ):
        programs = Programs(
            parsed.program,
            write_model(Path(folder) / "random.gguf"),
            asked,
            is_sampled=not parsed.without_sampler,
        )
        for number in range(parsed.most_pairs + 1):
            enough = len(pairs) >= parsed.pairs and len(pairs) % 20 == 0
            if enough and is_narrow(pairs):
                break
            order = [programs.ours, programs.bare]
            if number % 2:
                order.reverse()
            with lease.cores(1, threading.Event()) as cpus:
                found = {launch: launch(device, cpus) for launch in order}
            if number:  # the first pair warms the page cache
                pairs.append((found[programs.ours], found[programs.bare]))
    point, low, high = ratio(pairs)
    print(
        f"{len(pairs)} pairs of launches, load {os.getloadavg()[1]:.1f} on "
        f"{os.cpu_count()} cores"
    )
    for name, index in (("through pocketbench", 0), ("bare", 1)):
        middle = statistics.median(pair[index] for pair in pairs)
        print(f"  {name:<20} {middle:9.1f} tokens/s")
    print(f"  over bare {point:.4f} [{low:.4f}, {high:.4f}]: {verdict(low, high)}")


if __name__ == "__main__":
    main()
