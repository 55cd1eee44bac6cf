"""Read what our own programs print; its form is in native/runner_protocol.h."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec.structs import replace

from pocketbench.android_runner.sealed_output import (
    Header,
    bad_output,
    convert_fields,
    fields_by,
    sealed_fields,
)
from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.generation import GeneratedTokens
from pocketbench.bench.records.launch import Heap, Measurement, Memory
from pocketbench.bench.records.operator_times import (
    OTHER_NODES,
    OperatorTime,
    OperatorTimes,
)
from pocketbench.bench.records.runner import Capabilities, Prepacked, RawTensor

if TYPE_CHECKING:
    from pocketbench.bench.records.device import CommandResult

_MOST = 1 << 60
"""Nothing measured is larger: 36 years in nanoseconds, an exbibyte."""

_Ns = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
_Bytes = Annotated[int, msgspec.Meta(gt=0, le=_MOST)]
_Whole = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=_MOST)]


class _Launched(Header, frozen=True, kw_only=True):
    threads: _Count
    heap: Heap = "system"
    seed: int
    load_ns: _Ns
    rss_before_load_bytes: _Bytes | None
    rss_after_load_bytes: _Bytes | None
    peak_rss_bytes: _Bytes | None
    swap_bytes: _Whole | None
    rss_bytes: _Bytes | None = None
    pss_bytes: _Bytes | None = None


class _Measured(_Launched, frozen=True, kw_only=True):
    input_count: _Count
    first_latency_ns: _Ns
    warmup_latencies_ns: tuple[_Ns, ...]
    latencies_ns: Annotated[tuple[_Ns, ...], msgspec.Meta(min_length=1)]
    gaps_ns: tuple[_Ns, ...] = ()
    began_uptime_ns: _Ns | None = None
    iterations: _Count | None = None
    kept_every: _Count = 1
    stopped: bool = False
    output_digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Generated(_Launched, frozen=True, kw_only=True):
    prompt_tokens: _Count
    kv_depth: _Whole
    vocabulary_size: _Count
    context_tokens: _Count | None
    rss_after_prefill_bytes: _Bytes | None
    token_ns: Annotated[tuple[_Ns, ...], msgspec.Meta(min_length=1)]
    token_ids: tuple[_Whole, ...]
    stopped_early: bool


class _Answered(Header, frozen=True, kw_only=True):
    input_count: _Count


class _Observed(Header, frozen=True, kw_only=True):
    latencies_ns: tuple[_Ns, ...]
    profiled_latencies_ns: Annotated[tuple[_Ns, ...], msgspec.Meta(min_length=1)]
    operator_names: tuple[str, ...]
    operator_backends: tuple[str, ...]
    operator_dtypes: tuple[str, ...]
    operator_calls: tuple[_Count, ...]
    operator_self_ns: tuple[_Ns, ...]
    operator_nodes: tuple[int, ...] | None = None
    """Absent from programs of before; -1: past the first 2000."""


class _Spun(Header, frozen=True, kw_only=True):
    spin_rounds: _Count
    spin_elapsed_ns: _Count


class _Capable(Header, frozen=True, kw_only=True):
    bytecode_min: int | None = None
    bytecode_max: int | None = None
    quantized_engines: tuple[str, ...] | None = None
    backends: tuple[str, ...] | None = None
    operators: tuple[str, ...] | None = None


class _Packed(Header, frozen=True, kw_only=True):
    prepacked: bytes
    """In base64, as msgspec reads bytes."""
    prepacked_operators: tuple[str, ...]
    sqnr_db: int | None


def read_measurement(
    result: CommandResult, *, runner: str, subject: str
) -> Measurement:
    """Read what a launch of one of our programs measured.

    Raises:
        LaunchError: It did not measure, or its output is not whole.
    """
    parsed = convert_fields(fields_by(runner, result, subject), _Measured, subject)
    _check_length(parsed, subject)
    return replace(
        _launched(parsed),
        first_latency_ns=parsed.first_latency_ns,
        warmup_latencies_ns=parsed.warmup_latencies_ns,
        latencies_ns=parsed.latencies_ns,
        gaps_ns=parsed.gaps_ns,
        began_uptime_ns=parsed.began_uptime_ns,
        kept_every=parsed.kept_every,
        was_stopped=parsed.stopped,
        output_digest=parsed.output_digest,
    )


def read_generation(result: CommandResult, *, runner: str, subject: str) -> Measurement:
    """Read what a launch with `--generate` measured.

    Raises:
        LaunchError: It did not generate, or its output is not whole.
    """
    parsed = convert_fields(fields_by(runner, result, subject), _Generated, subject)
    stamps, ids = parsed.token_ns, parsed.token_ids
    if len(stamps) != len(ids):
        raise bad_output(subject, f"reported {len(stamps)} times of {len(ids)} tokens")
    if list(stamps) != sorted(stamps):
        raise bad_output(subject, "reported times of tokens that go back")
    return replace(
        _launched(parsed),
        generation=GeneratedTokens(
            prompt_tokens=parsed.prompt_tokens,
            kv_depth=parsed.kv_depth,
            token_ns=stamps,
            token_ids=ids,
            stopped_early=parsed.stopped_early,
            vocabulary_size=parsed.vocabulary_size,
            context_tokens=parsed.context_tokens,
            rss_after_prefill_bytes=parsed.rss_after_prefill_bytes,
        ),
    )


def _launched(parsed: _Launched) -> Measurement:
    return Measurement(
        load_ns=parsed.load_ns,
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
    )


def _check_length(parsed: _Measured, subject: str) -> None:
    kept = len(parsed.latencies_ns)
    if parsed.gaps_ns and len(parsed.gaps_ns) != kept:
        raise bad_output(
            subject, f"reported {len(parsed.gaps_ns)} gaps of {kept} latencies"
        )
    if (
        parsed.iterations is not None
        and -(-parsed.iterations // parsed.kept_every) != kept
    ):
        raise bad_output(
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
    """Read the answer to `--spin-ms`: nanoseconds a round of fixed work.

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
    parsed = convert_fields(sealed_fields(result, subject), _Capable, subject)
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
    parsed = convert_fields(sealed_fields(result, subject), _Packed, subject)
    return Prepacked(
        file=parsed.prepacked,
        operators=parsed.prepacked_operators,
        sqnr_db=parsed.sqnr_db,
    )
