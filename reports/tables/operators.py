"""Where the time of a model goes, in words and tables, and what fell back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pocketbench.bench.judge.operators import Fallback, OperatorCost, OperatorTable
from pocketbench.bench.records.operator_times import ProfileFailure
from pocketbench.bench.units import Scale, common_scale, significant
from pocketbench.reports.plots.operators import operator_chart
from pocketbench.reports.plots.style import Colour
from pocketbench.reports.tables.breakdowns import Breakdown, breakdowns, is_contradicted
from pocketbench.reports.text.phrases import counted, listed
from pocketbench.reports.text.why import operator_pairs, tables_of, why
from pocketbench.reports.view import View

MOST_OPERATORS = 8
"""Of a variant's, besides those that fell back."""
MOST_CHARTS = 6
"""Of a model."""
_MOST_NAMES = 4
_LEAST_SHARE = 0.005
"""Of a reason that a sentence names beside a larger one."""

FALLBACK_WORDS = {
    Fallback.FLOAT: "computes on floats",
    Fallback.ROUND_TRIP: "converts to and fro",
    Fallback.NOT_DELEGATED: "taken by no delegate",
}
_CLAUSES = {
    Fallback.FLOAT: ("computes on floats", "compute on floats"),
    Fallback.ROUND_TRIP: ("converts to and fro", "convert to and fro"),
    Fallback.NOT_DELEGATED: (
        "was taken by no delegate and ran in the runtime's own kernel",
        "were taken by no delegate and ran in the runtime's own kernels",
    ),
}


class OperatorRow(NamedTuple):
    """One operator of a variant's table."""

    cost: OperatorCost
    calls: str
    time: str
    interval: str
    """Of the time over launches; empty of one launch."""
    share: str
    fallback: str
    """Empty for one that did not fall back."""


class OperatorRows(NamedTuple):
    """One variant's table on one device."""

    table: OperatorTable
    scale: Scale
    rows: list[OperatorRow]
    left_out: int
    sentence: str
    cost: str
    """The profiling overhead; empty where unknown."""


class OperatorChart(NamedTuple):
    """A variant beside its baseline on one device."""

    device_id: str
    candidate: str
    baseline: str | None
    svg: str


class OperatorSection(NamedTuple):
    """What the page shows of one model's operators."""

    tables: list[OperatorRows]
    reasons: list[str]
    """Why a build is slower or faster, or that the profile cannot say."""
    charts: list[OperatorChart]
    charts_left_out: int
    breakdowns: list[Breakdown]
    failures: list[ProfileFailure]


def operator_section(
    view: View, model: str, colours: dict[str, Colour], *, name: str
) -> OperatorSection | None:
    """Tables and charts of one model; `None` where nobody asked for operators."""
    tables = tables_of(view, model)
    failures = [x for x in view.summary.unprofiled if x.model == model]
    if not tables and not failures:
        return None
    pairs = operator_pairs(view, tables)
    reasons = [words for pair in pairs if (words := why(view, pair))]
    # A chart of what the timed figures contradict would mislead.
    pairs = [pair for pair in pairs if not is_contradicted(view, pair)]
    charts = [
        OperatorChart(
            candidate.device_id,
            candidate.variant_id,
            baseline.variant_id if baseline else None,
            operator_chart(
                baseline,
                candidate,
                colours,
                where=f"{model} on {view.tagged(candidate.device_id)}",
                name=f"{name}-operators-{place + 1}",
            ),
        )
        for place, (baseline, candidate) in enumerate(pairs[:MOST_CHARTS])
    ]
    return OperatorSection(
        [operator_rows(table) for table in tables],
        reasons,
        charts,
        max(0, len(pairs) - MOST_CHARTS),
        breakdowns(view, model),
        failures,
    )


def operator_rows(table: OperatorTable, most: int = MOST_OPERATORS) -> OperatorRows:
    """The slowest operators of a variant, and all that fell back."""
    shown = [
        cost
        for place, cost in enumerate(table.operators)
        if place < most or cost.fallback is not None
    ]
    scale = common_scale("ns", [table.time_ns])
    return OperatorRows(
        table,
        scale,
        [
            OperatorRow(
                cost,
                f"{cost.calls:g}",
                scale.format(cost.time_ns),
                ""
                if cost.low_ns is None or cost.high_ns is None
                else f"[{scale.format(cost.low_ns)}, {scale.format(cost.high_ns)}]",
                percent(cost.share),
                FALLBACK_WORDS[cost.fallback] if cost.fallback else "",
            )
            for cost in shown
        ],
        len(table.operators) - len(shown),
        fallback_sentence(table),
        _observing(table),
    )


def fallback_sentence(table: OperatorTable) -> str:
    """Which operators fell back and what they take.

    `36 % of int8-static's operator time fell back: aten::erf computes on floats (32 %),
    ...`, or that nothing did.
    """
    if not table.fallbacks:
        return f"{table.variant_id}: all operators ran in the target precision"
    by_reason = {
        reason: [cost for cost in table.fallbacks if cost.fallback is reason]
        for reason in Fallback
    }
    shares = {
        reason: sum(cost.share for cost in costs)
        for reason, costs in by_reason.items()
        if costs
    }
    ordered = sorted(shares, key=lambda reason: -shares[reason])
    clauses = [
        f"{_names(by_reason[reason])} {_CLAUSES[reason][len(by_reason[reason]) > 1]} "
        f"({percent(shares[reason])})"
        for reason in ordered
        if shares[reason] >= _LEAST_SHARE or reason is ordered[0]
    ]
    return (
        f"{percent(table.fallback_share)} of {table.variant_id}'s operator time fell "
        f"back: {', '.join(clauses)}"
    )


def percent(share: float) -> str:
    """`36 %`; small shares with one significant digit.

    >>> percent(0.357), percent(0.0042), percent(0.0)
    ('36 %', '0.4 %', '0 %')
    """
    value = share * 100
    if value >= 1 or value == 0:
        return f"{value:.0f} %"
    return "under 0.1 %" if value < 0.1 else f"{significant(value, 1)} %"


def _names(costs: Sequence[OperatorCost]) -> str:
    names = list(dict.fromkeys(cost.name for cost in costs))
    if len(names) > _MOST_NAMES:
        more = counted(len(names) - _MOST_NAMES + 1, "more operator")
        names = [*names[: _MOST_NAMES - 1], more]
    return listed(names)


def _observing(table: OperatorTable) -> str:
    ratio = table.observed_over_plain
    if ratio is None:
        return ""
    if ratio < 1.005:
        return "profiling overhead negligible"
    return f"profiling overhead {percent(ratio - 1)}"
