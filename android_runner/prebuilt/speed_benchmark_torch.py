"""PyTorch's own `speed_benchmark_torch`, built by the user, as a runner."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.android_runner.failures.classify import classify
from pocketbench.android_runner.prebuilt.given_programs import GivenRunner, start
from pocketbench.android_runner.prebuilt.output_parsing import lines_of
from pocketbench.android_runner.prebuilt.speed_benchmark_output import (
    SpeedBenchmarkOutput,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.android_runner.prebuilt.given_programs import GivenProgram
    from pocketbench.bench.records.artifact import Artifact, TensorSpec
    from pocketbench.bench.records.device import CommandResult
    from pocketbench.bench.records.launch import Measurement
    from pocketbench.bench.records.runner import Command, LaunchRequest

NAME = "speed_benchmark_torch"
THREADS_FLAG = "pthreadpool_size"

_OPTIONS = ("use_bundled_input", "input_memory_format", "pytext_len")
_SWITCHES = (
    "use_caching_allocator",
    "vulkan",
    "no_inputs",
    "report_pep",
    THREADS_FLAG,
)
"""Flags a user may set; pocketbench sets the others itself."""

_FLAG_PARSERS = (
    "unrecognized commandline argument",
    "unknown command line flag",
)
"""What torch's two flag parsers (its own and gflags) say to an unknown flag."""

_INPUT_TYPES = {"float32": "float", "uint8": "uint8_t", "int64": "int64"}


class SpeedBenchmarkTorch(GivenRunner):
    """Builds the program's flags and reads what it prints, in every version."""

    name = NAME
    formats = frozenset({"ptl", "pt"})
    """`.pt` for a full-JIT build; a lite build says that it cannot load one."""
    options = _OPTIONS
    switches = _SWITCHES

    def command(self, request: LaunchRequest) -> Command:
        """The command line of one launch.

        Raises:
            LaunchError: The program cannot make the model's inputs.
        """
        given = self._programs.of(request)
        report = given.switch("report_pep", True)
        flags = [f"--model={request.model_path}"]
        if given.switch("no_inputs", False):
            flags.append("--no_inputs=true")
        elif index := given.option("use_bundled_input") or _bundled(request):
            flags.append(f"--use_bundled_input={index}")
        else:
            flags += _made_inputs(request, given.option("input_memory_format"))
            if length := given.option("pytext_len"):
                flags.append(f"--pytext_len={length}")
        flags += [
            f"--warmup={request.warmup_iterations}",
            f"--iter={request.iterations}",
            f"--report_pep={_boolean(report)}",
        ]
        flags += [
            f"--{flag}={_boolean(given.switch(flag, False))}"
            for flag in ("use_caching_allocator", "vulkan")
            if given.option(flag) is not None
        ]
        if given.switch(THREADS_FLAG, _takes_threads(given)):
            flags.append(f"--{THREADS_FLAG}={request.threads}")
        threads = str(request.threads)
        return start(request, *flags, OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads)

    def parse(
        self,
        result: CommandResult,
        artifact: Artifact,
        request: LaunchRequest | None = None,
    ) -> Measurement:
        """Read what a launch printed.

        The program reports neither load time nor memory, first inference or warm-ups:
        they stay absent. With the request, a launch that printed another number of
        iterations than asked for is refused.

        Raises:
            LaunchError: It did not measure; classified, with the raw words.
        """
        subject = f"{artifact.model} {artifact.variant}"
        output = SpeedBenchmarkOutput(lines_of(result.stdout), subject)
        if result.exit_code != 0 or result.signal is not None or result.timed_out:
            raise _why_it_ended(result, output, subject)
        if not output.final:
            raise classify(result, subject=subject)
        return output.measurement(request.iterations if request else None)


def _why_it_ended(
    result: CommandResult, output: SpeedBenchmarkOutput, subject: str
) -> LaunchError:
    """Classify a launch that failed, and say how far it came."""
    words = "\n".join(lines_of(result.stderr) + lines_of(result.stdout))
    if f"unrecognized commandline argument: --{THREADS_FLAG}" in words:
        return LaunchError(
            FailureReason.BAD_FLAGS,
            subject,
            f"this build has no flag --{THREADS_FLAG}; leave it out with "
            f"--runner-option {NAME}.{THREADS_FLAG}=off (its threads then follow "
            "OMP_NUM_THREADS, or the phone's own default)",
        )
    if missing := re.search(
        r"Model (does not have|has only \d+) bundled inputs", words
    ):
        return LaunchError(FailureReason.MODEL_RAISED, subject, missing[0])
    error = classify(result, subject=subject)
    fact = f"{error.fact} ({output.phase})"
    return LaunchError(error.reason, subject, fact, remedy=error.next_step)


def _takes_threads(given: GivenProgram) -> bool:
    """Whether the build has the flag of the thread pool, as far as can be known.

    Only a file that holds torch's flag parser holds all of torch's flags. Where torch
    is in libraries that were not given, it is passed: a build without it then says so,
    while one that has it would silently use every core.
    """
    if given.holds(THREADS_FLAG):
        return True
    return not any(given.holds(text) for text in _FLAG_PARSERS)


def _bundled(request: LaunchRequest) -> str | None:
    return "0" if request.bundled_input_count else None


def _made_inputs(request: LaunchRequest, memory_format: str | None) -> list[str]:
    """The flags by which the program makes inputs, all ones, of given shapes."""
    if not request.inputs:
        raise _cannot_make("the file names no inputs and bundles none")
    dims = [_dims(spec) for spec in request.inputs]
    types = [_input_type(spec) for spec in request.inputs]
    flags = [f"--input_dims={';'.join(dims)}", f"--input_type={';'.join(types)}"]
    formats = _memory_formats(request.inputs, memory_format)
    if len(dims) > 1 or memory_format is not None:
        # There must be as many as there are inputs; the program's default is one.
        flags.append(f"--input_memory_format={';'.join(formats)}")
    return flags


def _dims(spec: TensorSpec) -> str:
    if not spec.shape:
        raise _cannot_make("it cannot make an input without dimensions")
    return ",".join(str(size) for size in spec.shape)


def _input_type(spec: TensorSpec) -> str:
    if spec.dtype not in _INPUT_TYPES:
        raise _cannot_make(f"it cannot make {spec.dtype} inputs, which are not bundled")
    return _INPUT_TYPES[spec.dtype]


def _memory_formats(inputs: Sequence[TensorSpec], asked: str | None) -> list[str]:
    """A format for each input; the one asked for goes to the 4-D ones alone."""
    if asked is not None and ";" in asked:
        return asked.split(";")
    default = "contiguous_format"
    chosen = asked or default
    return [chosen if len(spec.shape) == 4 else default for spec in inputs]


def _cannot_make(fact: str) -> LaunchError:
    return LaunchError(FailureReason.MODEL_RAISED, NAME, fact)


def _boolean(value: bool) -> str:
    """Always with a value: a bare flag would swallow the next argument."""
    return "true" if value else "false"
