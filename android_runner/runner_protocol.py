"""Read what our own programs print; its form is in native/runner_protocol.h."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from pocketbench.android_runner.failures.classify import (
    classify,
    first_words,
    reason_of,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Heap, Measurement, Memory
from pocketbench.bench.records.operator_times import (
    OTHER_NODES,
    OperatorTime,
    OperatorTimes,
)
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.runner import Capabilities, Prepacked, RawTensor

if TYPE_CHECKING:
    from pocketbench.bench.records.device import CommandResult

WIRE_VERSION = 1
_SEAL_MARK = b'{"end"'

_MOST = 1 << 60
"""Nothing measured is larger: 36 years in nanoseconds, an exbibyte."""

_Ns = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
_Bytes = Annotated[int, msgspec.Meta(gt=0, le=_MOST)]
_Swap = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=_MOST)]


class _Seal(Value, frozen=True, kw_only=True):
    end: bool
    lines: int
    sha256: str


class _Header(Value, frozen=True, kw_only=True):
    wire: int
    runner: str
    runtime: str
    pid: int


class _Measured(_Header, frozen=True, kw_only=True):
    threads: _Count
    heap: Heap = "system"
    seed: int
    load_ns: _Ns
    input_count: _Count
    first_latency_ns: _Ns
    warmup_latencies_ns: tuple[_Ns, ...]
    latencies_ns: Annotated[tuple[_Ns, ...], msgspec.Meta(min_length=1)]
    gaps_ns: tuple[_Ns, ...] = ()
    began_uptime_ns: _Ns | None = None
    iterations: _Count | None = None
    kept_every: _Count = 1
    stopped: bool = False
    rss_before_load_bytes: _Bytes | None
    rss_after_load_bytes: _Bytes | None
    peak_rss_bytes: _Bytes | None
    swap_bytes: _Swap | None
    rss_bytes: _Bytes | None = None
    pss_bytes: _Bytes | None = None
    output_digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Answered(_Header, frozen=True, kw_only=True):
    input_count: _Count


class _Observed(_Header, frozen=True, kw_only=True):
    latencies_ns: tuple[_Ns, ...]
    profiled_latencies_ns: Annotated[tuple[_Ns, ...], msgspec.Meta(min_length=1)]
    operator_names: tuple[str, ...]
    operator_backends: tuple[str, ...]
    operator_dtypes: tuple[str, ...]
    operator_calls: tuple[_Count, ...]
    operator_self_ns: tuple[_Ns, ...]
    operator_nodes: tuple[int, ...] | None = None
    """Absent from programs of before; -1: past the first 2000."""


class _Spun(_Header, frozen=True, kw_only=True):
    spin_rounds: _Count
    spin_elapsed_ns: _Count


class _Capable(_Header, frozen=True, kw_only=True):
    bytecode_min: int | None = None
    bytecode_max: int | None = None
    quantized_engines: tuple[str, ...] | None = None
    backends: tuple[str, ...] | None = None
    operators: tuple[str, ...] | None = None


class _Packed(_Header, frozen=True, kw_only=True):
    prepacked: bytes
    """In base64, as msgspec reads bytes."""
    prepacked_operators: tuple[str, ...]
    sqnr_db: int | None


_Told = TypeVar("_Told", bound=_Header)


def read_measurement(
    result: CommandResult, *, runner: str, subject: str
) -> Measurement:
    """Read what a launch of one of our programs measured.

    Raises:
        LaunchError: It did not measure, or its output is not whole.
    """
    fields = _sealed_fields(result, subject)
    if fields.get("wire") == WIRE_VERSION and fields.get("runner") != runner:
        raise _bad_output(subject, f"'{fields.get('runner')}' answered, not '{runner}'")
    parsed = _convert(fields, _Measured, subject)
    _check_length(parsed, subject)
    return Measurement(
        load_ns=parsed.load_ns,
        first_latency_ns=parsed.first_latency_ns,
        warmup_latencies_ns=parsed.warmup_latencies_ns,
        latencies_ns=parsed.latencies_ns,
        gaps_ns=parsed.gaps_ns,
        began_uptime_ns=parsed.began_uptime_ns,
        kept_every=parsed.kept_every,
        was_stopped=parsed.stopped,
        memory=Memory(
            rss_before_load_bytes=parsed.rss_before_load_bytes,
            rss_after_load_bytes=parsed.rss_after_load_bytes,
            peak_rss_bytes=parsed.peak_rss_bytes,
            swap_bytes=parsed.swap_bytes,
            rss_end_bytes=parsed.rss_bytes,
            pss_bytes=parsed.pss_bytes,
            read_by="itself",
        ),
        threads=parsed.threads,
        heap=parsed.heap,
        runtime_version=parsed.runtime,
        seed=parsed.seed,
        output_digest=parsed.output_digest,
    )


def _check_length(parsed: _Measured, subject: str) -> None:
    kept = len(parsed.latencies_ns)
    if parsed.gaps_ns and len(parsed.gaps_ns) != kept:
        raise _bad_output(
            subject, f"reported {len(parsed.gaps_ns)} gaps of {kept} latencies"
        )
    if (
        parsed.iterations is not None
        and -(-parsed.iterations // parsed.kept_every) != kept
    ):
        raise _bad_output(
            subject,
            f"ran {parsed.iterations} iterations, each {parsed.kept_every}th kept: "
            f"that is not {kept} latencies",
        )


def read_outputs(
    result: CommandResult, *, subject: str
) -> tuple[tuple[RawTensor, ...], ...]:
    """Read the answer to `--outputs`: the tensors of each inference, in order.

    Raises:
        LaunchError: There is no whole answer.
    """
    fields = _sealed_fields(result, subject)
    parsed = _convert(fields, _Answered, subject)
    names = []
    # What it states is no reason to reserve memory: what it printed is.
    for index in range(parsed.input_count):
        names.append(f"output_{index}")
        if names[-1] not in fields:
            raise _bad_output(subject, f"printed no {names[-1]}")
    try:
        return tuple(tuple(map(_tensor, fields[name])) for name in names)
    except (ValueError, TypeError, AttributeError) as error:
        raise _bad_output(subject, f"printed an unreadable output ({error})") from error


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
    fields = _sealed_fields(result, subject)
    if fields.get("runner") != runner:
        raise _bad_output(subject, f"'{fields.get('runner')}' answered, not '{runner}'")
    parsed = _convert(fields, _Observed, subject)
    columns = (
        parsed.operator_names,
        parsed.operator_backends,
        parsed.operator_dtypes,
        parsed.operator_calls,
        parsed.operator_self_ns,
        parsed.operator_nodes or (None,) * len(parsed.operator_names),
    )
    if len({len(column) for column in columns}) != 1 or not parsed.operator_names:
        raise _bad_output(subject, "printed operators of which some are not whole")
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
    """Read the answer to `--spin-ms`: nanoseconds a round of fixed work.

    Raises:
        LaunchError: There is no whole answer.
    """
    parsed = _convert(_sealed_fields(result, subject), _Spun, subject)
    return parsed.spin_elapsed_ns / parsed.spin_rounds


def read_capabilities(result: CommandResult, *, subject: str) -> Capabilities:
    """Read the answer to `--capabilities`.

    Raises:
        LaunchError: There is no whole answer.
    """
    parsed = _convert(_sealed_fields(result, subject), _Capable, subject)
    return Capabilities(
        bytecode_min=parsed.bytecode_min,
        bytecode_max=parsed.bytecode_max,
        quantized_engines=parsed.quantized_engines,
        backends=parsed.backends,
        operators=parsed.operators,
    )


def read_prepacked(result: CommandResult, *, subject: str) -> Prepacked:
    """Read the answer to `--prepack`.

    Raises:
        LaunchError: There is no whole answer.
    """
    parsed = _convert(_sealed_fields(result, subject), _Packed, subject)
    return Prepacked(
        file=parsed.prepacked,
        operators=parsed.prepacked_operators,
        sqnr_db=parsed.sqnr_db,
    )


def _sealed_fields(result: CommandResult, subject: str) -> dict[str, Any]:
    """All fields of a whole output of a program that ended well."""
    fields = _fields_of(result.stdout)
    if result.timed_out or fields is None:
        raise classify(result, subject=subject)
    if "error" in fields:
        raise _reported_error(fields, subject)
    if result.exit_code != 0:
        raise classify(result, subject=subject)
    if fields.get("wire") != WIRE_VERSION:
        raise _bad_output(
            subject, f"speaks wire {fields.get('wire')}, this reads {WIRE_VERSION}"
        )
    return fields


def _fields_of(stdout: bytes) -> dict[str, Any] | None:
    """The fields of all lines; `None` unless the output is whole and unchanged.

    An old phone's shell turns every newline into CR LF and mixes standard error in.
    """
    lines = [
        line + b"\n"
        for line in stdout.replace(b"\r", b"").split(b"\n")
        if line.startswith(b"{")
    ]
    seals = [index for index, line in enumerate(lines) if line.startswith(_SEAL_MARK)]
    if len(seals) != 1 or seals[0] != len(lines) - 1:
        return None
    body = lines[:-1]
    try:
        seal = msgspec.json.decode(lines[-1], type=_Seal)
        if seal.lines != len(body):
            return None
        if seal.sha256 != hashlib.sha256(b"".join(body)).hexdigest():
            return None
        objects = [msgspec.json.decode(line, type=dict[str, Any]) for line in body]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    fields: dict[str, Any] = {}
    for parsed in objects:
        if fields.keys() & parsed.keys():
            return None
        fields.update(parsed)
    return fields


def _reported_error(fields: dict[str, Any], subject: str) -> LaunchError:
    phase, message = str(fields["error"]), str(fields.get("message", ""))
    meant = reason_of(message)
    if phase == "flags":
        reason = FailureReason.BAD_FLAGS
    elif phase == "load" and meant is not FailureReason.MODEL_RAISED:
        reason = meant or FailureReason.NOT_LOADABLE
    elif phase == "load":
        reason = FailureReason.NOT_LOADABLE
    elif meant in (
        FailureReason.MISSING_OPERATOR,
        FailureReason.MISSING_BACKEND,
        FailureReason.NO_QUANTIZED_ENGINE,
        FailureReason.OUT_OF_MEMORY,
    ):
        reason = meant
    elif phase == "profile":
        reason = FailureReason.NO_OPERATOR_TIMES
    else:
        reason = FailureReason.MODEL_RAISED
    return LaunchError(reason, subject, first_words(message))


def _convert(fields: dict[str, Any], kind: type[_Told], subject: str) -> _Told:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise _bad_output(subject, f"printed an incomplete result ({error})") from error


def _bad_output(subject: str, fact: str) -> LaunchError:
    return LaunchError(FailureReason.BAD_OUTPUT, subject, fact)
