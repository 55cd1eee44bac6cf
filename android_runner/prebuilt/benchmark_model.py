"""LiteRT's (TensorFlow Lite's) `benchmark_model` as a runner."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pocketbench.android_runner.failures.failure_words import why_it_ended
from pocketbench.android_runner.prebuilt.benchmark_model_profile import read_profile
from pocketbench.android_runner.prebuilt.given_programs import GivenPrograms, start
from pocketbench.android_runner.prebuilt.output_parsing import (
    NUMBER,
    exact,
    lines_of,
    stream_step,
    to_ns,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Measurement, Memory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import CommandResult, DeviceInfo
    from pocketbench.bench.records.operator_times import OperatorTimes
    from pocketbench.bench.records.plan import RunnerChoice
    from pocketbench.bench.records.runner import Command, LaunchRequest, Program

NAME = "benchmark_model"
_US = 1000
_LONGEST_S = 86_400
"""The program stops by itself after 150 s unless told; our own timeout decides."""

_OPTIONS = (
    "use_gpu",
    "use_nnapi",
    "use_xnnpack",
    "use_hexagon",
    "use_coreml",
    "gpu_backend",
    "nnapi_accelerator_name",
    "allow_fp16",
    "input_layer",
    "input_layer_shape",
    "report_peak_memory_footprint",
)
"""Flags passed on as the user wrote them."""

_MODE_FLAG = "op_profiling_output_mode"
_OLD_CSV_FLAG = "profiling_output_csv_file"
"""How a release is asked for a profile as CSV; the first ones print a table."""

_PREFIX = re.compile(
    r"INFO: |(?:\d{4}-)?\d\d-\d\d [\d:.]+ +\d+ +\d+ [VDIWEFA] tflite *: "
    r"|[VDIWEFA]/tflite *\( *\d+\): "
)
"""None in the first releases, later `INFO: `; in an app, the system log's."""

_COUNT = re.compile(r"count=(?P<count>\d+)(?P<rest>(?: \w+=\S+(?: same\))?)*)")
"""The statistics of the warm-up runs, then those of the measured ones."""
_FIELD = re.compile(rf"(\w+)=({NUMBER})(?:\(all same\))?(?= |$)")
_NEW_SUMMARY = re.compile(
    rf"Inference timings in us: Init: (?P<init>{NUMBER}), First inference: "
    rf"(?P<first>{NUMBER}), Warmup \(avg\): {NUMBER}, Inference \(avg\): "
    rf"(?P<mean>{NUMBER})"
)
_OLD_SUMMARY = re.compile(
    rf"Average inference timings in us: Warmup: {NUMBER}, Init: (?P<init>{NUMBER}), "
    rf"(?:Inference|no stats): (?P<mean>{NUMBER})"
)
_SUMMARY_MARK = "nference timings in us:"
_PEAK = re.compile(
    rf"Overall peak memory footprint \(MB\) via periodic monitoring: "
    rf"(?P<mb>{NUMBER})"
)

_RULES = (
    (
        FailureReason.MISSING_OPERATOR,
        r"Didn't find op for builtin opcode|unresolved custom op|Op builtin_code out of"
        r" range",
    ),
    (
        FailureReason.NOT_FOUND,
        r"Could not open '|Please specify the name of your TF Lite input file",
    ),
    (
        FailureReason.NOT_LOADABLE,
        r"[Ff]ailed to (mmap|load) model|[Nn]ot a valid [Ff]lat[Bb]uffer"
        r"|provided is model identifier|Failed to (construct|initialize the)"
        r" interpreter",
    ),
    (
        FailureReason.MODEL_RAISED,
        r"Failed to (allocate tensors|invoke|set up|resize)|Failed to prepare",
    ),
    (FailureReason.BAD_FLAGS, r"Failed to parse|unrecognized commandline flag"),
)


