"""The statistics that LiteRT's `benchmark_model` prints, in every generation."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.android_runner.prebuilt.output_parsing import (
    NUMBER,
    exact,
    stream_step,
    to_ns,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Measurement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_US = 1000
_MS = 1_000_000

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

REPORT_MARK = "Inference (avg):"
_REPORT_LINE = re.compile(
    rf"(?P<what>Model initialization|(?:Warmup|Inference) \((?P<key>\w+)\)): +"
    rf"(?P<ms>{NUMBER})(?: ms)?(?: \((?P<count>\d+) runs\))?"
)
"""LiteRT 2: milliseconds with two decimals."""
_REPORT_STEP_MS = Decimal("0.01")

_STATISTICS = {"median": "p50", "min": "min", "max": "max"}
"""Names of a count line that stand for a statistic under another name."""
_RISING = ("min", "p5", "p50", "p90", "p95", "p99", "max")


class Measured(NamedTuple):
    """What was printed, and over how many runs."""

    measurement: Measurement
    runs: int


class Statistics:
    """The lines that begin with `count=`."""

    def __init__(self, lines: Sequence[str], subject: str) -> None:
        """Read them; `subject` is what an error is about."""
        self._subject = subject
        self.lines = [self._fields(line) for line in lines if line.startswith("count=")]

    def measurement(self, summary: str) -> Measured:
        """The statistics, if both places that state the mean agree."""
        if not 1 <= len(self.lines) <= 2:
            raise _bad(self._subject, f"{len(self.lines)} lines of statistics, not 2")
        new = _NEW_SUMMARY.fullmatch(summary)
        match = new or _OLD_SUMMARY.fullmatch(summary)
        if match is None:
            raise _bad(self._subject, f"unreadable result: {summary}")
        mean_us = number(match["mean"], self._subject)
        main = self.lines[-1]
        count = int(main["count"])
        if count == 0 or mean_us <= 0:
            raise _bad(self._subject, f"no inference was run: {summary}")
        # A single run, or runs that were all the same, have no `avg`.
        stated_us = main.get("avg", main.get("curr"))
        if stated_us is None or abs(stated_us - mean_us) > stream_step(mean_us):
            raise _bad(
                self._subject, f"states {stated_us} us and {mean_us} us as its mean"
            )
        first_us = number(new["first"], self._subject) if new else self._old_first_us()
        return Measured(
            Measurement(
                load_ns=to_ns(number(match["init"], self._subject), _US),
                first_latency_ns=to_ns(first_us, _US) if first_us else None,
                mean_latency_ns=to_ns(mean_us, _US),
                latency_statistics_ns=self.statistics_ns(main),
                latency_resolution_ns=max(1, to_ns(stream_step(mean_us), _US)),
            ),
            count,
        )

    def statistics_ns(self, fields: Mapping[str, Decimal]) -> dict[str, int]:
        """Percentiles and extremes of one count line."""
        if "avg" not in fields and "curr" in fields:
            # Of one run, or of runs that all took the same time.
            return {"p50": to_ns(fields["curr"], _US)}
        found = {
            _STATISTICS.get(name, name): to_ns(value, _US)
            for name, value in fields.items()
            if name in _STATISTICS or re.fullmatch(r"p\d+", name)
        }
        return checked(found, self._subject)

    def _old_first_us(self) -> Decimal | None:
        """The first warm-up run; `curr` where there was one, or all were the same."""
        if len(self.lines) < 2:
            return None
        return self.lines[0].get("first", self.lines[0].get("curr"))

    def _fields(self, line: str) -> dict[str, Decimal]:
        """`k=v` pairs; which there are depends on the release and on the runs."""
        if _COUNT.fullmatch(line) is None:
            raise _bad(self._subject, f"unreadable statistics: {line}")
        fields = {
            name: number(text, self._subject) for name, text in _FIELD.findall(line)
        }
        if len(fields) != line.count("="):
            raise _bad(self._subject, f"unreadable statistics: {line}")
        return fields


def report_measurement(
    lines: Sequence[str], statistics: Statistics, subject: str
) -> Measured:
    """LiteRT 2's report; its releases that also print count lines are read finer."""
    found: dict[str, Decimal] = {}
    counts: dict[str, int] = {}
    for line in lines:
        match = _REPORT_LINE.fullmatch(line)
        if match is None or (match["key"] != "std" and " ms" not in line):
            continue
        value = number(match["ms"], subject)
        if found.setdefault(match["what"], value) != value:
            raise _bad(subject, f"printed more than one result: {line}")
        if match["count"]:
            counts[match["what"]] = int(match["count"])
    mean_ms, count = found.get("Inference (avg)"), counts.get("Inference (avg)", 0)
    if mean_ms is None:
        raise _bad(subject, f"no line `{REPORT_MARK} ... ms (... runs)`")
    if count == 0 or mean_ms <= 0:
        raise _bad(subject, "no inference was run")
    names = {"median": "p50", "min": "min", "max": "max", "p5": "p5", "p95": "p95"}
    printed = {
        name: to_ns(found[f"Inference ({key})"], _MS)
        for key, name in names.items()
        if f"Inference ({key})" in found
    }
    mean_ns, step_ns = to_ns(mean_ms, _MS), to_ns(_REPORT_STEP_MS, _MS)
    low, high = printed.get("min", mean_ns), printed.get("max", mean_ns)
    if not low - step_ns <= mean_ns <= high + step_ns:
        raise _bad(subject, f"a mean of {mean_ms} ms outside {low} to {high} ns")
    if statistics.lines:
        finer = statistics.lines[-1]
        finer_us = finer.get("avg", finer.get("curr"))
        if finer_us is None or abs(to_ns(finer_us, _US) - mean_ns) > step_ns:
            raise _bad(subject, f"states {finer_us} us and {mean_ms} ms as its mean")
        mean_ns, step_ns = to_ns(finer_us, _US), to_ns(stream_step(finer_us), _US)
        printed = statistics.statistics_ns(finer)
    load_ms, first_ms = found.get("Model initialization"), found.get("Warmup (first)")
    return Measured(
        Measurement(
            load_ns=to_ns(load_ms, _MS) if load_ms is not None else None,
            first_latency_ns=to_ns(first_ms, _MS) if first_ms else None,
            mean_latency_ns=mean_ns,
            latency_statistics_ns=checked(printed, subject),
            latency_resolution_ns=max(1, step_ns),
        ),
        count,
    )


def checked(printed: dict[str, int], subject: str) -> dict[str, int]:
    """Percentiles that rise from the least to the most, as they must."""
    rising = [printed[name] for name in _RISING if name in printed]
    if rising != sorted(rising):
        raise _bad(subject, f"percentiles that do not rise: {printed}")
    return printed


def number(text: str, subject: str) -> Decimal:
    """A printed number that is not negative.

    Raises:
        LaunchError: It is none.
    """
    value = exact(text)
    if value is None or value < 0:
        raise _bad(subject, f"unreadable number: {text}")
    return value


def _bad(subject: str, fact: str) -> LaunchError:
    return LaunchError(FailureReason.BAD_OUTPUT, subject, fact)
