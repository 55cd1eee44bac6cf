"""What a runner is: a program that measures one artifact on one device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.device import DeviceFile, LocalFile
from pocketbench.bench.records.generation import GenerationRequest
from pocketbench.bench.records.launch import Heap
from pocketbench.bench.records.record import Count, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import CommandResult, DeviceInfo
    from pocketbench.bench.records.launch import Measurement
    from pocketbench.bench.records.operator_times import OperatorTimes
    from pocketbench.bench.records.plan import PhoneLibc


def is_loader(name: str) -> bool:
    """Whether a library is the loader that starts programs of its C library."""
    return name.startswith("ld-linux")


class Program(Value, frozen=True, kw_only=True):
    """A measuring program for one ABI and C library, as files of this computer."""

    runner: str
    """`lite`, `speed_benchmark_torch`, ..."""
    abi: str
    libc: str
    executable: LocalFile
    libraries: tuple[LocalFile, ...] = ()
    """Shared libraries that a device must hold besides; each an object of its own."""
    version: str | None = None
    """Of the runtime inside: `torch 2.13.0`; `None` when unknown."""
    origin: str = ""
    """`built here with g++ 12.2 against torch 2.13.0`, `given: /path`."""

    @property
    def loader(self) -> LocalFile | None:
        """What starts it where it brings a C library of its own; one of `libraries`."""
        return next((x for x in self.libraries if is_loader(x.name)), None)

    @property
    def objects(self) -> tuple[LocalFile, ...]:
        """The executable first, then the libraries."""
        return (self.executable, *self.libraries)


class LaunchRequest(Value, frozen=True, kw_only=True):
    """What one launch is asked to do, in terms of the device."""

    program: DeviceFile
    libraries: tuple[DeviceFile, ...]
    model_path: str
    """On the device."""
    format: str
    threads: int
    warmup_iterations: int
    iterations: int
    min_duration_s: float = 0.0
    """The main iterations go on until this time is reached too."""
    reports_gaps: bool = False
    """Whether the time between one main iteration and the next is to be reported."""
    heap: Heap = "steady"
    seed: int
    inputs: tuple[TensorSpec, ...]
    bundled_input_count: Count
    generation: GenerationRequest | None = None
    """What to generate instead of the iterations."""


class RawTensor(Value, frozen=True, kw_only=True):
    """A tensor as a program reported it."""

    spec: TensorSpec
    data: bytes
    """Contiguous, little-endian."""


class Command(Value, frozen=True, kw_only=True):
    """A command line for a device; nothing in it is quoted for any shell."""

    argv: tuple[str, ...]
    env: dict[str, str] = msgspec.field(default_factory=dict)
    log_tag: str | None = None
    """On Android the program speaks to the system log under this tag, not to its
    output: what it wrote there is to be read, by its pid, into `CommandResult.log`."""


class Capabilities(Value, frozen=True, kw_only=True):
    """What a program says it can load; `None` where it says nothing of it."""

    bytecode_min: int | None = None
    bytecode_max: int | None = None
    quantized_engines: tuple[str, ...] | None = None
    """All that are built in: `qnnpack`, `fbgemm`."""
    backends: tuple[str, ...] | None = None
    """Delegates: `XnnpackBackend`."""
    operators: tuple[str, ...] | None = None
    """Every one that is registered: `aten::add.Tensor`."""


class Prepacked(Value, frozen=True, kw_only=True):
    """A model as an app's export makes it for one kind of CPU."""

    file: bytes
    operators: tuple[str, ...]
    """Root operators: `prepacked::conv2d_clamp_run`."""
    sqnr_db: int | None
    """Of its answers, the original's being the signal; `None`: the same bits."""


class Runner(Protocol):
    """Drives one measuring program; three methods and no state about devices."""

    name: str
    formats: frozenset[str]
    """Artifact formats it can load: `ptl`, `pt`, `pte`."""

    needs_cpu: bool
    """False only for a program that computes nothing, so needs no leased core."""

    def program(self, info: DeviceInfo) -> Program:
        """Find or build the program for a device.

        Raises:
            RunnerMissingError: There is none for its ABI; names the remedies.
            RunnerBuildError: It did not compile.
        """
        ...

    def command(self, request: LaunchRequest) -> Command:
        """The command line of one launch.

        Raises:
            LaunchError: The program cannot do what is asked.
        """
        ...

    def parse(
        self, result: CommandResult, artifact: Artifact, request: LaunchRequest
    ) -> Measurement:
        """Read what a launch printed; `request` is what it had been asked.

        Raises:
            LaunchError: It did not measure; classified, with the raw words.
        """
        ...


@runtime_checkable
class SupportsLibcChoice(Protocol):
    """A runner that has programs of several C libraries for one phone."""

    def choose_libc(self, libc: PhoneLibc) -> None:
        """Start only programs of this C library on phones."""
        ...


@runtime_checkable
class SupportsOutputs(Protocol):
    """A runner whose program can also report what a model answers, untimed."""

    def outputs_command(self, request: LaunchRequest, input_data_path: str) -> Command:
        """The command line of a launch that answers each set of inputs once.

        Args:
            request: As for a launch that measures; its counts are not looked at.
            input_data_path: On the device: the bytes of set after set, each its
                tensors in order, contiguous and little-endian.
        """
        ...

    def parse_outputs(self, result: CommandResult) -> tuple[tuple[RawTensor, ...], ...]:
        """The tensors of each answer, in the order of the inputs.

        Raises:
            LaunchError: It did not answer.
        """
        ...


@runtime_checkable
class SupportsPrepacking(Protocol):
    """A runner whose program can also make a model what an app's export would."""

    def prepack_command(self, request: LaunchRequest) -> Command:
        """The command line that makes it; the request's counts are not looked at."""
        ...

    def parse_prepacked(self, result: CommandResult) -> Prepacked:
        """Read what such a launch made.

        Raises:
            LaunchError: It made nothing, with the reason in the runtime's words.
        """
        ...


@runtime_checkable
class SupportsSpin(Protocol):
    """A runner whose program can also do fixed work, to measure how fast a phone is."""

    def spin_command(self, request: LaunchRequest, spin_ms: int) -> Command:
        """The command line of one spin of at least so long."""
        ...

    def parse_spin(self, result: CommandResult) -> float:
        """Nanoseconds per round of the work.

        Raises:
            LaunchError: It did not spin.
        """
        ...


@runtime_checkable
class SupportsDuration(Protocol):
    """A runner whose program can go on for a stated time: `min_duration_s`."""

    name: str
    can_last: bool


@runtime_checkable
class SupportsGeneration(Protocol):
    """A runner whose program can generate tokens: `LaunchRequest.generation`."""

    name: str
    can_generate: bool


@runtime_checkable
class SupportsProfile(Protocol):
    """A runner whose program can also observe the operators of its inferences."""

    def profile_command(self, request: LaunchRequest) -> Command:
        """The command line of a launch that observes as many as it measures."""
        ...

    def parse_profile(
        self, result: CommandResult, artifact: Artifact, request: LaunchRequest
    ) -> OperatorTimes:
        """Read what such a launch printed.

        Raises:
            LaunchError: It did not observe; classified, with the raw words.
        """
        ...


@runtime_checkable
class SupportsCapabilities(Protocol):
    """A runner whose program reports, without a model, what it can load."""

    def capabilities_command(
        self, program: DeviceFile, libraries: Sequence[DeviceFile]
    ) -> Command:
        """The command line that asks it."""
        ...

    def parse_capabilities(self, result: CommandResult) -> Capabilities:
        """Read its answer.

        Raises:
            LaunchError: It gave no answer.
        """
        ...
