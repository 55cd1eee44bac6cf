"""What it means for a number that a phone's program brought Linux's C library along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.records.caveat import Caveat

if TYPE_CHECKING:
    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import DeviceInfo
    from pocketbench.bench.records.run import ReadyProgram

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


def foreign_caveats(
    program: ReadyProgram, info: DeviceInfo, artifact: Artifact
) -> tuple[Caveat, ...]:
    """What is to be said of a model's numbers by such a program.

    Args:
        program: What measured it.
        info: The device.
        artifact: The file that it loaded.
    """
    if program.loader is None or program.libc == info.libc:
        return ()
    if artifact.engine != "lite":
        return (Caveat.FOREIGN_LIBC,)
    operators = {name.partition(".")[0] for name in artifact.operators}
    kernels = (Caveat.FOREIGN_KERNELS,) if operators & _FLOAT_KERNELS else ()
    return (Caveat.FOREIGN_LIBC, *kernels, Caveat.FOREIGN_MEMORY)
