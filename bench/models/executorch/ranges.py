"""Find tensors that int8 cannot hold, because a few values lie far from the others.

A mask that is added before a softmax holds 0 and -1e9 or -inf. With it, all scores get
one of 256 levels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import fx

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pocketbench.bench.models.inputs.inputs import InputSet

_LEVELS = 256
_LEAST_LEVELS = 16
"""The values on the two sides of the widest gap shall have so many levels together."""


def joined_too_widely(
    graph: fx.GraphModule, nodes: Iterable[fx.Node], inputs: InputSet
) -> frozenset[str]:
    """Names of those nodes that take or give a tensor that int8 cannot hold.

    The graph is run with one set of inputs; its state changes.
    """
    tensors = {x.name: {x.name, *(y.name for y in x.all_input_nodes)} for x in nodes}
    run = _Watching(graph, frozenset().union(*tensors.values()))
    with torch.no_grad():
        run.run(*inputs)
    return frozenset(name for name, given in tensors.items() if given & run.wide)


class _Watching(fx.Interpreter):  # type: ignore[misc]  # torch is not followed
    """Runs a graph and looks at some of its values."""

    def __init__(self, graph: fx.GraphModule, names: frozenset[str]) -> None:
        super().__init__(graph)
        self.wide: set[str] = set()
        self._names = names

    def run_node(self, n: fx.Node) -> object:
        value = super().run_node(n)
        is_seen = n.name in self._names and isinstance(value, torch.Tensor)
        if is_seen and _is_wide(value.detach()):
            self.wide.add(n.name)
        return value


def _is_wide(value: torch.Tensor) -> bool:
    if not value.is_floating_point() or value.numel() < 2:
        return False
    if not value.isfinite().all():
        return True
    low, high = value.min().item(), value.max().item()
    if low == high:
        return False
    counts = torch.histc(value.double(), bins=_LEVELS, min=low, max=high)
    used = counts.nonzero().flatten()
    gap = int((used[1:] - used[:-1]).max()) if len(used) > 1 else 0
    # A mask itself, of two numbers, is held exactly.
    return _LEVELS - gap < _LEAST_LEVELS and value.unique().numel() > 2
