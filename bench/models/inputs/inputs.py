"""Inputs with real values, made from a seed or given by the model's author."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.records.artifact import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

InputSet = tuple[torch.Tensor, ...]
"""The arguments of one call."""

STEPS_PER_UNIT = 32
"""Seeded real values lie on this grid, as an image's lie on one of 256 levels. An
8-bit integer then holds each exactly, and the inputs bundled with a model do not
outweigh an int8 model."""
LARGEST_STEP = 127
MOST_VALUES = 1 << 30
"""Of one input: 4 GiB of float32."""

DTYPES = {
    name: getattr(torch, name)
    for name in (
        "float32",
        "float64",
        "float16",
        "bfloat16",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint8",
        "bool",
    )
}


class Range(NamedTuple):
    """What values are drawn from, both ends included."""

    low: int
    high: int
    reals: torch.Tensor | None = None
    """An example's values, for reals; `None`: they are drawn from N(0, 1)."""


UNKNOWN_RANGE = Range(0, 9)
"""Small, because an integer is likely an index into a table of unknown size."""


def name_of_dtype(dtype: torch.dtype) -> str:
    """Torch's name without the prefix."""
    return str(dtype).removeprefix("torch.")


def spec_of(tensor: torch.Tensor) -> TensorSpec:
    """Describe a tensor."""
    return TensorSpec(
        shape=tuple(tensor.shape),
        dtype=name_of_dtype(tensor.dtype),
        memory_format="channels-last" if _is_channels_last(tensor) else "contiguous",
    )


def _is_channels_last(tensor: torch.Tensor) -> bool:
    last = torch.channels_last
    return not tensor.is_contiguous() and tensor.is_contiguous(memory_format=last)


def laid_out(tensor: torch.Tensor, spec: TensorSpec) -> torch.Tensor:
    """A tensor in the memory format of a spec."""
    if spec.memory_format == "contiguous":
        return tensor
    return tensor.contiguous(memory_format=torch.channels_last)


def range_of(tensor: torch.Tensor) -> Range:
    """The range of an example's values."""
    if tensor.numel() == 0 or tensor.is_complex():
        return UNKNOWN_RANGE
    if tensor.is_floating_point():
        values = tensor.detach().reshape(-1)
        is_placeholder = bool((values == values[0]).all())
        return UNKNOWN_RANGE if is_placeholder else Range(0, 9, values)
    return Range(int(tensor.min()), int(tensor.max()))


def dtype_named(name: str) -> torch.dtype:
    """The dtype of a name without prefix.

    Raises:
        UnknownNameError: Not a dtype of inputs.
    """
    if name not in DTYPES:
        raise UnknownNameError("dtype", name, DTYPES)
    return DTYPES[name]


def seeded_inputs(
    specs: Sequence[TensorSpec],
    count: int,
    *,
    seed: int,
    purpose: str,
    ranges: Sequence[Range] = (),
) -> list[InputSet]:
    """Make the arguments of `count` calls: reals from N(0, 1), integers uniform.

    Within the ranges of examples where there are any.

    `purpose` keeps inputs apart that must not be the same ones: those that calibrate
    and those that the outputs are compared on.
    """
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7]))
    ranges = ranges or [UNKNOWN_RANGE] * len(specs)
    return [
        tuple(
            laid_out(_tensor(spec, generator, values), spec)
            for spec, values in zip(specs, ranges, strict=True)
        )
        for _ in range(count)
    ]


def _tensor(
    spec: TensorSpec, generator: torch.Generator, values: Range
) -> torch.Tensor:
    dtype = dtype_named(spec.dtype)
    if math.prod(spec.shape) > MOST_VALUES:
        raise UsageError(
            "x".join(map(str, spec.shape)),
            f"is an input of more than {MOST_VALUES} values",
            "Give a smaller --input",
        )
    if dtype.is_floating_point:
        if values.reals is not None:
            drawn = torch.randint(values.reals.numel(), spec.shape, generator=generator)
            return values.reals[drawn].to(dtype)
        reals = torch.randn(spec.shape, generator=generator)
        return from_steps(to_steps(reals), dtype)
    low, high = values[:2] if dtype != torch.bool else (0, 1)
    integers = torch.randint(low, high + 1, spec.shape, generator=generator)
    return integers.to(dtype)


def to_steps(reals: torch.Tensor) -> torch.Tensor:
    """Round to the grid; the largest is just under 4."""
    steps = (reals.to(torch.float32) * STEPS_PER_UNIT).round()
    return steps.clamp(-LARGEST_STEP, LARGEST_STEP).to(torch.int8)


def from_steps(steps: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The real values of grid steps."""
    return (steps.to(torch.float32) / STEPS_PER_UNIT).to(dtype)


def is_on_grid(tensor: torch.Tensor) -> bool:
    """Whether grid steps hold these values exactly."""
    if not tensor.is_floating_point():
        return False
    return bool(torch.equal(from_steps(to_steps(tensor), tensor.dtype), tensor))
