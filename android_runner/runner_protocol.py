"""Read what launches of our own programs measured.

Their form, JSON Lines with a seal, is in native/runner_protocol.h.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from msgspec.structs import replace

from pocketbench.android_runner.failures.classify import (
    classify,
    first_words,
    reason_of,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.generation import GeneratedTokens
from pocketbench.bench.records.launch import Heap, Measurement, Memory
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from pocketbench.bench.records.device import CommandResult

PROTOCOL_VERSION = 1
_SEAL_MARK = b'{"end"'


class _Seal(Value, frozen=True, kw_only=True):
    end: bool
    lines: int
    sha256: str


class Header(Value, frozen=True, kw_only=True):
    """The first line."""

    wire: int
    runner: str
    runtime: str
    pid: int


_MOST = 1 << 60
"""Nothing measured is larger: 36 years in nanoseconds, an exbibyte."""

Ns = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
_Bytes = Annotated[int, msgspec.Meta(gt=0, le=_MOST)]
_Whole = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
Count = Annotated[int, msgspec.Meta(ge=1, le=_MOST)]


class _Launched(Header, frozen=True, kw_only=True):
    threads: Count
    heap: Heap = "system"
    seed: int
    load_ns: Ns
    rss_before_load_bytes: _Bytes | None
    rss_after_load_bytes: _Bytes | None
    peak_rss_bytes: _Bytes | None
    swap_bytes: _Whole | None
    rss_bytes: _Bytes | None = None
    pss_bytes: _Bytes | None = None


class _Timed(_Launched, frozen=True, kw_only=True):
    latencies_ns: tuple[Ns, ...] = ()
    gaps_ns: tuple[Ns, ...] = ()
    began_uptime_ns: Ns | None = None
    iterations: Count | None = None
    kept_every: Count = 1
    stopped: bool = False


class _Measured(_Timed, frozen=True, kw_only=True):
    input_count: Count
    first_latency_ns: Ns
    warmup_latencies_ns: tuple[Ns, ...]
    latencies_ns: Annotated[tuple[Ns, ...], msgspec.Meta(min_length=1)]
    output_digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Generated(_Timed, frozen=True, kw_only=True):
    prompt_tokens: Count
    kv_depth: _Whole
    vocabulary_size: Count
    context_tokens: Count | None
    rss_after_prefill_bytes: _Bytes | None
    token_ns: Annotated[tuple[Ns, ...], msgspec.Meta(min_length=1)]
    token_ids: tuple[_Whole, ...]
    stopped_early: bool
    mean_loss_millionths: _Whole | None = None


_Answer = TypeVar("_Answer", bound=Value)


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
    _check_length(parsed, subject)
    loss = parsed.mean_loss_millionths
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
            mean_loss=None if loss is None else loss / 1e6,
        ),
    )


def _launched(parsed: _Timed) -> Measurement:
    return Measurement(
        load_ns=parsed.load_ns,
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
    )


def _check_length(parsed: _Timed, subject: str) -> None:
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


def fields_by(runner: str, result: CommandResult, subject: str) -> dict[str, Any]:
    """Read the output of a program by name.

    Raises:
        LaunchError: It did not do what was asked, or another program answered.
    """
    fields = sealed_fields(result, subject)
    if fields.get("runner") != runner:
        raise bad_output(subject, f"'{fields.get('runner')}' answered, not '{runner}'")
    return fields


def sealed_fields(result: CommandResult, subject: str) -> dict[str, Any]:
    """All fields of a whole output of a program that ended well.

    Raises:
        LaunchError: It did not do what was asked; classified, with its words.
    """
    fields = _fields_of(result.stdout)
    if result.timed_out or fields is None:
        raise classify(result, subject=subject)
    if "error" in fields:
        raise _reported_error(fields, subject)
    if result.exit_code != 0:
        raise classify(result, subject=subject)
    if fields.get("wire") != PROTOCOL_VERSION:
        raise bad_output(
            subject,
            f"speaks protocol {fields.get('wire')}, this reads {PROTOCOL_VERSION}",
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
    elif phase == "generate":
        reason = FailureReason.NOT_GENERATING
    elif phase == "profile":
        reason = FailureReason.NO_OPERATOR_TIMES
    else:
        reason = FailureReason.MODEL_RAISED
    return LaunchError(reason, subject, first_words(message))


def convert_fields(
    fields: dict[str, Any], kind: type[_Answer], subject: str
) -> _Answer:
    """Check the fields that a kind of answer has.

    Raises:
        LaunchError: One is missing or has another type.
    """
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise bad_output(subject, f"printed an incomplete result ({error})") from error


def bad_output(subject: str, fact: str) -> LaunchError:
    """The error of an output that is not what this program prints."""
    return LaunchError(FailureReason.BAD_OUTPUT, subject, fact)
