"""ONNX Runtime's `onnxruntime_perf_test` as a runner."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from pocketbench.android_runner.failures.failure_words import why_it_ended
from pocketbench.android_runner.prebuilt.delegation import (
    check_delegated,
    provider_delegations,
)
from pocketbench.android_runner.prebuilt.given_programs import GivenRunner, start
from pocketbench.android_runner.prebuilt.output_parsing import (
    NUMBER,
    decimal_step,
    exact,
    lines_of,
    stream_step,
    to_ns,
    whole_lines_of,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Measurement, Memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import CommandResult
    from pocketbench.bench.records.runner import Command, LaunchRequest

NAME = "onnxruntime_perf_test"
_PROVIDER = "execution_provider"
_S = 1_000_000_000
_MS = 1_000_000
_SIX_DECIMALS = Decimal("1e-6")

_RESULT_FILE = "/proc/self/fd/1"
"""It writes a row for each iteration to a file. This is its own output: rows where
that is a pipe (this computer), and none where it is a socket (a phone's adbd), which
cannot be opened; it then says so and goes on."""

_FACTS = {
    "load_s": rf"Session creation time cost: ?({NUMBER}) s",
    "first_ms": rf"First inference time cost: ?({NUMBER}) ms",
    "total_s": (
        rf"Total inference time cost: ?({NUMBER}) s|Total time cost: ?({NUMBER})(?: s)?"
    ),
    "count": r"Total inference requests: ?(\d+)|Total iterations: ?(\d+)|Runs: ?(\d+)",
    "mean_ms": (
        rf"Average inference time cost(?: total)?: ?({NUMBER}) ms"
        rf"|Average time cost: ?({NUMBER}) ?ms"
    ),
    "peak_bytes": r"Peak working set size: ?(\d+)(?: bytes)?",
    **{
        name: rf"{word} Latency: ?({NUMBER}) ?s(?:ec)?"
        rf"|{word} Latency is ?({NUMBER}) ?s(?:ec)?"
        for name, word in (
            ("min", "Min"),
            ("max", "Max"),
            *((f"p{n}", f"P{n}") for n in (50, 90, 95, 99, 999)),
        )
    },
}
"""Lines of four generations. Units are mixed; blanks and units come and go."""
_STATISTICS = ("min", "p50", "p90", "p95", "p99", "p999", "max")
_FEWEST = {"p90": 10, "p95": 20, "p99": 100, "p999": 1000}
"""Of fewer runs the program prints the slowest one as its percentile."""
_FACT_PATTERNS = {name: re.compile(form) for name, form in _FACTS.items()}

_ROW = re.compile(rf"(?P<model>.*),(?P<s>{NUMBER}),(?P<peak>\d+),-?\d+,(?P<at>\d+)")
_VERBOSE = re.compile(rf"iteration:(?P<at>\d+),time_cost:(?P<s>{NUMBER})")

_RULES = (
    (
        FailureReason.BAD_FLAGS,
        r"perf_test \[options\.\.\.\] model_path|(unknown|invalid|unrecognized) "
        r"(option|command line flag)|Unknown command line flag",
    ),
    (
        FailureReason.MISSING_OPERATOR,
        r"Could not find an implementation for|is not a registered function/op",
    ),
    (
        FailureReason.MISSING_BACKEND,
        r"Execution provider .* is not (available|enabled|supported)"
        r"|is not supported in this build|nodes that are assigned to the default CPU EP"
        r"|Failed to load .*(QNN|Qnn|Hexagon|nnapi)|(QNN|NNAPI|CoreML) .*not available",
    ),
    (
        FailureReason.BYTECODE_TOO_NEW,
        r"Unsupported model IR version|only \*guarantees\* support for models"
        r"|ORT format model version .* is not supported",
    ),
    (FailureReason.NOT_FOUND, r"NO_SUCHFILE|doesn't exist|No such file or directory"),
    (
        FailureReason.NOT_LOADABLE,
        r"INVALID_PROTOBUF|INVALID_GRAPH|Protobuf parsing failed|Load model from .*"
        r" failed|input path is not a valid model|Invalid model",
    ),
    (
        FailureReason.MODEL_RAISED,
        r"no test (input )?data for|INVALID_ARGUMENT|RUNTIME_EXCEPTION"
        r"|Non-zero status code returned while running",
    ),
)


class OnnxRuntimePerfTest(GivenRunner):
    """Builds the program's flags and reads its report, in every version.

    It always does one warm-up run, whose time newer releases print. Single
    iterations come as rows of its result file, or with the option `verbose`, which
    also makes the runtime log inside the timed region; else there is a mean.
    """

    name = NAME
    formats = frozenset({"onnx", "ort"})
    options = (_PROVIDER, "provider_options")
    switches = ("generate_inputs", "verbose", "spin")

    def command(self, request: LaunchRequest) -> Command:
        """The command line of one launch: a number of times, made inputs."""
        given = self._programs.of(request)
        flags = ["-m", "times", "-r", str(request.iterations), "-s"]
        flags += ["-x", str(request.threads), "-y", "1"]
        provider = given.option(_PROVIDER) or "cpu"
        flags += ["-e", provider]
        if entries := given.option("provider_options"):
            flags += ["-i", entries]
        if given.switch("generate_inputs", True):
            flags.append("-I")
        if given.switch("verbose", False):
            flags.append("-v")
        if not given.switch("spin", True):
            flags.append("-Z")
        threads = str(request.threads)
        command = start(
            request, *flags, request.model_path, _RESULT_FILE, OMP_NUM_THREADS=threads
        )
        # What a provider takes is logged; on Android that is the system log.
        if provider == "cpu":
            return command
        return msgspec.structs.replace(command, log_tag="onnxruntime")

    def parse(
        self,
        result: CommandResult,
        artifact: Artifact,
        request: LaunchRequest | None = None,
    ) -> Measurement:
        """Read what a launch printed.

        Raises:
            LaunchError: It did not measure; classified, with the raw words.
        """
        subject = f"{artifact.model} {artifact.variant}"
        lines = whole_lines_of(result.stdout)
        facts = _facts(lines, subject)
        words = [
            line
            for output in (result.log, result.stderr, result.stdout)
            for line in lines_of(output)
        ]
        is_complete = {"total_s", "count", "mean_ms"} <= facts.keys()
        if result.failed or not is_complete:
            raise why_it_ended(result, words, _RULES, subject=subject)
        delegations = provider_delegations(words, self._programs.asked(_PROVIDER))
        check_delegated(delegations, subject)
        report = _Report(lines, facts, subject)
        measured = report.measurement(request.iterations if request else None)
        return msgspec.structs.replace(measured, delegations=delegations)


class _Report:
    """What one launch that came to its end printed."""

    def __init__(
        self, lines: Sequence[str], facts: dict[str, str], subject: str
    ) -> None:
        self._facts = facts
        self._subject = subject
        self._mean_ms = Decimal(facts["mean_ms"])
        self._count = int(facts["count"])
        self._check(Decimal(facts["total_s"]))
        self._samples = self._rows(lines, _ROW, 0) or self._rows(lines, _VERBOSE, 1)

    def measurement(self, iterations: int | None) -> Measurement:
        """Single iterations where they were printed, else the mean."""
        if iterations is not None and iterations != self._count:
            raise self._bad(f"ran {self._count} times, {iterations} were asked for")
        load, first = self._facts.get("load_s"), self._facts.get("first_ms")
        peak = self._facts.get("peak_bytes")
        # The first inference is reported in whole milliseconds: 0 is no time.
        first_ns = to_ns(Decimal(first), _MS) if first else 0
        step_ns = to_ns(self._mean_step_ms, _MS)
        if self._samples:
            step_ns = to_ns(max(map(stream_step, self._samples)), _S)
        return Measurement(
            load_ns=to_ns(Decimal(load), _S) if load else None,
            first_latency_ns=first_ns or None,
            latencies_ns=tuple(to_ns(value, _S) for value in self._samples),
            mean_latency_ns=None if self._samples else to_ns(self._mean_ms, _MS),
            latency_statistics_ns={} if self._samples else self._statistics_ns(),
            latency_resolution_ns=max(1, step_ns),
            memory=Memory(peak_rss_bytes=int(peak) if peak else None),
        )

    def _statistics_ns(self) -> dict[str, int]:
        """What it printed of its runs, as far as so many runs give it."""
        found = {
            name: to_ns(Decimal(self._facts[name]), _S)
            for name in _STATISTICS
            if name in self._facts and self._count >= _FEWEST.get(name, 1)
        }
        if list(found.values()) != sorted(found.values()):
            raise self._bad(f"percentiles that do not rise: {found}")
        return found

    @property
    def _mean_step_ms(self) -> Decimal:
        """Six decimals in the newest release, six digits in the others."""
        step = decimal_step(self._facts["mean_ms"])
        return step if step == _SIX_DECIMALS else stream_step(self._mean_ms)

    def _check(self, total_s: Decimal) -> None:
        """The total divided by the requests is the mean, between least and most."""
        if self._count == 0 or self._mean_ms <= 0:
            raise self._bad("no inference was run")
        mean_ms = total_s * 1000 / self._count
        rounding_ms = stream_step(total_s) * 1000 / self._count
        rounding_ms += self._mean_step_ms
        if abs(mean_ms - self._mean_ms) > rounding_ms:
            raise self._bad(
                f"{self._count} requests in {total_s} s are not {self._mean_ms} ms each"
            )
        low, high = (self._facts.get(name) for name in ("min", "max"))
        if low is None or high is None:
            return
        least, most = Decimal(low) * 1000, Decimal(high) * 1000
        rounding_ms += stream_step(most)
        if not least - rounding_ms <= self._mean_ms <= most + rounding_ms:
            raise self._bad(f"a mean of {self._mean_ms} ms outside {least} to {most}")

    def _rows(
        self, lines: Sequence[str], form: re.Pattern[str], begin: int
    ) -> list[Decimal]:
        """Every iteration in order, if all are there and they make up the mean."""
        rows = [match for line in lines if (match := form.fullmatch(line))]
        if not rows:
            return []
        if [int(row["at"]) for row in rows] != [*range(begin, begin + self._count)]:
            raise self._bad(f"{len(rows)} rows for {self._count} requests")
        values = [exact(row["s"]) or Decimal(0) for row in rows]
        mean_ms = sum(values, Decimal(0)) * 1000 / self._count
        rounding_ms = max(map(stream_step, values)) * 1000 + self._mean_step_ms
        if min(values) <= 0 or abs(mean_ms - self._mean_ms) > rounding_ms:
            raise self._bad(
                f"its rows take {mean_ms:.6g} ms on average, it states "
                f"{self._mean_ms} ms"
            )
        return values

    def _bad(self, fact: str) -> LaunchError:
        return LaunchError(FailureReason.BAD_OUTPUT, self._subject, fact)


def _facts(lines: Sequence[str], subject: str) -> dict[str, str]:
    """Every figure of the report; one printed twice must be the same."""
    facts: dict[str, str] = {}
    for line in lines:
        words = " ".join(line.replace(":", ": ").replace(" :", ":").split())
        for name, form in _FACT_PATTERNS.items():
            match = form.fullmatch(words)
            if match is None:
                continue
            value = next(group for group in match.groups() if group is not None)
            if facts.setdefault(name, value) != value:
                raise LaunchError(
                    FailureReason.BAD_OUTPUT,
                    subject,
                    f"reports two values: {line.strip()}, and {facts[name]}",
                )
            if (number := exact(value)) is None or number < 0:
                raise LaunchError(
                    FailureReason.BAD_OUTPUT, subject, f"unreadable number: {line}"
                )
    return facts
