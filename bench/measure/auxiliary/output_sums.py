"""A device's answers against the reference's: sums, not yet figures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from pocketbench.bench.errors import LaunchError
from pocketbench.bench.models.accuracy.parts import PartError, part_error
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.output_check import TensorDifference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.artifact import OutputReference, TensorSpec
    from pocketbench.bench.records.runner import RawTensor

Answers = tuple[tuple["RawTensor", ...], ...]
Values = npt.NDArray[np.float64]
"""Of one tensor in all answers: [set, value]."""

_NUMPY = {
    "float32": "<f4",
    "float64": "<f8",
    "float16": "<f2",
    "int64": "<i8",
    "int32": "<i4",
    "int16": "<i2",
    "int8": "i1",
    "uint8": "u1",
    "bool": "?",
}
_WHOLE = frozenset({"int64", "int32", "int16", "int8", "uint8", "bool"})
_NO_SCORES = re.compile(
    r"box|coord|anchor|offset|point|mask|feature|embed|hidden|state"
)
READABLE = frozenset({*_NUMPY, "bfloat16"})
"""The dtypes that can be compared."""


class Compared(NamedTuple):
    """The result of a comparison."""

    tensors: tuple[TensorDifference, ...]
    correct_count: int | None
    reference_correct_count: int | None


def compare(answers: Answers, reference: OutputReference, subject: str) -> Compared:
    """Compare all answers with the reference's, tensor by tensor.

    Raises:
        LaunchError: The device gave other tensors than the reference.
    """
    specs = reference.output_specs
    expected = _read_reference(reference)
    found = _stack(answers, specs, subject)
    device, host = (
        _correct_count(_rows(values[0], specs[0]), reference.labels)
        for values in (found, expected)
    )
    names = reference.output_names or ("",) * len(specs)
    is_scores = [
        _are_scores(spec, name) for spec, name in zip(specs, names, strict=True)
    ]
    return Compared(
        tuple(map(_difference, specs, expected, found, names, is_scores)),
        device,
        host,
    )


def _read_reference(reference: OutputReference) -> list[Values]:
    data = Path(reference.outputs.path).read_bytes()
    whole = sum(map(_size_bytes, reference.output_specs))
    sets = [data[start : start + whole] for start in range(0, len(data), whole)]
    found, start = [], 0
    for spec in reference.output_specs:
        end = start + _size_bytes(spec)
        found.append(np.stack([_values(one[start:end], spec.dtype) for one in sets]))
        start = end
    return found


def _stack(answers: Answers, specs: Sequence[TensorSpec], subject: str) -> list[Values]:
    for tensors in answers:
        if [x.spec.shape for x in tensors] != [spec.shape for spec in specs] or any(
            x.spec.dtype not in READABLE or len(x.data) != _size_bytes(x.spec)
            for x in tensors
        ):
            raise _other(subject, tensors, specs)
    return [
        np.stack([_values(x[place].data, x[place].spec.dtype) for x in answers])
        for place in range(len(specs))
    ]


def _other(
    subject: str, tensors: Sequence[RawTensor], specs: Sequence[TensorSpec]
) -> LaunchError:
    gave = ", ".join(_named(tensor.spec) for tensor in tensors) or "nothing"
    wanted = ", ".join(map(_named, specs))
    return LaunchError(
        FailureReason.BAD_OUTPUT, subject, f"answered {gave}, the reference {wanted}"
    )


def _named(spec: TensorSpec) -> str:
    return f"{spec.dtype} [{', '.join(map(str, spec.shape))}]"


def _size_bytes(spec: TensorSpec) -> int:
    item = 2 if spec.dtype == "bfloat16" else np.dtype(_NUMPY[spec.dtype]).itemsize
    count = 1
    for size in spec.shape:
        count *= size
    return int(item * count)


def _values(data: bytes, dtype: str) -> Values:
    if dtype == "bfloat16":
        # The upper half of a float32.
        upper = np.frombuffer(data, "<u2").astype("<u4") << 16
        return upper.view("<f4").astype(np.float64)
    return np.frombuffer(data, _NUMPY[dtype]).astype(np.float64)


def _are_scores(spec: TensorSpec, name: str) -> bool:
    """Whether the highest value of a row [n, classes] is an answer.

    Not among boxes, features and states, nor among whole numbers.
    """
    is_real = spec.dtype not in _WHOLE
    return is_real and _NO_SCORES.search(name.lower()) is None


def _difference(
    spec: TensorSpec, expected: Values, found: Values, name: str, is_scores: bool
) -> TensorDifference:
    # A mask's infinite values are equal on both sides, and no part of a sum.
    wrong = ~np.isfinite(found) | ~np.isfinite(expected)
    finite = ~wrong
    wrong &= ~(found == expected)
    was = _rows(expected, spec) if is_scores else None
    now = _rows(np.where(np.isnan(found), 0.0, found), spec) if is_scores else None
    answer = np.where(finite, found, 0.0)
    expected = np.where(np.isfinite(expected), expected, 0.0)
    error = answer - expected
    is_whole = spec.dtype in _WHOLE
    shape = (len(expected), *spec.shape)
    parts = (
        PartError(None, None, None)
        if is_whole or not error.any()
        else part_error(expected.reshape(shape), answer.reshape(shape))
    )
    agree = None if was is None or now is None else _top(was) == _top(now)
    return TensorDifference(
        spec=spec,
        name=name,
        max_abs=float(np.abs(error).max(initial=0.0)),
        reference_power=float(np.square(expected).sum()),
        answer_power=float(np.square(answer).sum()),
        error_power=float(np.square(error).sum()),
        product=float((expected * answer).sum()),
        not_finite_count=int(wrong.sum()),
        row_count=None if agree is None else agree.size,
        agreeing_count=None if agree is None else int(agree.sum()),
        value_count=int(expected.size),
        equal_count=int((expected == answer).sum()) if is_whole else None,
        worst_part=parts.worst,
        worst_part_sqnr_db=parts.worst_sqnr_db,
        constant_part=parts.constant,
    )


def _rows(values: Values, spec: TensorSpec) -> Values | None:
    """Rows of scores, [rows, classes]; `None` for a tensor that is none of such."""
    if len(spec.shape) != 2 or spec.shape[1] < 2:
        return None
    return values.reshape(-1, spec.shape[1])


def _top(rows: Values) -> npt.NDArray[np.intp]:
    top: npt.NDArray[np.intp] = np.argmax(rows, axis=1)
    return top


def _correct_count(rows: Values | None, labels: Sequence[int]) -> int | None:
    if rows is None or not labels or len(rows) != len(labels):
        return None
    return int((_top(rows) == np.array(labels)).sum())
