"""What it means for a number that a phone's program brought Linux's C library along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.records.caveat import Caveat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import DeviceInfo
    from pocketbench.bench.records.run import DeviceReady, ReadyProgram
    from pocketbench.bench.records.runner import Program

_FLOAT_KERNELS = frozenset(
    {
        "aten::conv1d",
        "aten::conv2d",
        "aten::conv3d",
        "aten::conv_transpose2d",
        "aten::_convolution",
        "aten::convolution",
        "aten::linear",
        "aten::addmm",
        "aten::mm",
        "aten::bmm",
        "aten::matmul",
    }
)
"""Those that a mobile build computes with XNNPACK, and a server build does not."""


def is_foreign(program: Program | ReadyProgram, info: DeviceInfo) -> bool:
    """Whether a program brings another C library than the device's along."""
    return program.loader is not None and program.libc != info.libc


def runs_float_kernels(operators: Iterable[str]) -> bool:
    """Whether any of these is computed otherwise in a mobile build, see above."""
    return not _FLOAT_KERNELS.isdisjoint(x.partition(".")[0] for x in operators)


def foreign_caveats(
    program: ReadyProgram, ready: DeviceReady, artifact: Artifact
) -> tuple[Caveat, ...]:
    """What is to be said of a model's numbers by such a program.

    Args:
        program: What measured it.
        ready: The device, and what it loads instead of exported models.
        artifact: The exported model.
    """
    if not is_foreign(program, ready.device):
        return ()
    if artifact.engine != "lite":
        return (Caveat.FOREIGN_LIBC,)
    packed = [x for x in ready.prepacked if x.artifact_sha256 == artifact.sha256]
    operators = packed[0].operators if packed else artifact.operators
    kernels = (Caveat.FOREIGN_KERNELS,) if runs_float_kernels(operators) else ()
    return (Caveat.FOREIGN_LIBC, *kernels, Caveat.FOREIGN_MEMORY)
