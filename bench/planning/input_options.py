"""Shapes of inputs as a person writes them, some of them in several lengths."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.record import Value

_DTYPES = ("float32", "float64", "float16", "int64", "int32", "uint8", "bool")
_FORM = re.compile(r"\d+(,\d+)*(x\d+(,\d+)*)*", re.A)


class AskedInput(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input of a model, whose sizes may be lists: each makes a model of its own."""

    shape: tuple[int | tuple[int, ...], ...]
    dtype: str = "float32"

    @property
    def lists(self) -> list[tuple[int, ...]]:
        """The sizes that are lists."""
        return [size for size in self.shape if isinstance(size, tuple)]

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
    listed = shape.split(",")
    if "x" not in shape and len(listed) > 2 and len(set(listed)) < len(listed):
        raise UsageError(
            f"--input {text}",
            "is one size in several lengths, one of them twice",
            f"Did you mean {shape.replace(',', 'x')}?",
        )
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
    lists = [sizes for asked in inputs for sizes in asked.lists]
    counts = {len(sizes) for sizes in lists}
    if len(counts) > 1:
        raise UsageError(
            "--input " + " --input ".join(x.text for x in inputs),
            "some come in more lengths than others",
            "Give each list as many sizes, or one size for all",
        )
    return [
        (_label(lists, index), tuple(asked.at(index) for asked in inputs))
        for index in range(max(counts, default=1))
    ]


def _label(lists: Sequence[tuple[int, ...]], index: int) -> str:
    """The sizes that differ from one length to the next, as a part of a name."""
    sizes = dict.fromkeys(str(sizes[index]) for sizes in lists)
    return f"@{'x'.join(sizes)}" if sizes else ""


def _check(asked: AskedInput) -> None:
    if asked.dtype not in _DTYPES:
        raise UnknownNameError("dtype", asked.dtype, _DTYPES)
    sizes = [size if isinstance(size, tuple) else (size,) for size in asked.shape]
    if not sizes or not all(each and min(each) > 0 for each in sizes):
        raise _no_shape(asked.text)


def _no_shape(text: str) -> UsageError:
    return UsageError(
        f"--input {text}", "is not a shape", "Write it as 1x3x224x224:float32"
    )
