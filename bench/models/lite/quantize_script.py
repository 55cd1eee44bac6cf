"""Int8 builds of a TorchScript program, by torch's graph mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.ao import quantization
from torch.ao.quantization.quantize_jit import quantize_dynamic_jit, quantize_jit

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.lite.export import with_block_refused
from pocketbench.bench.models.lite.quantize import Quantized
from pocketbench.bench.models.state import fresh, kept_between_calls, restore
from pocketbench.bench.models.summarize_exception import summarize_exception

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.models.inputs.inputs import InputSet

_REMEDY = (
    "Give the model as module:factory, whose Python source can be quantized, "
    "or keep to float32"
)


def quantize_script_dynamic(
    script: torch.jit.ScriptModule, *, name: str, is_scripted: bool = False
) -> Quantized:
    """Quantize the linear layers' weights ahead, activations as they come.

    `is_scripted`: compiled here, of a model whose source is known.

    Raises:
        ExportError: Torch's graph mode does not know this program's form.
    """
    try:
        made = quantize_dynamic_jit(
            fresh(script), {"": quantization.default_dynamic_qconfig}
        )
    except Exception as error:
        named = f"{name} int8-dynamic"
        raise _refused(named, error, script, is_scripted=is_scripted) from error
    return Quantized(made)


def quantize_script_static(
    script: torch.jit.ScriptModule,
    calibration: Sequence[InputSet],
    *,
    name: str,
    is_scripted: bool = False,
) -> Quantized:
    """Quantize weights and activations, whose ranges the calibration inputs show.

    `is_scripted`: compiled here, of a model whose source is known.

    Raises:
        ExportError: Torch's graph mode does not know this program's form.
    """

    kept = kept_between_calls(script)

    def calibrate(observed: torch.jit.ScriptModule, sets: Sequence[InputSet]) -> None:
        with torch.no_grad():
            for inputs in sets:
                observed(*inputs)
        # What it keeps between calls must not be what the calibration left.
        restore(observed, kept)

    settings = quantization.QConfig(
        activation=quantization.HistogramObserver.with_args(reduce_range=False),
        weight=quantization.default_per_channel_weight_observer,
    )
    try:
        made = quantize_jit(
            fresh(script), {"": settings}, calibrate, [list(calibration)]
        )
    except Exception as error:
        named = f"{name} int8-static"
        raise _refused(named, error, script, is_scripted=is_scripted) from error
    return Quantized(made)


def _refused(
    name: str, error: Exception, script: torch.jit.ScriptModule, *, is_scripted: bool
) -> ExportError:
    if script.inlined_graph.findAllNodes("prim::Enter"):
        return with_block_refused(name, is_scripted=is_scripted)
    if is_scripted:
        dynamic = " and int8-dynamic" if name.endswith("static") else ""
        return ExportError(
            name,
            "torch cannot quantize what is compiled because it branches, loops or "
            "keeps a state",
            f"Keep to float32{dynamic}",
        )
    fact = (
        f"this TorchScript program cannot be quantized ({summarize_exception(error)})"
    )
    return ExportError(name, fact, _REMEDY)
