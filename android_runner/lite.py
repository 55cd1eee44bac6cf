"""pocketbench's own runner for PyTorch's lite interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from android_runner.native_runner import NativeRunner

if TYPE_CHECKING:
    from bench.device import CommandResult
    from bench.runner import Capabilities

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

    def parse_capabilities(self, result: CommandResult) -> Capabilities:
        """What it can load, the interpreter's own operators included.

        Raises:
            LaunchError: It did not tell.
        """
        told = super().parse_capabilities(result)
        operators = (*(told.operators or ()), *_INTERPRETERS_OWN)
        return msgspec.structs.replace(told, operators=operators)
