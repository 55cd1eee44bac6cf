"""Find tensors that int8 cannot hold, because their values lie too far apart or near 0.

A mask that is added before a softmax holds 0 and -1e9 or -inf. With it, all scores get
one of 256 levels. So do factors of 1e-4 and what they give: a scale has a least size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import fx

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pocketbench.bench.models.inputs.inputs import InputSet

_LEAST_SCALE = 2**-12
"""Of activations, in XNNPACK's configuration."""
_LEVELS = 256
_LEAST_LEVELS = 16
"""The values on the two sides of the widest gap shall have so many levels together."""
_PRODUCTS = (torch.ops.aten.mul.Tensor, torch.ops.aten.mul_.Tensor)


def joined_too_widely(
    graph: fx.GraphModule, nodes: Iterable[fx.Node], sets: Sequence[InputSet]
) -> frozenset[str]:
    """Names of those nodes that take or give a tensor that int8 cannot hold.

    The graph is run with each set of inputs; its state changes.
    """
    nodes = tuple(nodes)
    seen = {x.name for node in nodes for x in (node, *node.all_input_nodes)}
    run = _Watching(graph, seen)
    with torch.no_grad():
        for inputs in sets if nodes else ():
            run.run(*inputs)
    return frozenset(node.name for node in nodes if _is_lost(node, run))


def _is_lost(node: fx.Node, run: _Watching) -> bool:
    given = [x.name for x in node.all_input_nodes]
    if run.wide.intersection((node.name, *given)):
        return True
    whole, parts = run.largest.get(node.name, 0.0), [run.largest.get(x) for x in given]
    if _is_small(whole, _LEAST_SCALE):
        return True
    if node.target in _PRODUCTS:
        scalars = [x for x in node.args if isinstance(x, float | int)]
        return any(_is_small(x, _LEAST_SCALE) for x in (*parts, *scalars) if x)
    # Small terms of a sum are lost all the same; small parts stand for themselves.
    is_cat = node.target is torch.ops.aten.cat.default
    return is_cat and any(_is_small(x, whole / _LEVELS) for x in parts if x)


class _Watching(fx.Interpreter):  # type: ignore[misc]  # torch is not followed
    """Runs a graph and looks at some of its values."""

    def __init__(self, graph: fx.GraphModule, names: set[str]) -> None:
        super().__init__(graph)
        self.wide: set[str] = set()
        self.largest: dict[str, float] = {}
        """Of all inputs."""
        self._names = names

    def run_node(self, n: fx.Node) -> object:
        value = super().run_node(n)
        is_asked = n.name in self._names and n.name not in self.wide
        if (
            is_asked
            and isinstance(value, torch.Tensor)
            and value.is_floating_point()
            and value.numel()
        ):
            if _is_wide(value.detach()):
                self.wide.add(n.name)
            largest = float(value.detach().abs().max())
            self.largest[n.name] = max(largest, self.largest.get(n.name, 0.0))
        return value


def _is_small(value: float, scale: float) -> bool:
    return 0 < abs(value) < _LEAST_LEVELS * scale


def _is_wide(value: torch.Tensor) -> bool:
    if not value.isfinite().all():
        return True
    # Every scale has a level for 0, from which values like 1000.1 are far, too.
    value = torch.cat((value.double().flatten(), torch.zeros(1)))
    low, high = value.min().item(), value.max().item()
    if low == high:
        return False
    used = torch.histc(value, bins=_LEVELS, min=low, max=high).nonzero().flatten()
    gap = int((used[1:] - used[:-1]).max())
    # A mask itself, of two numbers, is held exactly.
    return _LEVELS - gap < _LEAST_LEVELS and value.unique().numel() > 2
