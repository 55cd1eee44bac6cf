"""Bring layers into forms that torch's quantization takes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.ao.quantization import HistogramObserver

_PADDED = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class HistogramOfReals(HistogramObserver):  # type: ignore[misc]  # torch is not followed
    """Observes real values, and lets whole numbers and flags pass."""

    def forward(self, observed: Any) -> Any:
        """Note the values."""
        if isinstance(observed, torch.Tensor) and observed.is_floating_point():
            return super().forward(observed)
        return observed


class _NormOfEachBatch(nn.Module):  # type: ignore[misc]  # torch is not followed
    """A batch norm that uses the batch's own statistics, which torch would not keep."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize."""
        return nn.functional.batch_norm(
            x, None, None, self.weight, self.bias, training=True, eps=self.eps
        )


def uses_batch_statistics(layer: nn.Module) -> bool:
    """Whether a batch norm normalizes with the statistics of each batch."""
    return type(layer) in _NORMS and (layer.training or layer.running_mean is None)


def in_quantizable_form(module: nn.Module) -> nn.Module:
    """Replace layers by others that compute the same and that torch quantizes rightly.

    Paddings `same` and `valid` become numbers, with a pad where they are uneven; batch
    norms of each batch stay so. Changes the module it is given.
    """
    for name, layer in list(module.named_modules()):
        replaced = layer
        if type(layer) in _PADDED and isinstance(layer.padding, str):
            replaced = _with_numbers(layer)
        elif uses_batch_statistics(layer):
            replaced = _NormOfEachBatch(layer)
        if replaced is layer:
            continue
        if not name:
            return replaced
        parent, _, own = name.rpartition(".")
        setattr(module.get_submodule(parent), own, replaced)
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
