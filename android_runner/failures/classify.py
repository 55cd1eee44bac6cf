"""Why a measuring program ended without a measurement, read from what it left."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.android_runner.failures.remedies import remedy_for
from pocketbench.android_runner.failures.system_log_words import Ending, read_ending
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason

if TYPE_CHECKING:
    from pocketbench.bench.records.device import CommandResult

_FACT_LENGTH = 300
_TAIL_BYTES = 64 * 1024
_SHELL_SIGNAL_BASE = 128
_SIGSYS = 31
"""On Linux; the device's numbers, which this computer's need not be."""


class _Rule(NamedTuple):
    reason: FailureReason
    pattern: re.Pattern[str]
    words: tuple[str, ...]
    """One of them, in lower case, is in every text that matches."""


def _rule(reason: FailureReason, pattern: str) -> _Rule:
    compiled = re.compile(pattern, re.MULTILINE | re.IGNORECASE)
    return _Rule(reason, compiled, _telling_words(pattern))


def _telling_words(pattern: str) -> tuple[str, ...]:
    """The longest plain words of each alternative: to look for them costs little."""
    plain = re.sub(r"\\[({})\[\].|\"]", "\0", pattern)
    while (without := re.sub(r"\([^()]*\)[?*]?", "\0", plain)) != plain:
        plain = without
    plain = re.sub(r"\[[^]]*\](\{[^}]*\}|[+*?])?|\\[\w](\{[^}]*\}|[+*?])?", "\0", plain)
    plain = re.sub(r"[^\0](\{[^}]*\}|[*?])|[.^$+](\{[^}]*\}|[*?])?", "\0", plain)
    return tuple(
        max(way.split("\0"), key=len).lower() for way in plain.split("|") if way
    )


_LOADER_RULES = (
    _rule(FailureReason.WRONG_PAGE_SIZE, r"smaller than system page size"),
    _rule(
        FailureReason.WRONG_ABI,
        r"not executable: (\d+-bit ELF|magic 7F45)|exec format error"
        r"|cannot execute binary file"
        r"|wrong ELF class|is for EM_\w+ .{0,200}instead of|is \d+-bit instead of"
        r"|bad ELF magic|unexpected e_machine: ",
    ),
    _rule(FailureReason.KERNEL_TOO_OLD, r"FATAL: kernel too old"),
    _rule(
        FailureReason.EXECUTION_DENIED,
        r"failed to map segment from shared object"
        r"|couldn't map \"[^\"]{0,500}\" segment.{0,200}"
        r"(Permission denied|Operation not permitted)"
        r"|cannot make segment writable for relocation|cannot enable executable stack"
        r"|cannot apply additional memory protection"
        r"|avc: +denied +\{ [^}]{0,200}execute[^}]{0,200}\}"
        r"|mprotect failed.{0,200}Permission denied"
        r"|/data/local/tmp/\S{0,300}: (can't execute: |cannot execute: )?"
        r"(Permission denied|Operation not permitted)"
        r"|exec(v|ve|vp)?: .{0,200}/data/local/tmp/.{0,300}Permission denied",
    ),
    _rule(
        FailureReason.MISSING_LIBRARY,
        r"cannot open shared object file: No such file",
    ),
    _rule(
        FailureReason.MISSING_LOADER,
        r"Could not open '[^']{0,300}/(ld-|linker)"
        r"|/objects/[0-9a-f]{64}/\S{1,300}: "
        r"(not found|inaccessible or not found|No such file or directory)"
        r"|(cannot execute|can't execute): required file not found"
        r"|bad interpreter: .{0,300}No such file"
        r"|no such file or directory.{0,300}interpreter",
    ),
    _rule(
        FailureReason.LINKER,
        r"CANNOT LINK EXECUTABLE|error while loading shared libraries"
        r"|symbol lookup error|version `\S{1,100}' not found|undefined symbol: "
        r"|dyld(\[\d+\])?: (Library not loaded|Symbol not)"
        r"|position.independent executables|TLS segment is underaligned"
        r"|Error relocating \S|Error loading shared library|Inconsistency detected by"
        r" ld\.so",
    ),
)
"""Of the dynamic loader and the kernel; first because they quote arbitrary names."""

_RUNTIME_RULES = (
    _rule(
        FailureReason.MISSING_OPERATOR,
        r"Following ops cannot be found|Unknown builtin op"
        r"|Could not find schema for|operator .{0,300} does not exist"
        r"|\w::\w{1,100} (is )?not available"
        r"|Error::OperatorMissing|Missing operator: ",
    ),
    _rule(
        FailureReason.MISSING_BACKEND,
        r"Backend \S{1,100} is not (registered|available)"
        r"|Failed to load libneuralnetworks"
        r"|\b(XNNPACK|Vulkan|NNAPI|QNN|Core ?ML|Metal)( backend| delegate)? is not"
        r" (available|supported|enabled|linked)",
    ),
    _rule(
        FailureReason.NO_QUANTIZED_ENGINE,
        r"NoQEngine|Didn't find engine for|quantized engine \S{1,100} is not supported"
        r"|without (FBGEMM|QNNPACK|XNNPACK) support",
    ),
    _rule(
        FailureReason.OUT_OF_MEMORY,
        r"std::bad_alloc|DefaultCPUAllocator: (not enough|can't allocate) memory"
        r"|posix_memalign failed|Cannot allocate memory|^Killed[ \t]*$"
        r"|Scudo ERROR: .{0,200}(NO MEMORY|out of memory)"
        r"|Error::MemoryAllocationFailed",
    ),
    _rule(FailureReason.FULL_JIT_FILE, r"locating file bytecode\.pkl"),
    _rule(
        FailureReason.TRUNCATED_FILE,
        r"failed finding central directory|program data appears (to be )?truncated",
    ),
    _rule(
        FailureReason.NOT_LOADABLE,
        r"PytorchStreamReader failed"
        r"|Legacy model format|bytecode\.pkl|not a (ZIP|zip) archive"
        r"|Unrecognized data format|Format error|Lite Interpreter does not support"
        r"|constants\.pkl|torch::jit::load|does not have a flatbuffer"
        r"|Error::InvalidProgram|Error::DelegateInvalidCompatibility",
    ),
    _rule(
        FailureReason.MISSING_OPERATOR, r"Could not run '[\w:.]{1,100}' with arguments"
    ),
    _rule(
        FailureReason.NOT_FOUND,
        r"open file failed because of errno 2 |open file failed, file path"
        r"|Failed to open .{0,300}: No such file or directory",
    ),
    _rule(
        FailureReason.BAD_FLAGS,
        r"unrecognized commandline argument|Failed to parse command line flags",
    ),
    _rule(
        FailureReason.MODEL_RAISED,
        r"following operation failed in the TorchScript interpreter"
        r"|(terminating|terminate called).{0,200}?(c10|std|torch|at|caffe2)::\w+",
    ),
    # Last: a program may go on without a library that it looks for.
    _rule(FailureReason.LINKER, r"dlopen failed: "),
)
"""In the words of the PyTorch runtimes and of ExecuTorch."""

_SHELL_RULES = (
    _rule(FailureReason.NO_PERMISSION, r"permission denied|operation not permitted"),
    _rule(
        FailureReason.NOT_FOUND,
        r"inaccessible or not found|not found|No such file or directory",
    ),
)
"""Only believed with a shell's 126 or 127: a program may print these words too."""

