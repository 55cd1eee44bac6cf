"""How far a variant's outputs are from the original's."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.summarize_exception import last_words
from pocketbench.bench.records.artifact import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.bench.models.inputs.inputs import InputSet

Outputs = list[list[torch.Tensor]]
"""For each call, the tensors it gave, in order, as float64."""


def outputs_of(
    model: Callable[..., Any], sets: Sequence[InputSet], *, name: str, who: str
) -> Outputs:
    """Call a model on each set of inputs and keep every tensor that comes out.

    `who` is named when it fails: `the original`, `the exported file`.

    Raises:
        ExportError: It raised, gave no tensor, or gave a value that is not finite.
    """
    found = []
    for inputs in sets:
        try:
            with torch.no_grad():
                result = model(*(tensor.clone() for tensor in inputs))
        except Exception as error:
            shapes = ", ".join(str(list(tensor.shape)) for tensor in inputs)
            raise ExportError(
                name,
                f"{who} raised on inputs of shape {shapes} ({last_words(error)})",
                "Check the model's inputs: give their shape and dtype with --input",
            ) from error
        tensors = [
            leaf.detach().to(torch.float64)
            for leaf in _pytree.tree_leaves(result)
            if isinstance(leaf, torch.Tensor) and not leaf.is_complex()
        ]
        _check(tensors, name, who)
        found.append(tensors)
    return found


def _check(tensors: Sequence[torch.Tensor], name: str, who: str) -> None:
    if not any(tensor.numel() for tensor in tensors):
        raise ExportError(
            name, f"{who} gave no tensor", "Let forward return the model's outputs"
        )
    for index, tensor in enumerate(tensors):
        wrong = int((~torch.isfinite(tensor)).sum())
        if wrong:
            raise ExportError(
                name,
                f"{wrong} of {tensor.numel()} values in output {index} of {who} "
                "are not finite (NaN or infinite)",
                "Check the weights, and with int8 the ranges of the activations",
            )


def output_error(original: Outputs, exported: Outputs, *, name: str) -> OutputError:
    """Compare outputs: the largest difference, and the signal-to-noise ratio.

    SQNR = 10 log10(sum of squares of the original's outputs / sum of squares of the
    differences), over all outputs of all calls.

    Raises:
        ExportError: The outputs are not of the same shapes.
    """
    signal = noise = largest = 0.0
    for before, after in zip(original, exported, strict=True):
        shapes = [[list(x.shape) for x in tensors] for tensors in (before, after)]
        if shapes[0] != shapes[1]:
            raise ExportError(
                name,
                f"gives outputs of shape {shapes[1]} and the original of {shapes[0]}",
                "Give it as TorchScript (.pt) made with torch.jit.script",
            )
        for a, b in zip(before, after, strict=True):
            if a.numel() == 0:
                continue
            signal += float(a.square().sum())
            noise += float((a - b).square().sum())
            largest = max(largest, float((a - b).abs().max()))
    return OutputError(max_abs=largest, sqnr_db=_sqnr_db(signal, noise))


def _sqnr_db(signal: float, noise: float) -> float | None:
    """The ratio in dB; very low, but a number, for an original of nothing but zeros."""
    if noise == 0:
        return None
    return 10 * math.log10(max(signal, sys.float_info.min) / noise)
