"""Bring a model as its author wrote it into the form that every variant starts from."""

from __future__ import annotations

import logging
import re
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize, prune
from torch.nn.utils.spectral_norm import SpectralNorm, remove_spectral_norm
from torch.nn.utils.weight_norm import WeightNorm, remove_weight_norm
from torch.utils._python_dispatch import TorchDispatchMode

from pocketbench.bench.models.inputs.inputs import name_of_dtype

logger = logging.getLogger(__name__)

_CASTS = frozenset({torch.float16, torch.bfloat16, torch.float64})
_QUANTIZED = re.compile(
    r"quantized::(?!.*pack)\w*(linear|conv|lstm|gru|rnn)|aten::quantized_(lstm|gru)"
)
_WITH_WEIGHTS = frozenset(
    f"aten::{name}"
    for name in (
        *("convolution", "_convolution", "mkldnn_convolution", "linear", "addmm"),
        *("mm", "bmm", "baddbmm", "addmv", "mv", "matmul", "lstm", "gru"),
        *("rnn_tanh", "rnn_relu", "mkldnn_rnn_layer", "_thnn_fused_gru_cell"),
    )
)


def to_float32(module: nn.Module) -> tuple[str, ...]:
    """Convert weights and buffers of other real dtypes; gives the dtypes they had."""
    tensors = [*module.parameters(), *module.buffers()]
    found = {x.dtype for x in tensors} & _CASTS
    if found:
        module.float()
    return tuple(sorted(name_of_dtype(x) for x in found))


def as_float32(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor in float32 where it is of another real dtype."""
    return tensor.float() if tensor.dtype in _CASTS else tensor


def fold_parametrizations(module: nn.Module) -> int:
    """Compute parametrized, normed and pruned weights once; gives their number.

    A layer whose weight is computed at each call is of a class that no quantization
    knows, and a phone is given the weight as it came out.
    """
    folded = 0
    for name, layer in list(module.named_modules()):
        if isinstance(layer, torch.jit.ScriptModule):
            continue
        try:
            folded += _fold(layer)
        except Exception as error:
            logger.warning("%s: its parametrization stays (%s)", name, error)
    return folded


def _fold(layer: nn.Module) -> int:
    folded = 0
    if parametrize.is_parametrized(layer):
        for name in list(layer.parametrizations):
            parametrize.remove_parametrizations(layer, name, leave_parametrized=True)
            folded += 1
    for hook in list(layer._forward_pre_hooks.values()):
        if isinstance(hook, WeightNorm):
            remove_weight_norm(layer, hook.name)
        elif isinstance(hook, SpectralNorm):
            remove_spectral_norm(layer, hook.name)
        elif isinstance(hook, prune.BasePruningMethod):
            prune.remove(layer, hook._tensor_name)
        else:
            continue
        folded += 1
    return folded


class ComputeDtypes(TorchDispatchMode):  # type: ignore[misc]  # torch is not followed
    """Notes the dtypes that layers with weights really compute in."""

    def __init__(self) -> None:
        """Start with none."""
        super().__init__()
        self.found: set[str] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else torch imports its compiler, which doubles the time of a small export.
        return False

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call the operator, and note what it is given."""
        name = operator._schema.name
        if name in _WITH_WEIGHTS:
            self._note(args)
        elif _QUANTIZED.match(name):
            self.found.add("int8")
        return operator(*args, **(kwargs or {}))

    def _note(self, args: Any) -> None:
        for value in args:
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                self.found.add(name_of_dtype(value.dtype))
                return
