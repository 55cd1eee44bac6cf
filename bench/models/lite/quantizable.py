"""Bring layers into forms that torch's quantization takes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.ao.quantization import HistogramObserver

_PADDED = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


class HistogramOfReals(HistogramObserver):  # type: ignore[misc]  # torch is not followed
    """Observes real values, and lets whole numbers and flags pass."""

    def forward(self, observed: Any) -> Any:
        """Note the values."""
        if isinstance(observed, torch.Tensor) and observed.is_floating_point():
            return super().forward(observed)
        return observed


def with_padding_in_numbers(module: nn.Module) -> nn.Module:
    """Replace `same` and `valid` by their numbers, with a pad where they are uneven.

    Changes the module it is given.
    """
    for name, layer in list(module.named_modules()):
        if type(layer) in _PADDED and isinstance(layer.padding, str):
            padded = _with_numbers(layer)
            if padded is layer:
                continue
            if not name:
                return padded
            parent, _, own = name.rpartition(".")
            setattr(module.get_submodule(parent), own, padded)
    return module


def _with_numbers(layer: nn.Module) -> nn.Module:
    if layer.padding == "valid":
        layer.padding = (0,) * len(layer.kernel_size)
        return layer
    totals = [
        dilation * (size - 1)
        for size, dilation in zip(layer.kernel_size, layer.dilation, strict=True)
    ]
    if all(total % 2 == 0 for total in totals):
        layer.padding = tuple(total // 2 for total in totals)
        return layer
    if layer.padding_mode != "zeros":
        return layer
    layer.padding = (0,) * len(totals)
    # Torch counts from the last axis, and puts the larger half behind.
    sides = [end for x in reversed(totals) for end in (x // 2, x - x // 2)]
    return nn.Sequential(_pad(sides), layer)


def _pad(sides: list[int]) -> nn.Module:
    kinds = {2: nn.ConstantPad1d, 4: nn.ConstantPad2d, 6: nn.ConstantPad3d}
    return kinds[len(sides)](tuple(sides), 0.0)
