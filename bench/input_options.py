"""Shapes of inputs as a person writes them, some of them in several lengths."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from bench.artifact import TensorSpec
from bench.errors import UnknownNameError, UsageError
from bench.record import Value

_DTYPES = ("float32", "float64", "float16", "int64", "int32", "uint8", "bool")
_FORM = re.compile(r"\d+(,\d+)*(x\d+(,\d+)*)*", re.A)


class AskedInput(Value, frozen=True, kw_only=True):
    """One input of a model, whose sizes may be lists: each makes a model of its own."""

    shape: tuple[int | tuple[int, ...], ...]
    dtype: str = "float32"

    @property
    def lengths(self) -> int | None:
        """How many there are; `None` where every size is one number."""
        counts = {len(size) for size in self.shape if isinstance(size, tuple)}
        return max(counts, default=None)

    def at(self, index: int) -> TensorSpec:
        """The input in one of its lengths, or as it is."""
        sizes = (x[index] if isinstance(x, tuple) else x for x in self.shape)
        return TensorSpec(shape=tuple(sizes), dtype=self.dtype)

    @property
    def text(self) -> str:
        """As `parse_input` reads it."""
        sizes = (
            ",".join(map(str, x)) if isinstance(x, tuple) else str(x)
            for x in self.shape
        )
        return f"{'x'.join(sizes)}:{self.dtype}"


def parse_input(text: str) -> AskedInput:
    """Read `1x3x224x224`, `1x16:int64` or, in three lengths, `1x16,64,256:int64`.

    Raises:
        UsageError: Not of that form.
    """
    shape, _, dtype = text.partition(":")
    if not _FORM.fullmatch(shape):
        raise _no_shape(text)
    sizes = tuple(
        tuple(int(x) for x in size.split(",")) if "," in size else int(size)
        for size in shape.split("x")
    )
    return AskedInput(shape=sizes, dtype=dtype or "float32")


def in_lengths(
    inputs: Sequence[AskedInput],
) -> list[tuple[str, tuple[TensorSpec, ...]]]:
    """The inputs in each of their lengths, with what the model's name gets for it.

    >>> in_lengths([parse_input("1x4")])[0][0], in_lengths([parse_input("1x2,4")])[1][0]
    ('', '@4')

    Raises:
        UsageError: A size is 0, or the inputs do not come in equally many lengths.
        UnknownNameError: No such dtype.
    """
    for asked in inputs:
        _check(asked)
    counts = {asked.lengths for asked in inputs} - {None}
    if not counts:
        return [("", tuple(asked.at(0) for asked in inputs))]
    if len(counts) > 1 or any(_is_uneven(asked) for asked in inputs):
        raise UsageError(
            "--input " + " --input ".join(x.text for x in inputs),
            "some come in more lengths than others",
            "Give each list as many sizes, or one size for all",
        )
    (count,) = counts
    return [
        (_label(inputs, index), tuple(asked.at(index) for asked in inputs))
        for index in range(count or 0)
    ]


def _label(inputs: Sequence[AskedInput], index: int) -> str:
    """The sizes that differ from one length to the next, as a part of a name."""
    sizes = [
        size[index]
        for asked in inputs
        for size in asked.shape
        if isinstance(size, tuple)
    ]
    return "@" + "x".join(str(size) for size in dict.fromkeys(sizes))


def _is_uneven(asked: AskedInput) -> bool:
    return len({len(x) for x in asked.shape if isinstance(x, tuple)}) > 1


def _check(asked: AskedInput) -> None:
    if asked.dtype not in _DTYPES:
        raise UnknownNameError("dtype", asked.dtype, _DTYPES)
    lengths = range(asked.lengths or 1)
    if _is_uneven(asked):
        return
    for index in lengths:
        shape = asked.at(index).shape
        if not shape or math.prod(shape) < 1 or min(shape) < 1:
            raise _no_shape(asked.text)


def _no_shape(text: str) -> UsageError:
    return UsageError(
        f"--input {text}", "is not a shape", "Write it as 1x3x224x224:float32"
    )
