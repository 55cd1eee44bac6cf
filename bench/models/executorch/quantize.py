"""Int8 builds for ExecuTorch, quantized as the delegate that runs them takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import torch
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.executorch.delegates import quantizer
from pocketbench.bench.models.executorch.program import refuse_norms_of_each_batch
from pocketbench.bench.models.executorch.ranges import joined_too_widely
from pocketbench.bench.models.state import fresh, restore
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
_JOINS = re.compile(r"aten\.((add|mul)_?\.Tensor|cat\.default)")
"""What is quantized besides layers, and need not be."""
_LOGARITHM = re.compile(r"aten\.log(2|10)?_?\.default")
_WEIGHT = re.compile(r"(^|\.)weight(_ih_l0)?$")


class QuantizedGraph(NamedTuple):
    """A graph with its quantization written into it."""

    module: torch.nn.Module
    layers: dict[str, int]
    """Layers with weights, by kind."""
    quantized_count: int
    kept_float: tuple[str, ...]
    """Names of the others."""


def quantize_graph(
    graph: fx.GraphModule,
    calibration: Sequence[InputSet],
    *,
    is_dynamic: bool,
    delegate: str,
    kept: str = "",
    name: str,
) -> QuantizedGraph:
    """Quantize an exported graph: weights per channel, activations per tensor.

    The calibration inputs show the ranges of the activations; of a dynamic build only
    the first is needed, to carry it through the graph. Layers of the kind `kept` stay
    in float32, for XNNPACK.

    Raises:
        ExportError: It has an operation that cannot be quantized.
    """
    layers, names = layers_of(graph), _layer_names(graph)
    refuse_norms_of_each_batch(graph.graph, name)
    try:
        chosen = quantizer(delegate, is_dynamic=is_dynamic)
        if delegate in ("xnnpack", "portable"):
            joined = [x for x in graph.graph.nodes if _JOINS.fullmatch(str(x.target))]
            sets = () if is_dynamic else calibration
            wide = joined_too_widely(fresh(graph), joined, sets)
            real = wide | _before_logarithms(graph)
            chosen.set_filter_function(
                lambda node: (
                    _takes_reals(node) and _kind(node) != kept and node.name not in real
                )
            )
        if is_dynamic and delegate == "xnnpack":
            _flatten_linear_inputs(graph)
        _drop_dtype_checks(graph)
        # Its buffers are the model's own, which calls would change.
        graph = fresh(graph)
        buffers = {name: x.detach().clone() for name, x in graph.named_buffers()}
        prepared = prepare_pt2e(graph, chosen)
        with torch.no_grad():
            for inputs in calibration[:1] if is_dynamic else calibration:
                prepared(*inputs)
        made = convert_pt2e(prepared)
        own = {name for name, _ in made.named_buffers()} & buffers.keys()
        restore(made, {name: buffers[name] for name in own})
    except Exception as error:
        raise ExportError(
            name,
            f"cannot be quantized by PT2E ({summarize_exception(error)})",
            "Keep to float32+executorch, or take out what the message names",
        ) from error
    in_int8 = _quantized_layers(made)
    kept_float = tuple(names[x] for x in names if x not in in_int8)
    return QuantizedGraph(made, layers, len(in_int8), kept_float)


def _takes_reals(node: fx.Node) -> bool:
    """Whether none of its tensors is of whole numbers, which no kernel quantizes."""
    values = [given.meta.get("val") for given in node.all_input_nodes]
    return all(
        value.is_floating_point() for value in values if isinstance(value, torch.Tensor)
    )


def _before_logarithms(graph: fx.GraphModule) -> set[str]:
    """What lies between layers and a logarithm, to which 0 is not near 1e-10."""
    found: set[str] = set()
    for node in reversed(graph.graph.nodes):
        if _kind(node) is None and any(
            x.name in found or _LOGARITHM.fullmatch(str(x.target)) for x in node.users
        ):
            found.add(node.name)
    return found


def _flatten_linear_inputs(graph: fx.GraphModule) -> None:
    """Give linear layers their inputs in two dimensions.

    Of an image whose channels come last in four, XNNPACK's partitioner changes the
    layout between its quantization and the layer, and can lower neither.
    """
    for node in list(graph.graph.nodes):
        if _kind(node) != "linear" or node.args[0].meta["val"].dim() < 4:
            continue
        given, made = node.args[0].meta["val"], node.meta["val"]
        with graph.graph.inserting_before(node):
            flat = _reshaped(graph, node.args[0], given, (-1, given.shape[-1]))
        node.replace_input_with(node.args[0], flat)
        with graph.graph.inserting_after(node):
            back = _reshaped(graph, node, made, tuple(made.shape))
        node.meta["val"] = made.reshape(-1, made.shape[-1])
        node.replace_all_uses_with(back)
        back.update_arg(0, node)
    graph.recompile()


def _reshaped(
    graph: fx.GraphModule, node: fx.Node, value: torch.Tensor, shape: Sequence[int]
) -> fx.Node:
    made = graph.graph.call_function(
        torch.ops.aten.reshape.default, (node, list(shape))
    )
    made.meta["val"] = value.reshape(shape)
    return made


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
    kinds = [_kind(node) for node in graph.graph.nodes]
    return {kind: kinds.count(kind) for kind in _KINDS if kind in kinds}


def _kind(node: fx.Node) -> str | None:
    target = str(node.target)
    return next((x for x, form in _KINDS.items() if form.fullmatch(target)), None)


def _layer_names(graph: fx.GraphModule) -> dict[str, str]:
    """Of each layer's node, what its weight is called in the model, less `.weight`."""
    found = {}
    for node in graph.graph.nodes:
        if _kind(node) is not None:
            given = [x for x in node.all_input_nodes if x.op == "get_attr"]
            own = str(given[0].target) if given else node.name
            own = _WEIGHT.sub("", own).removeprefix("module.")
            found[node.name] = own or "module"
    return found


def _quantized_layers(graph: fx.GraphModule) -> set[str]:
    """Layers whose weights come out of a dequantization."""
    return {
        node.name
        for node in graph.graph.nodes
        if _kind(node) is not None
        and len(node.args) > 1
        and "dequantize" in str(getattr(node.args[1], "target", ""))
    }
