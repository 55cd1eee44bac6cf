"""LiteRT's (TensorFlow Lite's) `benchmark_model` as a runner."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pocketbench.android_runner.failures.failure_words import why_it_ended
from pocketbench.android_runner.prebuilt.benchmark_model_profile import read_profile
from pocketbench.android_runner.prebuilt.benchmark_model_statistics import (
    REPORT_MARK,
    Statistics,
    number,
    report_measurement,
)
from pocketbench.android_runner.prebuilt.delegation import (
    check_delegated,
    litert_delegations,
)
from pocketbench.android_runner.prebuilt.given_programs import GivenRunner, start
from pocketbench.android_runner.prebuilt.output_parsing import (
    NUMBER,
    lines_of,
    whole_lines_of,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Measurement, Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import CommandResult
    from pocketbench.bench.records.operator_times import OperatorTimes
    from pocketbench.bench.records.runner import Command, LaunchRequest

NAME = "benchmark_model"
_LONGEST_S = 86_400
"""The program stops by itself after 150 s by default; our own timeout decides."""

_DELEGATES = {
    "use_gpu": "GPU",
    "use_nnapi": "NNAPI",
    "use_xnnpack": "XNNPACK",
    "use_hexagon": "Hexagon",
    "use_coreml": "CoreML",
    "use_npu": "NPU",
}
"""The flag that asks for a delegate, and the delegate."""

_OPTIONS = (
    *_DELEGATES,
    "use_cpu",
    "require_full_delegation",
    "dispatch_library_path",
    "compiler_plugin_library_path",
    "signature_to_run_for",
    "external_delegate_path",
    "external_delegate_options",
    "max_delegated_partitions",
    "min_nodes_per_partition",
    "gpu_backend",
    "gpu_precision_loss_allowed",
    "gpu_experimental_enable_quant",
    "nnapi_accelerator_name",
    "nnapi_execution_preference",
    "nnapi_allow_fp16",
    "disable_nnapi_cpu",
    "xnnpack_force_fp16",
    "allow_fp16",
    "use_caching",
    "input_layer",
    "input_layer_shape",
    "input_layer_value_range",
    "report_peak_memory_footprint",
)
"""Flags passed on as the user wrote them."""

_MODE_FLAG = "op_profiling_output_mode"
_OLD_CSV_FLAG = "profiling_output_csv_file"
"""How a release is asked for a profile as CSV; the first ones print a table."""

_PREFIX = re.compile(
    r"(?:INFO|WARNING|VERBOSE|DEBUG): "
    r"|(?:\d{4}-)?\d\d-\d\d [\d:.]+ +\d+ +\d+ [VDIWEFA] (?:tflite|litert) *: "
    r"|[VDIWEFA]/(?:tflite|litert) *\( *\d+\): "
)
"""None in the first releases, later `INFO: `; in an app, the system log's."""
_PLACE = re.compile(r"\[[^\]]+\.(?:h|cc|cpp):\d+\] ?")
"""LiteRT 2 puts the line of its source before a message as well."""

_SUMMARY_MARK = "nference timings in us:"
_PEAK = re.compile(
    rf"Overall peak memory footprint \(MB\) via periodic monitoring: (?P<mb>{NUMBER})"
    rf"|Peak memory: +(?P<mb2>{NUMBER}) MB"
)

_RULES = (
    (
        FailureReason.MISSING_BACKEND,
        r"Failed to apply \S+ delegate|Disallowed CPU fallback detected"
        r"|acceleration is unsupported on this platform",
    ),
    (
        FailureReason.MISSING_OPERATOR,
        r"Didn't find op for builtin opcode|unresolved custom op|Op builtin_code out of"
        r" range|(Select|Regular) TensorFlow op",
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


class BenchmarkModel(GivenRunner):
    """Builds the program's flags and reads its statistics, in every version.

    It prints statistics and no single iterations: a mean, newer releases a median and
    percentiles too. Its inputs are random. LiteRT 2's program of the same name prints
    another report, in milliseconds of two decimals.
    """

    name = NAME
    formats = frozenset({"tflite"})
    options = _OPTIONS

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
        flags += given.flags(_OPTIONS)
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
        """Read what a launch printed: load time, first inference and statistics.

        Raises:
            LaunchError: It did not measure; classified, with the raw words.
        """
        subject = f"{artifact.model} {artifact.variant}"
        lines = _lines(result)
        summaries = [line for line in lines if _SUMMARY_MARK in line]
        is_report = any(REPORT_MARK in line for line in lines)
        if result.failed or not (summaries or is_report):
            raise why_it_ended(result, lines, _RULES, subject=subject)
        if len(summaries) > 1:
            raise _bad(subject, "printed more than one result")
        delegations = litert_delegations(lines, self._requested())
        check_delegated(delegations, subject)
        statistics = Statistics(lines, subject)
        measured = (
            statistics.measurement(summaries[0])
            if summaries
            else report_measurement(lines, statistics, subject)
        )
        if request and measured.runs < request.iterations:
            raise _bad(
                subject,
                f"ran {measured.runs} iterations, {request.iterations} were asked for",
            )
        whole = _lines(result, whole_lines_of)
        return msgspec.structs.replace(
            measured.measurement,
            memory=Memory(peak_rss_bytes=_peak_bytes(whole, subject)),
            delegations=delegations,
        )

    def _requested(self) -> list[str]:
        """Delegates that the given options ask for."""
        on = ("true", "1", "yes", "on")
        return [
            delegate
            for flag, delegate in _DELEGATES.items()
            if (self._programs.asked(flag) or "").lower() in on
        ]

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


def _lines(
    result: CommandResult, read: Callable[[bytes], list[str]] = lines_of
) -> list[str]:
    """All that it said, wherever it said it, without what a log puts before."""
    return [
        _without_prefix(line)
        for output in (result.stdout, result.stderr, result.log)
        for line in read(output)
    ]


def _without_prefix(line: str) -> str:
    bare = _PREFIX.sub("", line, count=1) if _PREFIX.match(line) else line
    return _PLACE.sub("", bare, count=1) if _PLACE.match(bare) else bare


def _peak_bytes(lines: Sequence[str], subject: str) -> int | None:
    for line in lines:
        if match := _PEAK.fullmatch(line):
            return int(number(match["mb"] or match["mb2"], subject) * 2**20)
    return None


def _bad(subject: str, fact: str) -> LaunchError:
    return LaunchError(FailureReason.BAD_OUTPUT, subject, fact)