class BenchmarkModel:
    """Builds the program's flags and reads its statistics, in every version.

    It tells a mean and no single iterations. Its inputs are random.
    """

    name = NAME
    formats = frozenset({"tflite"})
    needs_cpu = True

    def __init__(
        self, programs: Sequence[RunnerChoice] = (), progress: object = None
    ) -> None:
        """Take the given programs; nothing is built, so there is no progress."""
        self._programs = GivenPrograms(NAME, programs, options=_OPTIONS)

    def program(self, info: DeviceInfo) -> Program:
        """The given program for a device's ABI and C library."""
        return self._programs.program(info)

    def command(self, request: LaunchRequest) -> Command:
        """The command line of one launch: as many runs as asked for, however short."""
        given = self._programs.of(request)
        flags = [
            f"--graph={request.model_path}",
            f"--num_threads={request.threads}",
            f"--warmup_runs={request.warmup_iterations}",
            "--warmup_min_secs=0",
            f"--num_runs={request.iterations}",
            "--min_secs=0",
            f"--max_secs={_LONGEST_S}",
        ]
        for name in _OPTIONS:
            flags += [f"--{name}={value}" for value in given.options(name)]
        return msgspec.structs.replace(start(request, *flags), log_tag="tflite")

    def profile_command(self, request: LaunchRequest) -> Command:
        """The command line of a launch that observes as many runs as it measures."""
        given = self._programs.of(request)
        flags = ["--enable_op_profiling=true"]
        if given.holds(_MODE_FLAG):
            flags.append(f"--{_MODE_FLAG}=csv")
        elif given.holds(_OLD_CSV_FLAG):
            flags.append(f"--{_OLD_CSV_FLAG}=/dev/stdout")
        command = self.command(request)
        return msgspec.structs.replace(command, argv=(*command.argv, *flags))

    def parse(
        self,
        result: CommandResult,
        artifact: Artifact,
        request: LaunchRequest | None = None,
    ) -> Measurement:
        """Read what a launch printed: load time, first inference and a mean.

        Raises:
            LaunchError: It did not measure; classified, with the raw words.
        """
        subject = f"{artifact.model} {artifact.variant}"
        lines = _lines(result)
        summaries = [line for line in lines if _SUMMARY_MARK in line]
        failed = result.exit_code != 0 or result.signal is not None
        if failed or result.timed_out or not summaries:
            raise why_it_ended(result, lines, _RULES, subject=subject)
        if len(summaries) > 1:
            raise _bad(subject, "printed more than one result")
        return _Statistics(lines, summaries[0], subject).measurement(request)

    def parse_profile(
        self,
        result: CommandResult,
        artifact: Artifact,
        request: LaunchRequest | None = None,
    ) -> OperatorTimes:
        """Read what such a launch printed.

        Raises:
            LaunchError: It did not observe; classified, with the raw words.
        """
        self.parse(result, artifact, request)
        subject = f"{artifact.model} {artifact.variant}"
        return read_profile(_lines(result), subject)


def _lines(result: CommandResult) -> list[str]:
    """All that it said, wherever it said it, without what a log puts before."""
    return [
        _PREFIX.sub("", line, count=1) if _PREFIX.match(line) else line
        for output in (result.stdout, result.stderr, result.log)
        for line in lines_of(output)
    ]


class _Statistics:
    """What one launch printed about its runs."""

    def __init__(self, lines: Sequence[str], summary: str, subject: str) -> None:
        self._lines = lines
        self._summary = summary
        self._subject = subject
        counts = [line for line in lines if line.startswith("count=")]
        if not 1 <= len(counts) <= 2:
            raise _bad(subject, f"{len(counts)} lines of statistics, not 2")
        self._warmup = self._fields(counts[0]) if len(counts) == 2 else None
        self._main = self._fields(counts[-1])

    def measurement(self, request: LaunchRequest | None) -> Measurement:
        """The mean, if both places that tell it agree."""
        new = _NEW_SUMMARY.fullmatch(self._summary)
        match = new or _OLD_SUMMARY.fullmatch(self._summary)
        if match is None:
            raise _bad(self._subject, f"unreadable result: {self._summary}")
        mean_us = self._number(match["mean"])
        count = int(self._main["count"])
        if count == 0 or mean_us <= 0:
            raise _bad(self._subject, f"no inference was run: {self._summary}")
        if request and count < request.iterations:
            raise _bad(
                self._subject,
                f"ran {count} iterations, {request.iterations} were asked for",
            )
        # A single run, or runs that were all the same, have no `avg`.
        stated_us = self._main.get("avg", self._main.get("curr"))
        if stated_us is None or abs(stated_us - mean_us) > stream_step(mean_us):
            raise _bad(
                self._subject, f"states {stated_us} us and {mean_us} us as its mean"
            )
        first_us = self._number(new["first"]) if new else self._old_first_us()
        return Measurement(
            load_ns=to_ns(self._number(match["init"]), _US),
            first_latency_ns=to_ns(first_us, _US) if first_us else None,
            mean_latency_ns=to_ns(mean_us, _US),
            latency_resolution_ns=max(1, to_ns(stream_step(mean_us), _US)),
            memory=Memory(peak_rss_bytes=self._peak_bytes()),
        )

    def _old_first_us(self) -> Decimal | None:
        """The first warm-up run; `curr` where there was one, or all were the same."""
        if self._warmup is None:
            return None
        return self._warmup.get("first", self._warmup.get("curr"))

    def _fields(self, line: str) -> dict[str, Decimal]:
        """`k=v` pairs; which there are depends on the release and on the runs."""
        if _COUNT.fullmatch(line) is None:
            raise _bad(self._subject, f"unreadable statistics: {line}")
        fields = {name: self._number(text) for name, text in _FIELD.findall(line)}
        if len(fields) != line.count("="):
            raise _bad(self._subject, f"unreadable statistics: {line}")
        return fields

    def _peak_bytes(self) -> int | None:
        for line in self._lines:
            if match := _PEAK.fullmatch(line):
                return int(self._number(match["mb"]) * 2**20)
        return None

    def _number(self, text: str) -> Decimal:
        value = exact(text)
        if value is None or value < 0:
            raise _bad(self._subject, f"unreadable number: {text}")
        return value


def _bad(subject: str, fact: str) -> LaunchError:
    return LaunchError(FailureReason.BAD_OUTPUT, subject, fact)
