"""What a variant really changed, in words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.models.accuracy.layers import Layers

_MOST_NAMES = 3


def reshaped(before: Layers, after: Layers) -> str:
    """A float32 build: the same arithmetic in another form."""
    folded = before.batch_norms - after.batch_norms
    if folded <= 0:
        return "weights and precision unchanged"
    norms = "BatchNorm" if folded == 1 else "BatchNorms"
    return f"precision unchanged; {folded} {norms} folded into convolutions"


def quantized(
    before: Layers, after: Layers, names: Sequence[str], *, folded_relu6: int = 0
) -> str:
    """An int8 build: how many layers of those that have weights."""
    # Graph mode also quantizes multiplications by weights, which are no layers before.
    total = max(before.float32 if after.float32 else 0, after.quantized + after.float32)
    text = f"{after.quantized} of {total} {_kinds(before)} quantized"
    if 0 < after.quantized <= _MOST_NAMES and len(names) == after.quantized:
        text += f" ({', '.join(names)})"
    if folded_relu6:
        text += f", {folded_relu6} ReLU6 folded into them"
    if after.quantized == 0:
        text += ": the same arithmetic as float32"
    return text


def _kinds(layers: Layers) -> str:
    kinds = list(layers.by_kind)
    if not kinds:
        return "layers with weights"
    *first, last = kinds
    return f"{', '.join(first)} and {last} layers" if first else f"{last} layers"
