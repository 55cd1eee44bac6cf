"""What the tests of every prebuilt program share: an artifact and a request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.plan import RunnerChoice
from pocketbench.bench.records.runner import Command, LaunchRequest
from tests import factories
from tests.factories import launch_request

MODEL = factories.artifact(
    model="tiny", sha256="0", inputs=(), bundled_input_count=0, operators=()
)


@pytest.fixture(scope="session")
def model() -> Artifact:
    """An artifact; a prebuilt program's parser only takes its name."""
    return MODEL


@pytest.fixture(scope="session")
def asked() -> Callable[..., LaunchRequest]:
    """A request for 2 warm-up and 3 iterations, or as given."""
    return launch_request


@pytest.fixture(scope="module")
def refused(parse: Callable[..., object]) -> Callable[..., LaunchError]:
    """The error of a result that the module's `parse` refuses."""

    def check(result: CommandResult, request: object = None) -> LaunchError:
        with pytest.raises(LaunchError) as caught:
            parse(result, request)
        return caught.value

    return check


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
        return runner.command(launch_request(program.sha256, **changed))

    return build
