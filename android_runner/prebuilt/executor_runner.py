"""ExecuTorch's `executor_runner`, built by the user, as a runner."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pocketbench.android_runner.failures.failure_words import why_it_ended
from pocketbench.android_runner.prebuilt.executor_log import Message, messages_of
from pocketbench.android_runner.prebuilt.given_programs import GivenRunner, start
from pocketbench.android_runner.prebuilt.inference_took import (
    has_inference_times,
    read_inference_times,
)
from pocketbench.android_runner.prebuilt.output_parsing import (
    NUMBER,
    decimal_step,
    exact,
    lines_of,
    to_ns,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import CommandResult
    from pocketbench.bench.records.runner import Command, LaunchRequest

NAME = "executor_runner"
_MS = 1_000_000

_LOADED = re.compile(rf"Model loaded in (?P<ms>{NUMBER}) ms\.")
_ITERATION = re.compile(
    rf"Iteration (?P<number>\d+) of (?P<count>\d+): (?P<ms>{NUMBER}) ms"
)
_EXECUTED = re.compile(
    r"Model executed successfully"
    rf"(?: (?P<count>\d+) time\(s\) in (?P<ms>{NUMBER}) ms)?\."
)
"""Since v0.6 with the number of executions and their total time."""
_EXECUTED_MARK = "Model executed successfully"
_ITERATION_MARK = "Iteration "
_NEWEST_MARK = re.compile(r"Iteration |Model loaded in ")
"""Came together; either one says that every iteration must be there."""
_PREPARED = "Inputs prepared."
_THREADS = re.compile(r"Resetting threadpool with num threads = (?P<threads>\d+)")

_RULES = (
    (
        FailureReason.BAD_FLAGS,
        r"unknown command line flag|illegal value .* specified for|Extra commandline"
        r" args|Unknown --print_output mode",
    ),
    (FailureReason.LINKER, r"dlopen failed: "),
    (
        FailureReason.MISSING_BACKEND,
        r"Backend \S+ is not (registered|available)"
        r"|Failed to (create|initialize) (QNN|Qnn) (backend|device|context)"
        r"|Failed to create device_handle",
    ),
    (FailureReason.NOT_LOADABLE, r"Cannot find tensor .* in named data map"),
    (
        FailureReason.MISSING_OPERATOR,
        r"Missing operator|kernel '\S+' not found|There are \d+ instructions don't"
        r"|(error|status):? 0x:?14\b",
    ),
    (
        FailureReason.NOT_LOADABLE,
        r"Program identifier .* != expected|Failed to parse model file"
        r"|InternalConsistency verification requested|failed .*0x:?(0x)?(23|20)\b",
    ),
    (
        FailureReason.OUT_OF_MEMORY,
        r"Memory allocation failed|MemoryAllocationFailed|status:? 0x:?21\b",
    ),
    (FailureReason.NOT_FOUND, r"Failed to open \S+: No such file|0x:?22\b"),
    (
        FailureReason.MODEL_RAISED,
        r"Attempted to (change|resize)|[Ff]ailed to resize|[Cc]ould not resize"
        r"|resize_tensor\S* failed|Cannot resize",
    ),
    (FailureReason.MODEL_RAISED, r"Execution of method \S+ failed"),
    (FailureReason.MISSING_BACKEND, r"Init failed for backend \S+"),
)
"""In ExecuTorch's words and error codes (runtime/core/error.h); the cause of a failed
resize is logged before the status that names it."""


class ExecutorRunner(GivenRunner):
    """Builds the program's flags and reads its log, in every version.

    Vendors' runners of `.pte` files, such as Qualcomm's `qnn_executor_runner`, are
    reported by their flags and by their log.

    It has no warm-up runs of its own: so many more executions are asked for, and the
    first ones are separated afterwards. All its inputs are ones.
    """

    name = NAME
    formats = frozenset({"pte"})
    options = ("method_name", "input_list_path")

    def command(self, request: LaunchRequest) -> Command:
        """The command line of one launch; older builds lack some flags."""
        given = self._programs.of(request)
        flags = [f"--model_path={request.model_path}"]
        if method := given.option("method_name"):
            flags.append(f"--method_name={method}")
        if inputs := given.option("input_list_path"):
            flags.append(f"--input_list_path={inputs}")
        has_warm_up = given.holds("Perform %d inference for warming up")
        executions = request.warmup_iterations + request.iterations
        wanted = (
            (("iteration", request.iterations), ("warm_up", request.warmup_iterations))
            if has_warm_up
            else (
                ("num_executions", executions),
                ("cpu_threads", request.threads),
                ("print_output", "none"),
            )
        )
        flags += [f"--{flag}={value}" for flag, value in wanted if given.holds(flag)]
        command = start(request, *flags)
        return msgspec.structs.replace(command, log_tag="ExecuTorch")

    def parse(
        self,
        result: CommandResult,
        artifact: Artifact,
        request: LaunchRequest | None = None,
    ) -> Measurement:
        """Read what a launch logged, on its error output or in the system log.

        Three generations: single iterations and the load time (2026-04 and later);
        the total of all executions (v0.6), which gives a mean that includes the
        first, slower one; before, one execution, timed by the log's own clock.
        Without the request no iteration is known to have been a warm-up.

        Raises:
            LaunchError: It did not measure; classified, with the raw words.
        """
        subject = f"{artifact.model} {artifact.variant}"
        messages = messages_of(result, subject)
        if result.exit_code != 0 or result.signal is not None or result.timed_out:
            raise self._why(result, messages, subject)
        texts = [item.text for item in messages]
        if has_inference_times(texts):
            asked = request.iterations if request else None
            return read_inference_times(texts, asked, subject)
        ends = [item for item in messages if _EXECUTED_MARK in item.text]
        if not messages:
            raise self._silent(result, subject)
        if not ends:
            raise self._why(result, messages, subject)
        if len(ends) > 1:
            raise _bad(subject, "logged more than one result")
        return _Log(messages, ends[0], subject).measurement(request)

    def _silent(self, result: CommandResult, subject: str) -> LaunchError:
        """Of a program that ended well and logged nothing, whatever it is."""
        words = [*lines_of(result.stdout), *lines_of(result.stderr)]
        if any(words) and not any(line.startswith("Output") for line in words):
            return self._why(result, (), subject)
        return LaunchError(
            FailureReason.BAD_OUTPUT,
            subject,
            "it ran the model and logged no time: a Release build, which logs nothing",
            remedy="Rebuild it with -DEXECUTORCH_ENABLE_LOGGING=ON and "
            "-DEXECUTORCH_LOG_LEVEL=Info (ET_LOG)",
        )

    @staticmethod
    def _why(
        result: CommandResult, messages: Sequence[Message], subject: str
    ) -> LaunchError:
        lines = [item.text for item in messages]
        lines += lines_of(result.stderr) + lines_of(result.stdout)
        return why_it_ended(result, lines, _RULES, subject=subject)


class QnnExecutorRunner(ExecutorRunner):
    """Qualcomm's runner under its own name."""

    name = "qnn_executor_runner"


