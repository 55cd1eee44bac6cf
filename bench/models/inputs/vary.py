"""More inputs like the one example that a model's author gave."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

from pocketbench.bench.models.inputs.inputs import (
    LARGEST_STEP,
    STEPS_PER_UNIT,
    from_steps,
    laid_out,
    spec_of,
)

if TYPE_CHECKING:
    from pocketbench.bench.models.inputs.inputs import InputSet

_MASK_VALUES = 2
"""Distinct values of a mask, a one-hot row or a flag."""
_FEWEST_STEPS = 32
"""Steps of the grid within an example's range, below which rounding would show."""


def varied_inputs(
    example: InputSet, count: int, *, seed: int, purpose: str
) -> list[InputSet]:
    """Make inputs with the example's integers and reals in its range.

    Integers and flags obey rules that nobody states (offsets of bags, lengths in
    order, indices), so they stay; so do masks, and numbers beside other inputs
    (a temperature). Gives nothing where there are no reals to vary.
    """
    varies = _varying(example)
    if not any(varies):
        return []
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7]))
    return [
        tuple(
            laid_out(_varied(x, generator), spec_of(x)) if is_varying else x
            for x, is_varying in zip(example, varies, strict=True)
        )
        for _ in range(count)
    ]


def _varying(example: InputSet) -> list[bool]:
    """Which tensors are varied: reals of more than two values, all of them finite.

    Where there are none, those of one value: zeros, or ones without integers beside
    them (a mask of tokens), are a placeholder.
    """
    reals = [x.is_floating_point() and x.numel() > 0 for x in example]
    varies = [
        is_real and bool(x.isfinite().all()) and x.unique().numel() > _MASK_VALUES
        for x, is_real in zip(example, reals, strict=True)
    ]
    if any(varies):
        return varies
    return [
        is_real
        and bool((x == x.reshape(-1)[0]).all())
        and (all(reals) or not bool(x.any()))
        for x, is_real in zip(example, reals, strict=True)
    ]


def _varied(example: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw from the example's values, on the grid where it is fine enough."""
    values = example.detach().reshape(-1).to(torch.float32)
    low, high = float(values.min()), float(values.max())
    if low == high:
        # A placeholder such as zeros or ones shows no range.
        values, low, high = torch.randn(values.shape, generator=generator), -4.0, 4.0
    drawn = torch.randint(values.numel(), example.shape, generator=generator)
    values = values[drawn]
    steps = torch.tensor([low, high]).mul(STEPS_PER_UNIT)
    first, last = float(steps[0].ceil()), float(steps[1].floor())
    first, last = max(first, -LARGEST_STEP), min(last, LARGEST_STEP)
    is_within = steps[0] >= -LARGEST_STEP and steps[1] <= LARGEST_STEP + 1
    if not is_within or last - first < _FEWEST_STEPS - 1:
        return values.to(example.dtype)
    on_grid = (values * STEPS_PER_UNIT).round().clamp(first, last)
    return from_steps(on_grid.to(torch.int8), example.dtype)
