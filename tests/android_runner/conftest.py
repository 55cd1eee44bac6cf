"""What the tests of every prebuilt program share: an artifact and a request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pocketbench.bench.records.artifact import Artifact, ExportFacts
from pocketbench.bench.records.device import DeviceFile
from pocketbench.bench.records.plan import RunnerChoice
from pocketbench.bench.records.runner import Command, LaunchRequest

MODEL = Artifact(
    model="tiny",
    variant="float32",
    source="tiny",
    path="/tiny",
    sha256="0",
    size_bytes=1,
    format="ptl",
    engine="lite",
    precision="float32",
    inputs=(),
    bundled_input_count=0,
    operators=(),
    bytecode_version=None,
    export=ExportFacts(
        method="ready file",
        changed="nothing",
        weights="the source's own",
        random_weights=False,
        seed=0,
        torch_version="2.13.0",
    ),
    output_error=None,
)


@pytest.fixture(scope="session")
def model() -> Artifact:
    """An artifact; a prebuilt program's parser only takes its name."""
    return MODEL


def make_request(program: str = "0", **changed: object) -> LaunchRequest:
    facts: dict[str, object] = {
        "program": DeviceFile(
            name="p",
            sha256=program,
            size_bytes=1,
            remote_path="/data/p",
            origin="sent",
        ),
        "libraries": (),
        "model_path": "/data/a model",
        "format": "ptl",
        "threads": 2,
        "warmup_iterations": 2,
        "iterations": 3,
        "seed": 0,
        "inputs": (),
        "bundled_input_count": 0,
    }
    return LaunchRequest(**(facts | changed))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def asked() -> Callable[..., LaunchRequest]:
    """A request for 2 warm-up and 3 iterations, or as given."""
    return make_request


@pytest.fixture
def command_of(tmp_path: Path) -> Callable[..., Command]:
    """The command of a runner class for a program with some content and options."""

    def build(
        runner_class: type,
        *options: tuple[str, str],
        content: bytes = b"program",
        **changed: object,
    ) -> Command:
        file = tmp_path / runner_class.name
        file.write_bytes(content)
        choice = RunnerChoice(
            name=runner_class.name, path=str(file), abi="arm64-v8a", options=options
        )
        runner = runner_class((choice,))
        program = runner._programs._given[0].executable
        return runner.command(make_request(program.sha256, **changed))

    return build
