"""Variants that are made by changing the model itself, for every engine alike."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.original import Original
from pocketbench.bench.models.transforms.half import InFloat16
from pocketbench.bench.models.transforms.prune import prune
from pocketbench.bench.planning.variant_names import (
    CHANNELS_LAST,
    FLOAT16,
    pruned_share,
)

ROUNDED_BY_DELEGATE = frozenset({"nnapi", "coreml", "vulkan", "qnn"})
"""They take a float32 model and compute it in float16 on request."""


class TransformedModel(NamedTuple):
    """A model to export, and what was changed in it."""

    module: nn.Module
    changed: str


def transform_model(
    original: Original, made: str, *, delegate: str | None, name: str
) -> TransformedModel | None:
    """Make `float16`, `channels-last` and `pruned-...`; `None` for what needs nothing.

    Raises:
        ExportError: The model is not such that it can be made.
    """
    if made == FLOAT16:
        if delegate in ROUNDED_BY_DELEGATE:
            return TransformedModel(
                original.module, "computed in float16 by what it is given to"
            )
        return TransformedModel(
            InFloat16(original.module), "all in float16 but its inputs and outputs"
        )
    if made == CHANNELS_LAST:
        return _with_channels_last(original, delegate, name)
    share = pruned_share(made)
    if share is not None:
        return TransformedModel(*prune(original.module, share, name=name))
    return None


def check_channels_last(delegate: str | None, *, name: str) -> None:
    """Refuse images laid out for who lays them out again.

    Raises:
        ExportError: The delegate does.
    """
    if delegate in ROUNDED_BY_DELEGATE:
        raise ExportError(
            name,
            f"{delegate} chooses the order of images in memory itself",
            "Leave channels-last out with it, or take lite or executorch",
        )


def _with_channels_last(
    original: Original, delegate: str | None, name: str
) -> TransformedModel:
    """The model of an original that takes its images so already."""
    if delegate == "portable":
        raise ExportError(
            name,
            "ExecuTorch's portable kernels do not take all the orders of values in "
            "memory that it would lead to",
            "Take channels-last+executorch",
        )
    changed = "precision unchanged; images channels-last"
    if delegate is not None:
        # ExecuTorch keeps weights of this layout in an order its kernels do not take;
        # the XNNPACK delegate packs its own.
        return TransformedModel(original.module, changed)
    for tensor in (*original.module.parameters(), *original.module.buffers()):
        # Not those of five dimensions, which Module.to() cannot lay out so.
        if tensor.dim() == 4:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
    return TransformedModel(original.module, f"{changed}, weights of convolutions too")