_BYTECODE = re.compile(
    r"vers\w{0,3}on number does not match.{0,300}?between (?P<low>\d+) and ?"
    r"(?P<high>\d+) ?but the model version is ?(?P<model>\d+)",
    re.IGNORECASE | re.DOTALL,
)
"""Releases of PyTorch Mobile differ in the spelling and the spaces."""

_FATAL = re.compile(r"F ?[\d/]")
"""A runtime's fatal line: `F 00:00:00.001 executorch:...`, `F1128 10:00:00 ...`."""

_NO_NEWS = re.compile(
    r"(\(?no backtrace available\)?|Exception raised from .*|\(most recent call"
    r" first\).*|\*\*\* Aborted at .*|This is an internal miniz error.*"
    r"|Debug info for handle.*)",
    re.DOTALL,
)


def classify(result: CommandResult, *, subject: str) -> LaunchError:
    """Say why a command that did not measure ended as it did.

    Args:
        result: How the command ended; its own words decide before its exit code.
        subject: What failed, for the message: the model or the program.
    """
    reason, fact = _reason_and_fact(result)
    return LaunchError(reason, subject, fact, remedy=remedy_for(reason, fact))


def reason_of(message: str) -> FailureReason | None:
    """What a runtime's or loader's message means; `None` for an unknown one."""
    version = _BYTECODE.search(message)
    if version:
        if int(version["model"]) > int(version["high"]):
            return FailureReason.BYTECODE_TOO_NEW
        return FailureReason.BYTECODE_TOO_OLD
    found = _first_match(message, (*_LOADER_RULES, *_RUNTIME_RULES))
    return found[0] if found else None


def first_words(message: str) -> str:
    """The informative part of a long message on one line, without its backtrace."""
    parsed = _NO_NEWS.split(message.strip(), maxsplit=1)[0] or message
    parsed = " ".join(parsed.split()).rstrip(". ")
    if len(parsed) > _FACT_LENGTH:
        half = _FACT_LENGTH // 2
        parsed = f"{parsed[:half]} ... {parsed[-half:]}"
    return parsed


