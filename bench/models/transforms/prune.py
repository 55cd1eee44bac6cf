"""Take whole channels out of a model: what is left is smaller and has less to compute.

Only channels nobody outside can see go: those between a layer and the one layer that
reads it, with only channelwise operations between the two. In MobileNetV2 that
is the wide middle of every block, in ResNet-18 the middle of every block, in a
transformer the wide middle of its linear layers. The channels whose weights have the
smallest L2 norm go first (Li et al., 2017, arXiv:1608.08710, take the L1 norm).
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import fx, nn

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.summarize_exception import summarize_exception

_CHANNELWISE = (
    nn.ReLU,
    nn.ReLU6,
    nn.GELU,
    nn.SiLU,
    nn.ELU,
    nn.LeakyReLU,
    nn.Hardtanh,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Sigmoid,
    nn.Tanh,
    nn.Dropout,
    nn.Dropout2d,
    nn.Identity,
)
_CHANNELWISE_CALLS = (
    F.relu,
    F.relu6,
    F.gelu,
    F.silu,
    F.leaky_relu,
    F.hardtanh,
    F.hardswish,
    F.dropout,
    torch.relu,
    torch.sigmoid,
    torch.tanh,
)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
"""Channelwise too, but of images alone: in a sequence they would pool the features."""
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class Chain(NamedTuple):
    """A layer, the one that reads it, and the channelwise layers between them."""

    first: str
    between: tuple[str, ...]
    """Batch norms and depthwise convolutions: they have weights of each channel."""
    last: str


class Pruned(NamedTuple):
    """A smaller model, and what became of the original's."""

    module: nn.Module
    changed: str


def prune(module: nn.Module, share: float, *, name: str) -> Pruned:
    """Take a share of the inner channels out of a copy of a model, for good.

    Raises:
        ExportError: Its way of computing cannot be followed, or no channel is inner.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise ExportError(
            name,
            "a TorchScript file's layers cannot be taken apart",
            "Give the model as module:factory",
        )
    smaller = copy.deepcopy(module)
    try:
        graph = fx.symbolic_trace(smaller).graph
    except Exception as error:
        raise ExportError(
            name,
            f"torch.fx cannot follow how it computes ({summarize_exception(error)})",
            "Take out what the message names",
        ) from error
    layers = dict(smaller.named_modules())
    before = _parameter_count(smaller)
    removed = total = 0
    chains = inner_chains(graph, layers)
    for chain in chains:
        count = _outputs(layers[chain.first])
        kept = _strongest(layers[chain.first], count - int(count * share))
        removed += count - len(kept)
        total += count
        _keep(layers, chain, kept)
    if removed == 0:
        raise ExportError(
            name,
            "it has no prunable channels: between two layers and seen by no other",
            "Prune it by hand and give it as module:factory",
        )
    after = _parameter_count(smaller)
    return Pruned(
        smaller,
        f"precision unchanged; {removed} of {total} inner channels taken out of "
        f"{len(chains)} {'layer' if len(chains) == 1 else 'layers'}, "
        f"{100 * after / before:.0f} % of the parameters left",
    )


def inner_chains(graph: fx.Graph, layers: dict[str, nn.Module]) -> tuple[Chain, ...]:
    """Every pair of layers between which channels may go."""
    calls = Counter(x.target for x in graph.nodes if x.op == "call_module")
    # What reads a layer's weight by itself, as tied weights do, sees its channels.
    read = {x.target.rpartition(".")[0] for x in graph.nodes if x.op == "get_attr"}
    once = {name for name, count in calls.items() if count == 1} - read
    found = (_chain_from(node, layers, once) for node in graph.nodes)
    return tuple(chain for chain in found if chain is not None)


def _chain_from(
    node: fx.Node, layers: dict[str, nn.Module], once: set[str]
) -> Chain | None:
    first = _layer(node, layers, once)
    if not (_is_plain_convolution(first) or isinstance(first, nn.Linear)):
        return None
    between: list[str] = []
    here = node
    while len(here.users) == 1:
        (here,) = here.users
        layer = _layer(here, layers, once)
        if here.op == "call_function":
            if here.target not in _CHANNELWISE_CALLS:
                return None
        elif isinstance(layer, _NORMS) or _is_depthwise(layer):
            if isinstance(first, nn.Linear):
                return None
            between.append(str(here.target))
        elif type(layer) is type(first) and not _is_grouped(layer):
            return Chain(str(node.target), tuple(between), str(here.target))
        elif not isinstance(layer, _CHANNELWISE) and not (
            isinstance(layer, _POOLS) and isinstance(first, nn.Conv2d)
        ):
            return None
    return None


def _layer(
    node: fx.Node, layers: dict[str, nn.Module], once: set[str]
) -> nn.Module | None:
    """The layer that a node alone calls, on the value before it only."""
    if node.op != "call_module" or len(node.args) != 1 or node.kwargs:
        return None
    return layers[node.target] if node.target in once else None


def _is_plain_convolution(layer: nn.Module | None) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.groups == 1


def _is_depthwise(layer: nn.Module | None) -> bool:
    return (
        isinstance(layer, nn.Conv2d)
        and layer.groups == layer.in_channels == layer.out_channels > 1
    )


def _is_grouped(layer: nn.Module | None) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.groups > 1


def _outputs(layer: nn.Module) -> int:
    return int(layer.weight.shape[0])


def _strongest(layer: nn.Module, count: int) -> torch.Tensor:
    """The channels with the largest weights, at least one, in their own order."""
    norms = layer.weight.detach().flatten(1).norm(dim=1)
    return norms.topk(max(count, 1)).indices.sort().values


def _keep(layers: dict[str, nn.Module], chain: Chain, kept: torch.Tensor) -> None:
    for name in (chain.first, *chain.between):
        layer = layers[name]
        for key, value in [*layer.named_parameters(), *layer.named_buffers()]:
            if value.dim():
                _replace(layer, key, value.detach()[kept])
        _set_sizes(layer, len(kept))
    last = layers[chain.last]
    _replace(last, "weight", last.weight.detach()[:, kept])
    _set_input_size(last, len(kept))


def _replace(layer: nn.Module, key: str, value: torch.Tensor) -> None:
    if key in dict(layer.named_parameters()):
        value = nn.Parameter(value, requires_grad=False)
    setattr(layer, key, value)


def _set_sizes(layer: nn.Module, count: int) -> None:
    if isinstance(layer, _NORMS):
        layer.num_features = count
    elif isinstance(layer, nn.Linear):
        layer.out_features = count
    else:
        layer.out_channels = count
        if layer.groups > 1:
            layer.in_channels = layer.groups = count


def _set_input_size(layer: nn.Module, count: int) -> None:
    if isinstance(layer, nn.Linear):
        layer.in_features = count
    else:
        layer.in_channels = count


def _parameter_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
