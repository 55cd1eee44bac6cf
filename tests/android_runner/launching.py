"""Launch one of our programs on this computer as a run does, through its real parts."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from pocketbench.bench.records.artifact import Artifact, TensorSpec
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.generation import GenerationRequest
from pocketbench.bench.records.launch import Measurement
from pocketbench.bench.records.operator_times import OperatorTimes
from pocketbench.bench.records.runner import (
    LaunchRequest,
    RawTensor,
    Runner,
    SupportsOutputs,
    SupportsProfile,
)
from pocketbench.devices.host import HostDriver


class Launcher:
    """One runner on this computer."""

    def __init__(self, runner: Runner, artifact: Artifact) -> None:
        self.runner = runner
        self.artifact = artifact
        driver = HostDriver()
        (self.info,) = driver.discover()
        self.program = runner.program(self.info)
        with driver.open(self.info, cancel=threading.Event()) as device:
            self.device = device
        self.installed = device.push(self.program.objects)

    def run(
        self,
        model: Path | str,
        *,
        warmup: int = 2,
        iterations: int = 5,
        threads: int = 1,
        seed: int = 0,
        min_duration_s: float = 0.0,
        reports_gaps: bool = False,
        inputs: tuple[TensorSpec, ...] = (),
        timeout_s: float = 60,
    ) -> CommandResult:
        """What a launch prints and how it ends."""
        asked = self._request(
            model,
            inputs,
            warmup_iterations=warmup,
            iterations=iterations,
            threads=threads,
            seed=seed,
            min_duration_s=min_duration_s,
            reports_gaps=reports_gaps,
        )
        command = self.runner.command(asked)
        return self.device.run(command.argv, timeout_s=timeout_s, env=command.env)

    def outputs(
        self, model: Path, data: Path, inputs: tuple[TensorSpec, ...]
    ) -> tuple[tuple[RawTensor, ...], ...]:
        """What a model answers to each set of inputs in a file."""
        assert isinstance(self.runner, SupportsOutputs)
        command = self.runner.outputs_command(self._request(model, inputs), str(data))
        result = self.device.run(command.argv, timeout_s=60, env=command.env)
        return self.runner.parse_outputs(result)

    def _request(
        self, model: Path | str, inputs: tuple[TensorSpec, ...], **asked: object
    ) -> LaunchRequest:
        executable, *libraries = self.installed
        facts: dict[str, object] = {
            "warmup_iterations": 0,
            "iterations": 1,
            "threads": 1,
            "seed": 0,
        }
        return LaunchRequest(
            program=executable,
            libraries=tuple(libraries),
            model_path=str(model),
            format="ptl",
            inputs=inputs,
            bundled_input_count=0 if inputs else 1,
            **(facts | asked),  # type: ignore[arg-type]
        )

    def measure(self, model: Path | str, **asked: object) -> Measurement:
        """What a launch measures."""
        return self.parse(self.run(model, **asked))  # type: ignore[arg-type]

    def generate(
        self,
        model: Path | str,
        asked: GenerationRequest,
        *,
        threads: int = 1,
        sustained_s: float = 0.0,
    ) -> Measurement:
        """What a launch generates."""
        request = self._request(
            model,
            (),
            generation=asked,
            threads=threads,
            min_duration_s=sustained_s,
            reports_gaps=sustained_s > 0,
        )
        command = self.runner.command(request)
        result = self.device.run(command.argv, timeout_s=60, env=command.env)
        return self.runner.parse(result, self.artifact, request)

    def parse(self, result: CommandResult) -> Measurement:
        """Read a launch."""
        return self.runner.parse(result, self.artifact)

    def observe(
        self,
        model: Path | str,
        *,
        iterations: int = 5,
        inputs: tuple[TensorSpec, ...] = (),
    ) -> OperatorTimes:
        """What the operators of a model take."""
        assert isinstance(self.runner, SupportsProfile)
        asked = self._request(model, inputs, warmup_iterations=2, iterations=iterations)
        command = self.runner.profile_command(asked)
        result = self.device.run(command.argv, timeout_s=60, env=command.env)
        return self.runner.parse_profile(result, self.artifact, asked)


def calls_by_name(times: OperatorTimes) -> Counter[str]:
    """How often operators of each name ran, wherever in the model."""
    calls: Counter[str] = Counter()
    for each in times.operators:
        calls[each.name] += each.calls
    return calls
