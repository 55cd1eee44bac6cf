"""Our measuring programs for iPhones and iOS simulators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pocketbench.bench import registry
from pocketbench.bench.errors import RunnerMissingError, UsageError
from pocketbench.bench.records.runner import SupportsOutputs
from pocketbench.ios_runner.build.built import as_program, built_apps

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import CommandResult, DeviceInfo
    from pocketbench.bench.records.launch import Measurement
    from pocketbench.bench.records.plan import RunnerChoice
    from pocketbench.bench.records.runner import (
        Command,
        LaunchRequest,
        Program,
        RawTensor,
        Runner,
    )


class _IosRunner:
    """Finds the program of one engine; its flags and output are the engine's.

    Flags and protocol are those of the same engine's runner everywhere else, so that
    runner builds the command and reads the answer.
    """

    name: ClassVar[str]
    engine: ClassVar[str]
    can_last = True

    def __init__(
        self, programs: tuple[RunnerChoice, ...], progress: Callable[[str], None]
    ) -> None:
        """Take the programs given with `--runner ios-ENGINE=PATH`."""
        shared = registry.load(registry.RUNNERS, "runner", self.engine)
        self._shared: Runner = shared((), progress)
        self.formats = self._shared.formats
        self.needs_cpu = self._shared.needs_cpu
        self._given = {_family_of(choice): choice for choice in programs}

    def program(self, info: DeviceInfo) -> Program:
        """A given one, else the newest that was built for the family and ABI.

        Raises:
            RunnerMissingError: There is none; names the command that builds it.
        """
        choice = self._given.get(info.family)
        abi = info.abis[0] if info.abis else "arm64-v8a"
        if choice is not None:
            path = Path(choice.path).expanduser().resolve()
            return as_program(
                path,
                engine=self.engine,
                abi=choice.abi or abi,
                version=None,
                origin=f"given: {path}",
            )
        outdated = False
        for built in built_apps():
            if (built.platform, built.engine) != (info.family, self.engine):
                continue
            if not set(built.abis) & set(info.abis):
                continue
            if built.is_current:
                return as_program(
                    Path(built.program),
                    engine=self.engine,
                    abi=abi,
                    version=built.version,
                    origin=built.origin,
                )
            outdated = True
        raise self._missing(info, outdated=outdated)

    def _missing(self, info: DeviceInfo, *, outdated: bool) -> RunnerMissingError:
        team = " --team ID" if info.family == "ios" else ""
        runtime = " --runtime DIR" if self.engine == "lite" else ""
        kind = "app" if info.family == "ios" else "program"
        had = (
            f"only an {kind} that an older pocketbench built"
            if outdated
            else f"no {kind} yet"
        )
        return RunnerMissingError(
            info.id,
            f"there is {had} that measures {self.engine} on it",
            "On a Mac: `pocketbench runner build "
            f"--platform {info.family} --engine {self.engine}{team}{runtime}`",
        )

    def command(self, request: LaunchRequest) -> Command:
        """The command line of one launch."""
        return self._shared.command(request)

    def parse(
        self, result: CommandResult, artifact: Artifact, request: LaunchRequest
    ) -> Measurement:
        """Read what a launch measured.

        Raises:
            LaunchError: It did not measure; classified.
        """
        return self._shared.parse(result, artifact, request)

    def outputs_command(self, request: LaunchRequest, input_data_path: str) -> Command:
        """The command line of a launch that answers each set of inputs once."""
        return self._reporting.outputs_command(request, input_data_path)

    def parse_outputs(self, result: CommandResult) -> tuple[tuple[RawTensor, ...], ...]:
        """The tensors of each answer, in the order of the inputs.

        Raises:
            LaunchError: It did not answer.
        """
        return self._reporting.parse_outputs(result)

    @property
    def _reporting(self) -> SupportsOutputs:
        assert isinstance(self._shared, SupportsOutputs)
        return self._shared


class IosLiteRunner(_IosRunner):
    """Measures `.ptl` files with LibTorch-Lite."""

    name = "ios-lite"
    engine = "lite"


class IosExecutorchRunner(_IosRunner):
    """Measures `.pte` files with ExecuTorch's Swift package."""

    name = "ios-executorch"
    engine = "executorch"


class IosNullRunner(_IosRunner):
    """Measures nothing, so that what is left is the harness."""

    name = "ios-null"
    engine = "null"


def _family_of(choice: RunnerChoice) -> str:
    path = Path(choice.path)
    if path.suffix == ".ipa":
        return "ios"
    if path.is_file():
        return "ios-simulator"
    raise UsageError(
        f"--runner {choice.name}={choice.path}",
        "neither an .ipa nor a program",
        "Give the .ipa of the app, or the simulator's program",
    )
