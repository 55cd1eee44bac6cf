"""What `speed_benchmark_torch` prints, read line by line and checked against itself."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from pocketbench.android_runner.prebuilt.output_parsing import (
    NUMBER_OR_NOT,
    exact,
    stream_step,
    to_ns,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Measurement

_US = 1000
"""Nanoseconds in the unit the program prints."""

_STARTING = "Starting benchmark."
_WARMUP = "Running warmup runs."
_MAIN = "Main runs."
_SAMPLE_MARK = "PyTorchObserver"
_FINAL_MARK = "Main run finished"
_FINAL = re.compile(
    rf"Main run finished\. Microseconds per iter: (?P<us>{NUMBER_OR_NOT})"
    rf"\. Iters per second: (?P<per_s>{NUMBER_OR_NOT})"
)
"""The period after the first number ends the sentence."""
_WHOLE_US = r"^(\d{1,6}|\d(\.\d{1,5})?e\+\d\d)$"
"""A whole number of microseconds as a C++ stream prints it."""
_LOAD_BENCHMARK_MARK = "Loaded context."
"""Only its sister `load_benchmark_torch` says so; the other lines are the same."""

_GAP_SHARE = 20
_GAP_US = 20_000
"""The stated mean is wall time, so it holds what passes between the iterations too:
at most a twentieth of it and 20 ms, or something else is wrong."""


class _Iteration(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["NET"]
    unit: Literal["us"]
    metric: Literal["latency"]
    value: Annotated[str, msgspec.Meta(pattern=_WHOLE_US)]


class SpeedBenchmarkOutput:
    """The lines of one launch, sorted into banners, samples and the final line."""

    def __init__(self, lines: list[str], subject: str) -> None:
        """Sort the lines; `subject` is what an error is about."""
        self._subject = subject
        self._lines = [line.strip() for line in lines]
        self.final = [line for line in self._lines if _FINAL_MARK in line]
        self._samples = [line for line in self._lines if _SAMPLE_MARK in line]

    @property
    def phase(self) -> str:
        """How far the program came, by its banners."""
        if self.final:
            return "after its last line, on the way out"
        if self._samples:
            return "while it printed its iterations"
        if _MAIN in self._lines:
            return "in the main runs"
        if _WARMUP in self._lines or _STARTING in self._lines:
            return "in the warm-up runs"
        return "before the first run, reading its flags or loading the model"

    def measurement(self, iterations: int | None) -> Measurement:
        """What a launch that came to its end measured."""
        self._check_order()
        mean_us = self._mean_us()
        values = [self._sample_us(line) for line in self._samples]
        if not values:
            return Measurement(
                mean_latency_ns=to_ns(mean_us, _US),
                latency_resolution_ns=max(1, to_ns(stream_step(mean_us), _US)),
            )
        if iterations is not None and len(values) != iterations:
            raise self._bad(
                f"printed {len(values)} iterations, {iterations} were asked for"
            )
        step_us = max(_step_us(value) for value in values)
        self._check_sum(values, mean_us, step_us)
        return Measurement(
            latencies_ns=tuple(to_ns(value, _US) for value in values),
            latency_resolution_ns=to_ns(step_us, _US),
        )

    def _check_order(self) -> None:
        """Main banner, then every sample, then one final line."""
        if _LOAD_BENCHMARK_MARK in self._lines:
            raise self._bad("this is load_benchmark_torch, which times loading")
        if len(self.final) > 1:
            raise self._bad("printed more than one result")
        end = self._lines.index(self.final[0])
        if self._lines.count(_MAIN) != 1 or self._lines.index(_MAIN) > end:
            raise self._bad(f"no single `{_MAIN}` before the result")
        main = self._lines.index(_MAIN)
        for at, line in enumerate(self._lines):
            if _SAMPLE_MARK in line and not main < at < end:
                raise self._bad(f"an iteration outside the main runs: {line}")

    def _mean_us(self) -> Decimal:
        """The stated mean, if it agrees with the rate beside it."""
        match = _FINAL.fullmatch(self.final[0])
        if match is None:
            raise self._bad(f"unreadable result: {self.final[0]}")
        mean, rate = exact(match["us"]), exact(match["per_s"])
        if mean is None or rate is None:
            raise LaunchError(
                FailureReason.BAD_FLAGS,
                self._subject,
                f"no iteration was run: {self.final[0]}",
            )
        # Each is printed to six digits, so their product is off by 1e-5 at most.
        if mean <= 0 or rate <= 0 or abs(mean * rate - 1_000_000) > 20:
            raise self._bad(f"time and rate contradict each other: {self.final[0]}")
        return mean

    def _sample_us(self, line: str) -> Decimal:
        """One iteration. What is not exactly one is refused, not skipped."""
        before, _, text = line.partition(_SAMPLE_MARK)
        try:
            read = msgspec.json.decode(text.strip().encode(), type=_Iteration)
        except msgspec.MsgspecError as error:
            raise self._bad(f"unreadable iteration: {line}") from error
        value = exact(read.value)
        if before or value is None:
            raise self._bad(f"unreadable iteration: {line}")
        if value == 0:
            raise self._bad(
                "an iteration shorter than the microsecond this program counts in"
            )
        return value

    def _check_sum(
        self, values: list[Decimal], stated_us: Decimal, step_us: Decimal
    ) -> None:
        """The iterations must fill the stated wall time."""
        mean_us = sum(values, Decimal(0)) / len(values)
        rounding_us = step_us + stream_step(stated_us)
        gap_us = stated_us - mean_us
        if not -rounding_us <= gap_us <= rounding_us + _GAP_US + mean_us / _GAP_SHARE:
            raise self._bad(
                f"its {len(values)} iterations take {mean_us:.6g} us on average, "
                f"it states {stated_us} us"
            )

    def _bad(self, fact: str) -> LaunchError:
        return LaunchError(FailureReason.BAD_OUTPUT, self._subject, fact)


def _step_us(value_us: Decimal) -> Decimal:
    """Whole microseconds, six digits of them from one second up."""
    return max(Decimal(1), stream_step(value_us))
