"""The columns of a model's table, and how a cell's number for each is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pocketbench.bench.judge.summary import Cell, Comparison, Estimate
from pocketbench.bench.records.metrics import METRICS, OUTSIDE, Metric
from pocketbench.reports.view import View

_BEHIND_SIZE = {"load_ns", "first_latency_ns", *(x.metric.name for x in OUTSIDE)}
"""Metrics that come behind the file size; the others stand in their table's order."""

_SHORT = {
    "model_rss_bytes": "model memory",
}

SHOWN_FIRST = frozenset(
    {
        "candidate_over_baseline",
        "p90_latency_ns",
        "time_to_first_token_ns",
        "prefill_tokens_per_s",
        "peak_rss_bytes",
        "size_bytes",
        "sqnr_db",
        "over_host",
    }
)
"""Beside the primary metric, what 1,280 px have room for; the rest on demand."""


class Column(NamedTuple):
    """What one column shows."""

    key: str
    """`data-metric` of its cells."""
    heading: str
    unit: str
    explained: str
    better: str | None
    """`lower` or `higher`; `None` where nothing is best."""


class Source(NamedTuple):
    """A column and how a cell's number for it is found."""

    column: Column
    unit: str
    find: Callable[[Cell], Estimate | float | None]
    comparison: Callable[[Cell], Comparison | None] = lambda cell: None
    is_ratio: bool = False


def sources(view: View, cells: Sequence[Cell]) -> list[Source]:
    """Every column there could be, in the order of a reader's questions."""
    names = [m.name for m in METRICS if m.name not in _BEHIND_SIZE]
    known = [view.metrics[name] for name in names if name in view.metrics]
    rest = [m for m in view.summary.metrics if m.name not in names]
    first, *others = [
        view.primary,
        *(metric for metric in known if metric is not view.primary),
    ]
    baselines = {c.variant_id for c in cells if c.is_baseline}
    baseline = baselines.pop() if len(baselines) == 1 else "the baseline"
    if view.summary.compared_with is not None:
        baseline = "the earlier run"
    return [
        _measured(first),
        _ratio(view, baseline),
        *map(_measured, others),
        _size(),
        *(_measured(metric) for metric in rest if metric is not first),
        *_output_error(),
        _over_host(view),
    ]


def _measured(metric: Metric) -> Source:
    return Source(
        Column(
            metric.name,
            _SHORT.get(metric.name, metric.title),
            "",
            f"of each launch: {metric.of_launch}",
            metric.better,
        ),
        metric.unit,
        lambda cell: cell.estimates.get(metric.name),
    )


def _ratio(view: View, baseline: str) -> Source:
    def comparison(cell: Cell) -> Comparison | None:
        return view.against_baseline(cell, view.primary.name)

    def find(cell: Cell) -> Estimate | None:
        found = comparison(cell)
        return found.candidate_over_baseline if found else None

    return Source(
        Column(
            "candidate_over_baseline",
            f"ratio to {baseline}",
            "",
            "candidate ÷ baseline, "
            + (
                "of blocks paired on the same device"
                if view.summary.compared_with is None
                else "of two runs measured apart"
            ),
            view.primary.better,
        ),
        "",
        find,
        comparison,
        is_ratio=True,
    )


def _over_host(view: View) -> Source:
    what = "decode speed" if view.generation else "latency"

    def find(cell: Cell) -> Estimate | None:
        found = view.comparison("host", cell, view.primary.name)
        return found.candidate_over_baseline if found else None

    return Source(
        Column(
            "over_host",
            f"{what} over the host's",
            "x",
            "this device ÷ the host with the same variant; measured apart, "
            "for information",
            None,
        ),
        "",
        find,
        is_ratio=True,
    )


def _size() -> Source:
    return Source(
        Column("size_bytes", "file size", "", "of the model file", "lower"),
        "bytes",
        lambda cell: float(cell.artifact.size_bytes),
    )


def _output_error() -> list[Source]:
    def max_abs(cell: Cell) -> float | None:
        error = cell.artifact.output_error
        return error.max_abs if error else None

    def sqnr_db(cell: Cell) -> float | None:
        error = cell.artifact.output_error
        return error.worst_sqnr_db if error else None

    return [
        Source(
            Column(
                "max_abs_error",
                "output error, max abs",
                "",
                "largest difference of an output from the float32 original's",
                None,
            ),
            "",
            max_abs,
        ),
        Source(
            Column(
                "sqnr_db",
                "output SQNR",
                "dB",
                "signal to quantization noise against the float32 original's outputs, "
                "of the worst output or part of one",
                None,
            ),
            "",
            sqnr_db,
        ),
    ]
