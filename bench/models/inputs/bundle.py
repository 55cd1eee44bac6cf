"""Put inputs into a model's file, where the measuring program finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.bundled_inputs import InflatableArg, bundle_inputs

from pocketbench.bench.models.inputs.inputs import (
    STEPS_PER_UNIT,
    InputSet,
    is_on_grid,
    to_steps,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SETS = 4
FEWEST_SETS = 2
BUDGET_BYTES = 256 * 1024
"""Of all bundled inputs together, so that the size of a file stays its model's."""


def set_count(inputs: InputSet) -> int:
    """How many sets of inputs like this one are worth their bytes."""
    size = sum(_stored_bytes(tensor) for tensor in inputs)
    return max(FEWEST_SETS, min(MOST_SETS, BUDGET_BYTES // max(size, 1)))


def bundle(
    program: torch.jit.ScriptModule, sets: Sequence[InputSet]
) -> torch.jit.ScriptModule:
    """Give a copy of a frozen program with the inputs and `get_all_bundled_inputs()`.

    After freezing, which would drop them.
    """
    stored = [tuple(_stored(tensor) for tensor in inputs) for inputs in sets]
    return bundle_inputs(program, stored)


def _stored_bytes(tensor: torch.Tensor) -> int:
    size = 1 if is_on_grid(tensor) else tensor.element_size()
    return int(tensor.numel()) * size


def _stored(tensor: torch.Tensor) -> InflatableArg:
    """A tensor as it is, or as 8-bit steps that become the same values again."""
    if not is_on_grid(tensor):
        return InflatableArg(value=tensor.detach().clone(), fmt="{}")
    inflate = f"({{}}.to(torch.float32) / {float(STEPS_PER_UNIT)}).to({tensor.dtype})"
    return InflatableArg(value=to_steps(tensor), fmt=inflate)
