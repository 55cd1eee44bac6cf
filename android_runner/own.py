"""Our own measuring programs: how they are found, started and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from pocketbench.android_runner import native_programs
from pocketbench.android_runner.auxiliary_output import (
    read_capabilities,
    read_operator_times,
    read_outputs,
    read_prepacked,
    read_spin,
)
from pocketbench.android_runner.build.linux_build import (
    build_here,
    build_with_c_library,
    linux_abis,
)
from pocketbench.android_runner.linux_programs import LinuxPrograms
from pocketbench.android_runner.native_programs import NativePrograms
from pocketbench.android_runner.runner_protocol import read_generation, read_measurement

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import (
        CommandResult,
        DeviceInfo,
    )
    from pocketbench.bench.records.launch import Measurement
    from pocketbench.bench.records.operator_times import OperatorTimes
    from pocketbench.bench.records.plan import PhoneLibc, RunnerChoice
    from pocketbench.bench.records.runner import (
        Capabilities,
        LaunchRequest,
        Prepacked,
        Program,
        RawTensor,
    )


class NativeRunner:
    """Drives one engine's program; compiles it for this computer on first use."""

    name: str
    formats: frozenset[str]
    needs_cpu = True
    can_last = True
    runs_on_any_libc: ClassVar[bool] = False
    """Linked statically: it runs wherever its ABI does."""

    command = staticmethod(native_programs.native_command)
    outputs_command = staticmethod(native_programs.outputs_command)
    profile_command = staticmethod(native_programs.profile_command)
    spin_command = staticmethod(native_programs.spin_command)
    capabilities_command = staticmethod(native_programs.capabilities_command)

    def __init__(
        self, programs: tuple[RunnerChoice, ...], progress: Callable[[str], None]
    ) -> None:
        """Take the programs given with `--runner NAME=PATH[@ABI]`."""
        self._programs = NativePrograms(
            self.name,
            programs,
            lambda: build_here(self.name, progress),
            linux=None
            if self.runs_on_any_libc
            else LinuxPrograms(
                self.name,
                linux_abis,
                lambda abi: build_with_c_library(self.name, abi, progress),
                progress,
            ),
            any_libc=self.runs_on_any_libc,
        )

    def choose_libc(self, libc: PhoneLibc) -> None:
        """Start only programs of this C library on phones."""
        self._programs.libc = libc

    def program(self, info: DeviceInfo) -> Program:
        """A given one, else ours for this computer, else one built for its ABI.

        Raises:
            RunnerMissingError: There is none for its ABI; names the remedies.
            RunnerBuildError: Ours did not compile.
            ToolMissingError: Ours cannot be compiled here.
        """
        return self._programs.program(info)

    def parse(
        self,
        result: CommandResult,
        artifact: Artifact,
        request: LaunchRequest | None = None,
    ) -> Measurement:
        """Read what a launch measured.

        Raises:
            LaunchError: It did not measure, with the reason in the runtime's words.
        """
        subject = f"{artifact.model} {artifact.variant}"
        generates = request is not None and request.generation is not None
        read = read_generation if generates else read_measurement
        return read(result, runner=self.name, subject=subject)

    def parse_outputs(self, result: CommandResult) -> tuple[tuple[RawTensor, ...], ...]:
        """The tensors of each answer, in the order of the inputs.

        Raises:
            LaunchError: It did not answer.
        """
        return read_outputs(result, subject=self.name)

    def parse_profile(
        self,
        result: CommandResult,
        artifact: Artifact,
        request: LaunchRequest | None = None,
    ) -> OperatorTimes:
        """Read what such a launch observed.

        Raises:
            LaunchError: It did not observe, with the reason in the runtime's words.
        """
        subject = f"{artifact.model} {artifact.variant}"
        return read_operator_times(result, runner=self.name, subject=subject)

    def parse_spin(self, result: CommandResult) -> float:
        """Nanoseconds per round of the work.

        Raises:
            LaunchError: It did not spin.
        """
        return read_spin(result, subject=self.name)

    def parse_capabilities(self, result: CommandResult) -> Capabilities:
        """What it can load.

        Raises:
            LaunchError: It did not say.
        """
        return read_capabilities(result, subject=self.name)


_INTERPRETERS_OWN = (
    "aten::Bool.Tensor",
    "aten::__is__",
    "aten::__isnot__",
    "aten::__not__",
    "aten::dim",
    "aten::format",
)
"""The interpreter has these itself (torch/csrc/jit/mobile/promoted_prim_ops.cpp); a
runtime built for phones does not name them among its operators."""


class LiteRunner(NativeRunner):
    """Measures `.ptl` files."""

    name = "lite"
    formats = frozenset({"ptl"})
    prepack_command = staticmethod(native_programs.prepack_command)

    def parse_capabilities(self, result: CommandResult) -> Capabilities:
        """What it can load, the interpreter's own operators included.

        Raises:
            LaunchError: Its answer cannot be read.
        """
        capabilities = super().parse_capabilities(result)
        if capabilities.operators is None:
            return capabilities
        operators = (*capabilities.operators, *_INTERPRETERS_OWN)
        return msgspec.structs.replace(capabilities, operators=operators)

    def parse_prepacked(self, result: CommandResult) -> Prepacked:
        """The prepacked model.

        Raises:
            LaunchError: There is none, with the reason in the runtime's words.
        """
        return read_prepacked(result, subject=self.name)


class ExecutorchRunner(NativeRunner):
    """Measures `.pte` files."""

    name = "executorch"
    formats = frozenset({"pte"})
    can_generate = True


class NullRunner(NativeRunner):
    """Answers the runner protocol at once; it opens no model and needs no runtime.

    Its latencies are the real times of an empty forward call: what is left is the cost
    of the harness.
    """

    name = "null"
    formats = frozenset({"ptl", "pt", "pte", "tflite", "onnx", "ort"})
    needs_cpu = False
    can_generate = True
    runs_on_any_libc = True
