"""Clipped activations in int8 models, without torch's clamp of quantized tensors.

QNNPACK's clamp, as torch calls it, permutes a channels-last tensor: it writes its
result in the input's order and labels it contiguous. Convolutions give channels-last
tensors, so a ReLU6 after one gives noise (measured with torch 2.13). After a layer it
is not needed either: an output whose range ends at 6 saturates there for nothing.
Elsewhere these operations stay in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.ao.quantization import HistogramObserver

_CLIPPING_MODULES = (nn.ReLU6, nn.Hardtanh)
_CLIPPING_FUNCTIONS = (F.relu6, F.hardtanh, torch.clamp, torch.clip)
_CLIPPING_METHODS = {
    "clamp": torch.clamp,
    "clamp_": torch.clamp,
    "clip": torch.clip,
    "clip_": torch.clip,
}

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_FOLDING_LAYERS = (*_CONVOLUTIONS, nn.Linear)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class HistogramUpTo6(HistogramObserver):  # type: ignore[misc]  # torch is not followed
    """Observes what a ReLU6 would let through."""

    def forward(self, observed: torch.Tensor) -> torch.Tensor:
        """Note the values, those above 6 as 6."""
        super().forward(observed.clamp(max=6.0))
        return observed


class InFloat32(nn.Module):  # type: ignore[misc]
    """Hides an operation from quantization, which leaves unknown modules alone."""

    def __init__(self, operation: Callable[..., Any]) -> None:
        """Take a module or a function."""
        super().__init__()
        self.operation = operation

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return self.operation(*args, **kwargs)


def keep_clips_in_float32(graph: fx.GraphModule) -> None:
    """Hide what `fold_relu6` could not fold; a qconfig of None would not do.

    Torch lowers an operation between two quantized ones to a quantized one even then.
    """
    modules = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        operation = _clip_of(node, modules)
        if operation is None:
            continue
        name = f"float32_{node.name}"
        graph.add_submodule(name, InFloat32(operation))
        with graph.graph.inserting_before(node):
            hidden = graph.graph.call_module(name, node.args, node.kwargs)
        node.replace_all_uses_with(hidden)
        graph.graph.erase_node(node)
    graph.delete_all_unused_submodules()
    graph.recompile()


def _clip_of(node: fx.Node, modules: dict[str, nn.Module]) -> Callable[..., Any] | None:
    if node.op == "call_module":
        module = modules[node.target]
        return module if isinstance(module, _CLIPPING_MODULES) else None
    if node.op == "call_function":
        return node.target if node.target in _CLIPPING_FUNCTIONS else None
    return _CLIPPING_METHODS.get(node.target) if node.op == "call_method" else None


def fold_relu6(graph: fx.GraphModule) -> list[str]:
    """Turn each ReLU6 right after a layer into a ReLU, which fuses with the layer.

    Returns the layers' names. Their outputs must then be quantized with a range that
    ends at 6, or the ReLU6 is lost.
    """
    modules = dict(graph.named_modules())
    calls: dict[str, int] = {}
    for node in graph.graph.nodes:
        if node.op == "call_module":
            calls[node.target] = calls.get(node.target, 0) + 1
    folded = []
    for node in list(graph.graph.nodes):
        layer = _layer_before(node, modules) if _is_relu6(node, modules) else None
        # A layer that is called elsewhere too has one range for all its calls.
        if layer is None or calls[layer.target] > 1:
            continue
        name = f"relu6_of_{layer.name}"
        graph.add_submodule(name, nn.ReLU())
        with graph.graph.inserting_before(node):
            relu = graph.graph.call_module(name, (node.args[0],))
        node.replace_all_uses_with(relu)
        graph.graph.erase_node(node)
        folded.append(str(layer.target))
    graph.delete_all_unused_submodules()
    graph.recompile()
    return folded


def _is_relu6(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if not node.args:
        return False
    if node.op == "call_module":
        return isinstance(modules[node.target], nn.ReLU6)
    return node.op == "call_function" and node.target is F.relu6


def _layer_before(node: fx.Node, modules: dict[str, nn.Module]) -> fx.Node | None:
    """The layer whose output, normalised or not, this node alone takes."""
    before = node.args[0]
    if not _is_alone(before, modules, _NORMS):
        return before if _is_alone(before, modules, _FOLDING_LAYERS) else None
    layer = before.args[0]
    return layer if _is_alone(layer, modules, _CONVOLUTIONS) else None


def _is_alone(
    node: object, modules: dict[str, nn.Module], kinds: tuple[type, ...]
) -> TypeGuard[fx.Node]:
    """Whether a node calls one of these layers, with one user of its result."""
    return (
        isinstance(node, fx.Node)
        and bool(node.args)
        and node.op == "call_module"
        and isinstance(modules[node.target], kinds)
        and len(node.users) == 1
    )
