"""Read what our own programs answer besides launches: outputs, operators, abilities."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated

import msgspec

from pocketbench.android_runner.runner_protocol import (
    Count,
    Header,
    Ns,
    bad_output,
    convert_fields,
    fields_by,
    sealed_fields,
)
from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.operator_times import (
    OTHER_NODES,
    OperatorTime,
    OperatorTimes,
)
from pocketbench.bench.records.runner import Capabilities, Prepacked, RawTensor

if TYPE_CHECKING:
    from pocketbench.bench.records.device import CommandResult


class _Answered(Header, frozen=True, kw_only=True):
    input_count: Count


class _Observed(Header, frozen=True, kw_only=True):
    latencies_ns: tuple[Ns, ...]
    profiled_latencies_ns: Annotated[tuple[Ns, ...], msgspec.Meta(min_length=1)]
    operator_names: tuple[str, ...]
    operator_backends: tuple[str, ...]
    operator_dtypes: tuple[str, ...]
    operator_calls: tuple[Count, ...]
    operator_self_ns: tuple[Ns, ...]
    operator_nodes: tuple[int, ...] | None = None
    """Absent from earlier programs; -1: past the first 2000."""


class _Spun(Header, frozen=True, kw_only=True):
    spin_rounds: Count
    spin_elapsed_ns: Count


class _Packed(Header, frozen=True, kw_only=True):
    prepacked: bytes
    """In base64, as msgspec reads bytes."""
    prepacked_operators: tuple[str, ...]
    sqnr_db: int | None


def read_outputs(
    result: CommandResult, *, subject: str
) -> tuple[tuple[RawTensor, ...], ...]:
    """Read the answer to `--outputs`: the tensors of each inference, in order.

    Raises:
        LaunchError: There is no whole answer.
    """
    fields = sealed_fields(result, subject)
    parsed = convert_fields(fields, _Answered, subject)
    names = []
    # What it states is no reason to reserve memory: what it printed is.
    for index in range(parsed.input_count):
        names.append(f"output_{index}")
        if names[-1] not in fields:
            raise bad_output(subject, f"printed no {names[-1]}")
    try:
        return tuple(tuple(map(_tensor, fields[name])) for name in names)
    except (ValueError, TypeError, AttributeError) as error:
        raise bad_output(subject, f"printed an unreadable output ({error})") from error


def _tensor(text: str) -> RawTensor:
    """`float32:1x1000:<base64>`; no sizes for a tensor of none."""
    dtype, sizes, encoded = text.split(":")
    shape = tuple(int(size) for size in sizes.split("x")) if sizes else ()
    data = base64.b64decode(encoded, validate=True)
    return RawTensor(spec=TensorSpec(shape=shape, dtype=dtype), data=data)


def read_operator_times(
    result: CommandResult, *, runner: str, subject: str
) -> OperatorTimes:
    """Read what a launch with `--profile ops` observed.

    Raises:
        LaunchError: It did not observe, or its output is not whole.
    """
    parsed = convert_fields(fields_by(runner, result, subject), _Observed, subject)
    columns = (
        parsed.operator_names,
        parsed.operator_backends,
        parsed.operator_dtypes,
        parsed.operator_calls,
        parsed.operator_self_ns,
        parsed.operator_nodes or (None,) * len(parsed.operator_names),
    )
    if len({len(column) for column in columns}) != 1 or not parsed.operator_names:
        raise bad_output(subject, "printed operators of which some are not whole")
    return OperatorTimes(
        operators=tuple(
            OperatorTime(
                name=name,
                backend=backend or None,
                dtype=dtype or None,
                calls=calls,
                self_ns=self_ns,
                node=None if node is None else OTHER_NODES if node < 0 else str(node),
            )
            for name, backend, dtype, calls, self_ns, node in zip(*columns, strict=True)
        ),
        inferences=len(parsed.profiled_latencies_ns),
        latencies_ns=parsed.latencies_ns,
        observed_latencies_ns=parsed.profiled_latencies_ns,
    )


def read_spin(result: CommandResult, *, subject: str) -> float:
    """Read the answer to `--spin-ms`: nanoseconds per round of fixed work.

    Raises:
        LaunchError: There is no whole answer.
    """
    parsed = convert_fields(sealed_fields(result, subject), _Spun, subject)
    return parsed.spin_elapsed_ns / parsed.spin_rounds


def read_capabilities(result: CommandResult, *, subject: str) -> Capabilities:
    """Read the answer to `--capabilities`.

    Raises:
        LaunchError: There is no whole answer.
    """
    return convert_fields(sealed_fields(result, subject), Capabilities, subject)


def read_prepacked(result: CommandResult, *, subject: str) -> Prepacked:
    """Read the answer to `--prepack`.

    Raises:
        LaunchError: There is no whole answer.
    """
    parsed = convert_fields(sealed_fields(result, subject), _Packed, subject)
    return Prepacked(
        file=parsed.prepacked,
        operators=parsed.prepacked_operators,
        sqnr_db=parsed.sqnr_db,
    )
