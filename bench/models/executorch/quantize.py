"""Int8 builds for ExecuTorch, quantized as the delegate that runs them takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import torch
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.executorch.delegates import quantizer
from pocketbench.bench.models.executorch.program import refuse_norms_of_each_batch
from pocketbench.bench.models.summarize_exception import summarize_exception

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import fx

    from pocketbench.bench.models.inputs.inputs import InputSet

_KINDS = {
    "convolution": re.compile(r"aten\.(conv(_transpose)?[123]d|convolution)\.\w+"),
    "linear": re.compile(r"aten\.linear\.\w+"),
    "recurrent": re.compile(r"aten\.(lstm|gru|rnn_tanh|rnn_relu)\.\w+"),
}


class QuantizedGraph(NamedTuple):
    """A graph with its quantization written into it."""

    module: torch.nn.Module
    layers: dict[str, int]
    """Layers with weights, by kind."""
    quantized_count: int


def quantize_graph(
    graph: fx.GraphModule,
    calibration: Sequence[InputSet],
    *,
    is_dynamic: bool,
    delegate: str,
    name: str,
) -> QuantizedGraph:
    """Quantize an exported graph: weights per channel, activations per tensor.

    The calibration inputs show the ranges of the activations; of a dynamic build only
    the first is needed, to carry it through the graph.

    Raises:
        ExportError: It has an operation that cannot be quantized.
    """
    layers = layers_of(graph)
    refuse_norms_of_each_batch(graph.graph, name)
    try:
        chosen = quantizer(delegate, is_dynamic=is_dynamic)
        _drop_dtype_checks(graph)
        prepared = prepare_pt2e(graph, chosen)
        with torch.no_grad():
            for inputs in calibration[:1] if is_dynamic else calibration:
                prepared(*inputs)
        made = convert_pt2e(prepared)
    except Exception as error:
        raise ExportError(
            name,
            f"cannot be quantized by PT2E ({summarize_exception(error)})",
            "Keep to float32+executorch, or take out what the message names",
        ) from error
    return QuantizedGraph(made, layers, _quantized_layers(made))


def _drop_dtype_checks(graph: fx.GraphModule) -> None:
    """Take out the checks that the dtypes are those of the capture.

    Quantizers make real numbers of the scalars beside whole numbers, and the casts
    that follow bring their values back.
    """
    for node in list(graph.graph.nodes):
        if node.target is torch.ops.aten._assert_tensor_metadata.default:
            graph.graph.erase_node(node)
    graph.recompile()


def layers_of(graph: fx.GraphModule) -> dict[str, int]:
    """How many layers with weights there are: `convolution`, `linear`, `recurrent`."""
    targets = [str(node.target) for node in graph.graph.nodes]
    counts = {
        kind: sum(pattern.fullmatch(target) is not None for target in targets)
        for kind, pattern in _KINDS.items()
    }
    return {kind: count for kind, count in counts.items() if count}


def _quantized_layers(graph: fx.GraphModule) -> int:
    """Layers whose weights come out of a dequantization."""
    return sum(
        pattern.fullmatch(str(node.target)) is not None
        and len(node.args) > 1
        and "dequantize" in str(getattr(node.args[1], "target", ""))
        for node in graph.graph.nodes
        for pattern in _KINDS.values()
    )
