"""Read the sealed JSON Lines of our own programs, whatever they say."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from pocketbench.android_runner.failures.classify import (
    classify,
    first_words,
    reason_of,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from pocketbench.bench.records.device import CommandResult

WIRE_VERSION = 1
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


_Answer = TypeVar("_Answer", bound=Header)


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
    if fields.get("wire") != WIRE_VERSION:
        raise bad_output(
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
