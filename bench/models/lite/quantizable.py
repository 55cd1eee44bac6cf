"""Bring layers into forms that torch's quantization takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.ao.quantization import HistogramObserver
from torch.overrides import TorchFunctionMode

from pocketbench.bench.models.state import fresh

if TYPE_CHECKING:
    from pocketbench.bench.models.inputs.inputs import InputSet

_PADDED = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_CALLS = {
    torch.conv1d: 1,
    torch.conv2d: 2,
    torch.conv3d: 3,
}
"""Functions that take a padding by name, and over how many axes."""
_ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
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
    before, after = _sides(layer.padding, layer.kernel_size, layer.dilation)
    if before == after:
        layer.padding = before
        return layer
    if layer.padding_mode != "zeros":
        return layer
    layer.padding = (0,) * len(before)
    pads = {1: nn.ConstantPad1d, 2: nn.ConstantPad2d, 3: nn.ConstantPad3d}
    return nn.Sequential(pads[len(before)](_pad(before, after), 0.0), layer)


def _sides(
    padding: str, sizes: tuple[int, ...], dilations: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What a padding by name puts before and behind each axis; the larger half is
    behind."""
    totals = [
        dilation * (size - 1) if padding == "same" else 0
        for size, dilation in zip(sizes, dilations, strict=True)
    ]
    return tuple(x // 2 for x in totals), tuple(x - x // 2 for x in totals)


def _pad(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[int, ...]:
    """As torch's pads take it, from the last axis on."""
    sides = zip(reversed(before), reversed(after), strict=True)
    return tuple(end for both in sides for end in both)


class PaddingInNumbers(TorchFunctionMode):  # type: ignore[misc]  # torch is not followed
    """While a model is traced, gives its convolutions numbers for named paddings."""

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch."""
        axes = _CALLS.get(function)
        given = dict(zip(_ARGUMENTS, args, strict=False)) | dict(kwargs or {})
        if axes is None or not isinstance(given.get("padding"), str):
            return function(*args, **(kwargs or {}))
        dilation = given.get("dilation", 1)
        dilations = (dilation,) * axes if isinstance(dilation, int) else tuple(dilation)
        sizes = tuple(given["weight"].shape[2:])
        before, after = _sides(given["padding"], sizes, dilations)
        given["padding"] = before
        if before != after:
            given["padding"] = (0,) * axes
            given["input"] = nn.functional.pad(given["input"], _pad(before, after))
        return function(**given)


def with_separate_projections(module: nn.Module, example: InputSet) -> nn.Module | None:
    """Copy a model, with projections of their own where attention is to other tokens.

    Torch cuts the three of cross attention out of one weight in each call, and
    quantizes no part of a weight. `None`: there is no such attention.
    """
    called, crossing = fresh(module), set()
    for name, layer in called.named_modules():
        if isinstance(layer, nn.MultiheadAttention) and layer._qkv_same_embed_dim:

            def note(_: Any, given: Any, named: Any, name: str = name) -> None:
                query, key, value = (*given, *named.values())[:3]
                if query is not key or key is not value:
                    crossing.add(name)

            layer.register_forward_pre_hook(note, with_kwargs=True)
    with torch.no_grad():
        called(*example)
    if not crossing:
        return None
    copied = fresh(module)
    for layer in map(copied.get_submodule, crossing):
        parts = layer.in_proj_weight.detach().chunk(3)
        for name, part in zip("qkv", parts, strict=True):
            own = nn.Parameter(part.clone(), requires_grad=False)
            setattr(layer, f"{name}_proj_weight", own)
        layer.in_proj_weight = None
        layer._qkv_same_embed_dim = False
    return copied