class _Log:
    """The messages of one launch that came to its end."""

    def __init__(self, messages: Sequence[Message], end: Message, subject: str) -> None:
        self._messages = messages
        self._end = end
        self._subject = subject
        match = _EXECUTED.fullmatch(end.text)
        if match is None:
            raise _bad(subject, f"unreadable result: {end.text}")
        self._count = int(match["count"]) if match["count"] else None
        self._total_text = match["ms"]

    def measurement(self, request: LaunchRequest | None) -> Measurement:
        """What the launch measured, by whatever generation it is of."""
        parsed = Measurement(load_ns=self._load_ns(), threads=self._threads())
        replace = msgspec.structs.replace
        if self._count is None:
            only_ns = self._ns_by_timestamps()
            return replace(
                parsed,
                first_latency_ns=only_ns,
                latencies_ns=(only_ns,),
                latency_resolution_ns=1000,
            )
        total_ms = self._number(self._total_text, self._end.text)
        asked = request.warmup_iterations + request.iterations if request else None
        if self._count == 0 or total_ms <= 0:
            raise _bad(self._subject, f"nothing was executed: {self._end.text}")
        if asked not in (None, self._count):
            raise _bad(
                self._subject, f"executed {self._count} times, {asked} were asked for"
            )
        if not any(_NEWEST_MARK.match(item.text) for item in self._messages):
            mean_ns = to_ns(total_ms / self._count, _MS)
            return replace(
                parsed,
                mean_latency_ns=mean_ns,
                first_latency_ns=mean_ns if self._count == 1 else None,
                latency_resolution_ns=_resolution_ns(self._total_text),
            )
        samples, resolution_ns = self._iterations(total_ms)
        warm = request.warmup_iterations if request else 0
        return replace(
            parsed,
            first_latency_ns=samples[0],
            warmup_latencies_ns=samples[:warm],
            latencies_ns=samples[warm:],
            latency_resolution_ns=resolution_ns,
        )

    def _iterations(self, total_ms: Decimal) -> tuple[tuple[int, ...], int]:
        """Every iteration in order, if they are all there and make up the total."""
        found: list[Decimal] = []
        steps = [decimal_step(self._total_text)]
        for item in self._messages:
            if not item.text.startswith(_ITERATION_MARK):
                continue
            match = _ITERATION.fullmatch(item.text)
            number = len(found) + 1
            if (
                match is None
                or int(match["number"]) != number
                or int(match["count"]) != self._count
            ):
                raise _bad(self._subject, f"iteration {number} is missing: {item.text}")
            found.append(self._number(match["ms"], item.text))
            steps.append(decimal_step(match["ms"]))
        if len(found) != self._count:
            raise _bad(
                self._subject, f"{len(found)} of {self._count} iterations were logged"
            )
        if abs(sum(found) - total_ms) > sum(steps):
            raise _bad(
                self._subject,
                f"its iterations take {sum(found)} ms, it states {total_ms} ms",
            )
        samples = tuple(to_ns(value, _MS) for value in found)
        if min(samples) <= 0:
            raise _bad(self._subject, "an iteration that took no time")
        return samples, max(1, to_ns(max(steps), _MS))

    def _load_ns(self) -> int | None:
        for item in self._messages:
            if match := _LOADED.fullmatch(item.text):
                return to_ns(self._number(match["ms"], item.text), _MS)
        return None

    def _threads(self) -> int | None:
        for item in self._messages:
            if match := _THREADS.fullmatch(item.text):
                return int(match["threads"])
        return None

    def _ns_by_timestamps(self) -> int:
        """From the inputs being ready to the end, by the log's clock."""
        before = [item.at_us for item in self._messages if item.text == _PREPARED]
        if len(before) != 1 or before[0] is None or self._end.at_us is None:
            raise _bad(
                self._subject,
                "this release reports no time: build executor_runner of v0.6 or later",
            )
        if self._end.at_us <= before[0]:
            raise _bad(self._subject, "its clock ran backwards")
        return (self._end.at_us - before[0]) * 1000

    def _number(self, text: str, line: str) -> Decimal:
        value = exact(text)
        if value is None or value < 0:
            raise _bad(self._subject, f"unreadable number: {line}")
        return value


def _resolution_ns(total_text: str) -> int:
    return max(1, to_ns(decimal_step(total_text), _MS))


def _bad(subject: str, fact: str) -> LaunchError:
    return LaunchError(FailureReason.BAD_OUTPUT, subject, fact)
