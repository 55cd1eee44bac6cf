"""Count the layers of a program, and how many of them are quantized."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import torch

_FLOAT = {
    "convolution": re.compile(
        r"aten::(_convolution|conv(_transpose|_tbc)?(\dd)?)(_mode)?"
    ),
    "linear": re.compile(r"aten::linear"),
    "bilinear": re.compile(r"aten::bilinear"),
    "recurrent": re.compile(r"aten::(lstm|gru|rnn_tanh|rnn_relu)(_cell)?"),
}
_QUANTIZED = re.compile(
    r"quantized::(conv|linear|quantized_(lstm|gru|rnn))(?!.*pack)\w*"
    r"|aten::quantized_(lstm|gru)"
)
_BATCH_NORM = re.compile(r"aten::batch_norm")


class Layers(NamedTuple):
    """What a program computes with, counted by the calls in its graph."""

    by_kind: dict[str, int]
    """Float32 layers: `convolution`, `linear`, `recurrent`; kinds it has not are
    missing."""
    quantized: int
    batch_norms: int

    @property
    def float32(self) -> int:
        """All of the float32 ones."""
        return sum(self.by_kind.values())


def count_layers(program: torch.jit.ScriptModule) -> Layers:
    """Count the calls in `forward` and all that it calls."""
    graph = program.graph.copy()
    torch._C._jit_pass_inline(graph)
    kinds = [node.kind() for node in _nodes(graph)]
    by_kind = {
        kind: sum(pattern.fullmatch(x) is not None for x in kinds)
        for kind, pattern in _FLOAT.items()
    }
    return Layers(
        by_kind={kind: count for kind, count in by_kind.items() if count},
        quantized=sum(_QUANTIZED.fullmatch(x) is not None for x in kinds),
        batch_norms=sum(_BATCH_NORM.fullmatch(x) is not None for x in kinds),
    )


def _nodes(block: torch._C.Graph | torch._C.Block) -> Iterator[torch._C.Node]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)
