"""Int8 programs for ExecuTorch: what a delegate cannot compute so stays in float32."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.layers import Layers
from pocketbench.bench.models.executorch.lowered import Lowered, Target, lower_checked
from pocketbench.bench.models.executorch.program import export_graph
from pocketbench.bench.models.executorch.quantize import QuantizedGraph, quantize_graph
from pocketbench.bench.models.transforms import changes

if TYPE_CHECKING:
    import torch

    from pocketbench.bench.models.inputs.inputs import InputSet

logger = logging.getLogger(__name__)

_KEPT_IN_TURN = ("", "convolution", "linear")
"""What XNNPACK fails at is a kind of layer in some place between others: where one
fails, the next keeps that kind in float32."""


class Int8Program(NamedTuple):
    """A quantized program as a file."""

    lowered: Lowered
    changed: str
    kept_float: tuple[str, ...]
    """Layers with weights that stay in float32."""


def lower_int8(
    program: torch.export.ExportedProgram,
    example: InputSet,
    target: Target,
    *,
    is_dynamic: bool,
    say: Callable[[str], None],
) -> Int8Program:
    """Quantize a program and lower it, with as many layers in int8 as answer rightly.

    Raises:
        ExportError: It cannot be quantized, or no way of it can be lowered.
    """
    failed: ExportError | None = None
    for kept in _KEPT_IN_TURN if target.delegate == "xnnpack" else _KEPT_IN_TURN[:1]:
        try:
            quantized = quantize_graph(
                program.module(),
                target.sets.calibration,
                is_dynamic=is_dynamic,
                delegate=target.delegate,
                kept=kept,
                name=target.name,
            )
            if kept and (not quantized.quantized_count or kept not in quantized.layers):
                continue
            _refuse_nothing_quantized(quantized, is_dynamic=is_dynamic, target=target)
            say(f"lowering ({target.delegate})")
            lowered = lower_checked(
                export_graph(quantized.module, example, name=target.name), target
            )
        except ExportError as refused:
            logger.debug("%s", refused)
            failed = failed or refused
            continue
        return Int8Program(lowered, _changed(quantized), quantized.kept_float)
    assert failed is not None
    raise failed


def _refuse_nothing_quantized(
    quantized: QuantizedGraph, *, is_dynamic: bool, target: Target
) -> None:
    if is_dynamic or not quantized.layers or quantized.quantized_count:
        return
    raise ExportError(
        target.name,
        f"none of its {sum(quantized.layers.values())} layers "
        f"({', '.join(quantized.layers)}) could be quantized: PT2E knows no "
        "quantized form of them",
        "Keep to float32+executorch; int8-dynamic quantizes LSTM and GRU layers, too, "
        "with --engine lite"
        if "recurrent" in quantized.layers
        else "Keep to float32+executorch",
    )


def _changed(quantized: QuantizedGraph) -> str:
    before = Layers(by_kind=quantized.layers, quantized=0, batch_norms=0)
    left = sum(quantized.layers.values()) - quantized.quantized_count
    after = Layers(
        by_kind={"float32": left} if left else {},
        quantized=quantized.quantized_count,
        batch_norms=0,
    )
    return changes.quantized(before, after, ())
