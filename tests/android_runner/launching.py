"""Launch one of our programs on this computer as a run does, through its real parts."""

from __future__ import annotations

import threading
from pathlib import Path

from bench.artifact import Artifact, TensorSpec
from bench.device import CommandResult
from bench.launch import Measurement
from bench.runner import LaunchRequest, Runner
from devices.host import HostDriver


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
        tells_gaps: bool = False,
        inputs: tuple[TensorSpec, ...] = (),
        timeout_s: float = 60,
    ) -> CommandResult:
        """What a launch prints and how it ends."""
        executable, *libraries = self.installed
        command = self.runner.command(
            LaunchRequest(
                program=executable,
                libraries=tuple(libraries),
                model_path=str(model),
                format="ptl",
                threads=threads,
                warmup_iterations=warmup,
                iterations=iterations,
                seed=seed,
                min_duration_s=min_duration_s,
                tells_gaps=tells_gaps,
                inputs=inputs,
                bundled_input_count=0 if inputs else 1,
            )
        )
        return self.device.run(command.argv, timeout_s=timeout_s, env=command.env)

    def measure(self, model: Path | str, **asked: object) -> Measurement:
        """What a launch measures."""
        return self.parse(self.run(model, **asked))  # type: ignore[arg-type]

    def parse(self, result: CommandResult) -> Measurement:
        """Read a launch."""
        return self.runner.parse(result, self.artifact)
