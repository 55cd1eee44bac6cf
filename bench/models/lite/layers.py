"""Which module of a model called each operator of its program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.records.artifact import LayerOperator

if TYPE_CHECKING:
    import torch


def layer_operators(script: torch.jit.ScriptModule) -> tuple[LayerOperator, ...]:
    """Each operator in order with its module, as tracing noted it.

    None of a program that branches or loops, whose order is not its text's, and none
    of one that was compiled, in which no module is noted.
    """
    nodes = list(script.inlined_graph.nodes())
    if any(list(node.blocks()) for node in nodes):
        return ()
    found = tuple(
        LayerOperator(operator=node.kind(), module=_module(node.scopeName()))
        for node in nodes
        if not node.kind().startswith("prim::")
    )
    return found if any(layer.module for layer in found) else ()


def _module(scope: str) -> str:
    """`features.0` of `__module.features/__module.features.0`."""
    return scope.rpartition("/")[2].removeprefix("__module.")
