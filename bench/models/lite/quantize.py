"""Int8 builds of a model whose Python source is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import fx, nn
from torch.ao import quantization
from torch.ao.quantization.fx.custom_config import PrepareCustomConfig
from torch.ao.quantization.qconfig_mapping import (
    QConfigMapping,
    get_default_qconfig_mapping,
)
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.lite.clipping import (
    HistogramUpTo6,
    InFloat32,
    fold_relu6,
    keep_clips_in_float32,
)
from pocketbench.bench.models.lite.quantizable import (
    HistogramOfReals,
    in_quantizable_form,
)
from pocketbench.bench.models.state import fresh, restore
from pocketbench.bench.models.summarize_exception import summarize_exception

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.models.inputs.inputs import InputSet

ENGINE = "qnnpack"
"""The quantized engine of phones: weights are packed and run by it, here too."""

_DYNAMIC = {
    nn.Linear: quantization.per_channel_dynamic_qconfig,
    nn.LSTM: quantization.default_dynamic_qconfig,
    nn.GRU: quantization.default_dynamic_qconfig,
    nn.LSTMCell: quantization.default_dynamic_qconfig,
    nn.GRUCell: quantization.default_dynamic_qconfig,
    nn.RNNCell: quantization.default_dynamic_qconfig,
}
"""The layers torch can quantize dynamically; convolutions are not among them."""


_WITHOUT_KERNEL = (
    *(nn.Conv3d, nn.ConvTranspose3d, nn.intrinsic.ConvReLU3d),
    *(nn.functional.conv3d, nn.functional.conv_transpose3d),
)
"""What QNNPACK does not compute in int8."""


class Quantized(NamedTuple):
    """A quantized module, and what became of the original's layers."""

    module: nn.Module
    layers: tuple[str, ...] = ()
    """Names of the quantized layers, where the original names them."""
    folded_relu6: int = 0


def takes_dynamic(module: nn.Module) -> bool:
    """Whether it has a layer that torch quantizes dynamically."""
    return any(type(x) in _DYNAMIC and not _is_projected(x) for x in module.modules())


def _is_projected(layer: nn.Module) -> bool:
    """Whether torch would leave a projection out, and so answer something else."""
    return isinstance(layer, nn.LSTM) and bool(layer.proj_size)


def quantize_dynamic(module: nn.Module, *, name: str) -> Quantized:
    """Quantize weights ahead, activations as they come; no calibration.

    Raises:
        ExportError: A layer is of a form that torch does not replace.
    """
    # Only what is inside a module is replaced, never the module itself.
    is_layer = type(module) in _DYNAMIC
    whole = nn.Sequential(module) if is_layer else module
    try:
        copied = fresh(whole)
        for layer in copied.modules():
            if _is_projected(layer):
                layer.qconfig = None
        made = quantization.quantize_dynamic(copied, _DYNAMIC)
    except Exception as error:
        raise ExportError(
            f"{name} int8-dynamic",
            f"its layers cannot be quantized ({summarize_exception(error)})",
            "Keep to float32, or write the layer that the message names as a plain "
            "torch.nn layer",
        ) from error
    return Quantized(made, () if is_layer else _quantized_layers(made))


def quantize_static(
    module: nn.Module, calibration: Sequence[InputSet], *, name: str
) -> Quantized:
    """Quantize weights and activations, whose ranges the calibration inputs show.

    Per-channel weights, histograms of the activations.

    Raises:
        ExportError: The model's control flow cannot be traced by torch.fx, or it
            has an operation that cannot be quantized.
    """
    try:
        graph = fx.symbolic_trace(in_quantizable_form(fresh(module)))
        folded = fold_relu6(graph)
        keep_clips_in_float32(graph)
        hidden = PrepareCustomConfig().set_non_traceable_module_classes([InFloat32])
        own = {name for name, _ in graph.named_buffers()}
        prepared = prepare_fx(
            graph.eval(),
            _mapping(folded),
            calibration[0],
            prepare_custom_config=hidden,
        )
        buffers = {
            name: x.clone() for name, x in prepared.named_buffers() if name in own
        }
        with torch.no_grad():
            for inputs in calibration:
                prepared(*inputs)
        restore(prepared, buffers)
        made = convert_fx(prepared)
    except Exception as error:
        raise ExportError(
            f"{name} int8-static",
            f"cannot be quantized by torch.fx ({summarize_exception(error)})",
            "Give it as TorchScript (.pt), or keep to float32 and int8-dynamic",
        ) from error
    return Quantized(made, _quantized_layers(made), len(folded))


def _mapping(folded: Sequence[str]) -> QConfigMapping:
    usual = quantization.QConfig(
        activation=HistogramOfReals.with_args(reduce_range=False),
        weight=quantization.default_per_channel_weight_observer,
    )
    mapping = get_default_qconfig_mapping(ENGINE).set_global(usual)
    for kind in _WITHOUT_KERNEL:
        mapping.set_object_type(kind, None)
    up_to_6 = quantization.QConfig(
        activation=HistogramUpTo6.with_args(reduce_range=False), weight=usual.weight
    )
    for layer in folded:
        mapping.set_module_name(layer, up_to_6)
    return mapping


def _quantized_layers(module: nn.Module) -> tuple[str, ...]:
    """Names of the layers that hold quantized weights; recurrent ones hold several."""
    return tuple(
        name.removeprefix("module.")
        for name, layer in module.named_modules()
        if type(layer).__module__.startswith("torch.ao.nn.")
        and (hasattr(layer, "weight") or hasattr(layer, "_all_weight_values"))
    )
