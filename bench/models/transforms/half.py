"""A model that computes in float16 between the inputs and outputs it always had."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils import _pytree

from pocketbench.bench.models.state import fresh


class InFloat16(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Rounds what goes in to float16 and gives back float32, so that it fits anywhere.

    A caller of the file need not know; the two conversions are part of its time.
    """

    def __init__(self, module: nn.Module) -> None:
        """Round a copy of a module's weights."""
        super().__init__()
        self.module = fresh(module).half()
        self.eval()

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Call it on the rounded inputs; integers pass as they are."""
        rounded = [x.half() if x.is_floating_point() else x for x in inputs]
        return _pytree.tree_map(_as_float32, self.module(*rounded))


def _as_float32(value: Any) -> Any:
    is_half = isinstance(value, torch.Tensor) and value.dtype == torch.float16
    return value.float() if is_half else value
