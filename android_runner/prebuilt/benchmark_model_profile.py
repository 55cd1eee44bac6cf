"""The operator profile of LiteRT's `benchmark_model`, as CSV and as a table.

Both are written by TensorFlow's StatsCalculator (stats_calculator.cc): a title, a line
of column names, a line for each node in the order of the run, each time an average over
the runs. `start` was a column until 2021; a CSV has tabs for the commas of a name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.android_runner.prebuilt.output_parsing import exact, to_ns
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.operator_times import OperatorTime, OperatorTimes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEADING = "Operator-wise Profiling Info for Regular Benchmark Runs:"
"""What goes before it is the profile of the initialization, what comes after the first
table is the same sorted or added up, and then what delegates report about
themselves."""

_TITLE = re.compile(r"=+ Run Order =+")
_END = re.compile(r"=+ .* =+|Number of nodes executed: \d+")
_RUNS = re.compile(r"Timings \(microseconds\): count=(\d{1,9})\b.*", re.A)
_DELEGATE = re.compile(r"TfLite\w*Delegate\w*")
_TYPE, _AVERAGE, _CALLS, _NAME = "node type", "avg ms", "times called", "name"
_MS = 1_000_000


def read_profile(lines: Sequence[str], subject: str) -> OperatorTimes:
    """What each node took, a delegate's part of the model as one node.

    Raises:
        LaunchError: There is no profile, or a line of it is not understood.
    """
    if HEADING not in lines:
        raise _bad(subject, "printed no operator profile; was it built with one?")
    parsed = lines[lines.index(HEADING) + 1 :]
    runs = next((int(m[1]) for line in parsed if (m := _RUNS.fullmatch(line))), 0)
    if runs == 0:
        raise _bad(subject, "its operator profile does not say of how many runs")
    taken: dict[tuple[str, str | None], tuple[int, int]] = {}
    for row in _rows(parsed, subject):
        node, average, called = row[_TYPE], exact(row[_AVERAGE]), exact(row[_CALLS])
        if not node or average is None or average < 0 or called is None or called < 0:
            raise _bad(subject, f"unreadable line of its operator profile: {row}")
        # Releases that divide by the runs twice report 0 calls of one.
        calls = max(1, int(called))
        key = node, row.get(_NAME) or None
        before = taken.get(key, (0, 0))
        self_ns = to_ns(average * calls * runs, _MS)
        taken[key] = before[0] + calls * runs, before[1] + self_ns
    if not taken:
        raise _bad(subject, "its operator profile has no operators")
    return OperatorTimes(
        operators=tuple(
            OperatorTime(
                name=node,
                calls=calls,
                self_ns=self_ns,
                backend=node if _DELEGATE.fullmatch(node) else None,
                node=name,
            )
            for (node, name), (calls, self_ns) in taken.items()
        ),
        inferences=runs,
    )


def _rows(parsed: Sequence[str], subject: str) -> Iterator[dict[str, str]]:
    """The lines of the first table by the names of their columns."""
    titles = [at for at, line in enumerate(parsed) if _TITLE.fullmatch(line)]
    if not titles or titles[0] + 1 >= len(parsed):
        raise _bad(subject, "its operator profile has no table")
    columns = [_plain(name) for name in _cells(parsed[titles[0] + 1])]
    if not {_TYPE, _AVERAGE, _CALLS} <= set(columns):
        raise _bad(subject, f"unknown columns of its operator profile: {columns}")
    for line in parsed[titles[0] + 2 :]:
        if not line.strip():
            continue
        if _END.fullmatch(line):
            return
        cells = _cells(line, len(columns))
        if len(cells) != len(columns):
            raise _bad(subject, f"unreadable line of its operator profile: {line}")
        yield dict(zip(columns, cells, strict=True))
    raise _bad(subject, "its operator profile breaks off")


def _cells(line: str, count: int = 0) -> list[str]:
    """Of a table, which begins with a tab, or a CSV, where a type may hold commas."""
    if line.startswith("\t"):
        return [cell.strip() for cell in line.split("\t")[1:]]
    return [cell.strip() for cell in line.rsplit(", ", count - 1)]


def _plain(name: str) -> str:
    return name.strip("[]").lower().replace("_", " ")


def _bad(subject: str, fact: str) -> LaunchError:
    return LaunchError(FailureReason.BAD_OUTPUT, subject, fact)