def signal_of(result: CommandResult) -> int | None:
    """The signal that ended a command, as the device or its shell reports it."""
    if result.signal is not None:
        return result.signal
    code = result.exit_code
    if code is None or not _SHELL_SIGNAL_BASE < code <= _SHELL_SIGNAL_BASE + 64:
        return None
    return code - _SHELL_SIGNAL_BASE


def _reason_and_fact(result: CommandResult) -> tuple[FailureReason, str]:
    if result.timed_out:
        seconds = result.duration_ns / 1e9
        return FailureReason.TIMED_OUT, f"still running after {seconds:.0f} s"
    errors = _text(result.stderr)
    number = signal_of(result)
    if number == signal.SIGKILL:
        # The shell's word for it, which says less than the system's log.
        errors = re.sub(r"^Killed[ \t]*$", "", errors, flags=re.MULTILINE)
    words = f"{errors}\n{_text(result.stdout)}"
    ending = read_ending(result.log, result.pid)
    if ending.killed_because is not None:
        return (
            FailureReason.OUT_OF_MEMORY,
            f"killed by Android's low-memory killer: {ending.killed_because}",
        )
    for parsed in (words, ending.own_words):
        reason = reason_of(parsed)
        if reason:
            return reason, first_words(_reporting_part(parsed, reason))
    if result.exit_code in (126, 127):
        found = _first_match(errors, _SHELL_RULES) or _first_match(words, _SHELL_RULES)
        if found:
            return found[0], first_words(found[1])
        if result.exit_code == 127:
            return FailureReason.NOT_FOUND, "exit code 127: no such program"
        return FailureReason.NO_PERMISSION, "exit code 126: it cannot be executed"
    if number == signal.SIGKILL:
        return FailureReason.OUT_OF_MEMORY, _killed(ending)
    if number == _SIGSYS:
        return (
            FailureReason.BLOCKED_SYSTEM_CALL,
            _with_last_line("ended by SIGSYS: a filter forbids a system call", errors),
        )
    if number is not None:
        fact = _signal_name(number)
        if ending.crash:
            return FailureReason.CRASHED, first_words(f"{fact}: {ending.crash}")
        return FailureReason.CRASHED, _with_last_line(fact, errors)
    if result.exit_code == 0:
        return FailureReason.BAD_OUTPUT, _with_last_line("printed no result", words)
    return (
        FailureReason.CRASHED,
        _with_last_line(f"exit code {result.exit_code}", errors),
    )


def _killed(ending: Ending) -> str:
    fact = "killed (SIGKILL), as the system does when memory runs out"
    if ending.others_killed:
        fact += (
            f"; meanwhile Android killed {ending.others_killed} other processes for it"
        )
    return fact


def _first_match(
    text: str, rules: tuple[_Rule, ...]
) -> tuple[FailureReason, str] | None:
    """The first rule that matches, and the line it matches in."""
    lowered = text.lower()
    for rule in rules:
        if not any(words in lowered for words in rule.words):
            continue
        match = rule.pattern.search(text)
        if match:
            start = text.rfind("\n", 0, match.start() + 1) + 1
            end = text.find("\n", match.end())
            return rule.reason, text[start : end if end >= 0 else len(text)]
    return None


def _reporting_part(words: str, reason: FailureReason) -> str:
    """The message around what gave the reason, with the lines that belong to it."""
    if reason in (FailureReason.BYTECODE_TOO_NEW, FailureReason.BYTECODE_TOO_OLD):
        match = _BYTECODE.search(words)
        if match:
            return f"lite interpreter {match[0]}"
    found = _first_match(words, (*_LOADER_RULES, *_RUNTIME_RULES))
    if found is None:
        return words
    if reason is FailureReason.MODEL_RAISED:
        return _last_error(words) or found[1]
    return found[1]


def _last_error(words: str) -> str | None:
    """What a TorchScript traceback ends with, which is what went wrong."""
    errors = re.findall(r"^[ \t]*(?:\w+Error|what\(\)): .+$", words, re.MULTILINE)
    return errors[-1].strip() if errors else None


def _signal_name(number: int) -> str:
    try:
        return f"ended by {signal.Signals(number).name}"
    except ValueError:
        return f"ended by signal {number}"


def _with_last_line(fact: str, text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if _FATAL.match(line)]
    if fatal:
        return first_words(f"{fact}: {fatal[-1]}")
    return first_words(f"{fact}; last line: {lines[-1]}") if lines else fact


def _text(output: bytes) -> str:
    return output[-_TAIL_BYTES:].decode("utf-8", "replace").replace("\r", "")
