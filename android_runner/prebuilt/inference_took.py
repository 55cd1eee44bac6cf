"""What vendors' runners of ExecuTorch log: `100 inference took 214.3 ms, avg 2.143 ms`.

Qualcomm's `qnn_executor_runner` and MediaTek's `mtk_executor_runner`, which time all
iterations together.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.android_runner.prebuilt.output_parsing import (
    NUMBER,
    decimal_step,
    exact,
    to_ns,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

_MS = 1_000_000
_MARK = " inference took "
_TOOK = re.compile(
    rf"(?P<count>\d+) inference took (?P<total>{NUMBER}) ms, avg (?P<mean>{NUMBER}) ms"
)


class _Took(NamedTuple):
    runs: int
    total_ms: Decimal
    step_ms: Decimal


def has_inference_times(texts: Sequence[str]) -> bool:
    """Whether the log is of such a program."""
    return any(_MARK in text for text in texts)


def read_inference_times(
    texts: Sequence[str], iterations: int | None, subject: str
) -> Measurement:
    """Read the mean of the measured iterations.

    With a list of inputs there is a line for each and then one that sums them up, whose
    count is of inputs and not of iterations; without, a first inference may have a line
    of its own before the measured ones.

    Raises:
        LaunchError: The lines are damaged, contradict themselves, or are of another
            number of iterations.
    """
    lines = [_read(text, subject) for text in texts if _MARK in text]
    *before, last = lines
    total_ms = sum((line.total_ms for line in before), Decimal(0))
    step_ms = sum((line.step_ms for line in before), last.step_ms)
    measured = [last]
    if before and last.runs == len(before) and abs(total_ms - last.total_ms) <= step_ms:
        measured = before
    count = sum(line.runs for line in measured)
    total_ms = sum((line.total_ms for line in measured), Decimal(0))
    if count == 0 or total_ms <= 0:
        raise _bad(subject, "no inference was run")
    if iterations is not None and measured[0].runs != iterations:
        raise _bad(
            subject,
            f"ran {measured[0].runs} iterations, {iterations} were asked for; without "
            f"inputs some releases run one: give a list of them with --runner-option "
            f"executor_runner.input_list_path=PATH",
        )
    first = lines[0] if lines[0].runs == 1 else None
    return Measurement(
        mean_latency_ns=to_ns(total_ms / count, _MS),
        first_latency_ns=to_ns(first.total_ms, _MS) if first else None,
        latency_resolution_ns=max(1, to_ns(last.step_ms, _MS)),
    )


def _read(text: str, subject: str) -> _Took:
    match = _TOOK.fullmatch(text)
    if match is None:
        raise _bad(subject, f"unreadable result: {text}")
    count = int(match["count"])
    total, mean = exact(match["total"]), exact(match["mean"])
    if total is None or mean is None or total < 0 or mean < 0:
        raise _bad(subject, f"unreadable number: {text}")
    step = decimal_step(match["total"])
    if count and abs(total / count - mean) > decimal_step(match["mean"]) + mean / 10**6:
        raise _bad(subject, f"total and mean contradict each other: {text}")
    return _Took(count, total, step)


def _bad(subject: str, fact: str) -> LaunchError:
    return LaunchError(FailureReason.BAD_OUTPUT, subject, fact)
