"""The table of every comparison: those with a verdict first, worst first."""

from __future__ import annotations

import math
from typing import NamedTuple

from pocketbench.bench.judge.summary import Comparison, Verdict
from pocketbench.bench.units import significant
from pocketbench.reports.plots.forest import worst_first
from pocketbench.reports.text.phrases import (
    BY_INTEREST,
    before_after,
    interval_text,
    ratio_text,
    verdict_text,
    verdict_words,
)
from pocketbench.reports.view import View

MOST_JUDGED_ROWS = 300
MOST_INFORMATIONAL_ROWS = 400
"""Comparisons without a verdict that are shown; the data holds all of them."""


class ComparisonRow(NamedTuple):
    """One comparison in words."""

    comparison: Comparison
    tone: str
    """`regression`, `slower`, `same` ...; what a filter offers and a colour shows."""
    verdict_text: str
    before_after: str
    ratio: str
    interval: str
    q: str
    to_settle: str


_BELOW = "below 1 the candidate takes less"


class Comparisons(NamedTuple):
    """The table of comparisons."""

    rows: list[ComparisonRow]
    verdicts: list[str]
    lead: str


def comparison_table(view: View) -> Comparisons:
    """The judged ones, worst first; others against a baseline while they are few."""
    judged = [
        c
        for metric in view.summary.metrics
        for c in worst_first(
            (x for x in view.judged if x.metric == metric.name), metric
        )
    ]
    others = [
        c
        for c in view.summary.comparisons
        if c.verdict is None and c.kind != "host" and not c.is_withheld
    ]
    is_rate = view.primary.better == "higher"
    lead = (
        "The ratio is candidate ÷ baseline: "
        f"{'above 1 the candidate is faster' if is_rate else _BELOW}. "
        "25 % faster and 25 % slower undo each other; from twice on it is times."
    )
    if len(judged) > MOST_JUDGED_ROWS:
        lead += (
            f" The {MOST_JUDGED_ROWS} that matter most of {len(judged)}: the worse, "
            "the better, then the inconclusive; each model's table has them all."
        )
        judged.sort(key=lambda c: BY_INTEREST.index(c.verdict))
        del judged[MOST_JUDGED_ROWS:]
    judged += view.withheld
    if others and len(others) <= MOST_INFORMATIONAL_ROWS:
        lead += " Only gated metrics get verdicts; the others are for information."
        judged += others
    elif others:
        lead += (
            f" {len(others)} ratios of other metrics, for information only, are in the "
            "data at the end of this page."
        )
    rows = [comparison_row(view, comparison) for comparison in judged]
    verdicts = dict.fromkeys(row.tone for row in rows)
    return Comparisons(rows, list(verdicts), lead)


def comparison_row(view: View, comparison: Comparison) -> ComparisonRow:
    """One comparison as every report shows it."""
    ratio = comparison.candidate_over_baseline
    metric = view.metrics.get(comparison.metric)
    return ComparisonRow(
        comparison,
        tone(view, comparison),
        verdict_text(comparison, metric),
        before_after(metric, *view.sides(comparison)) if metric else "",
        ratio_text(ratio),
        interval_text(ratio),
        "" if comparison.q_value is None else _probability(comparison.q_value),
        _to_settle(comparison),
    )


def most_interesting(view: View) -> list[Comparison]:
    """The judged ones, changes first and of those the largest; then withheld ones."""
    by_place = sorted(
        view.judged,
        key=lambda c: (
            BY_INTEREST.index(c.verdict),
            -abs(math.log(c.candidate_over_baseline.point)),
        ),
    )
    return [*by_place, *view.withheld]


def tone(view: View, comparison: Comparison) -> str:
    """`regression`, `slower`, `inconclusive` ...: for filters and colours."""
    if comparison.verdict is None:
        return "for_information"
    if view.is_alarm(comparison):
        return "regression"
    words = verdict_words(comparison, view.metrics.get(comparison.metric))
    return words.replace(" ", "_")


def _to_settle(comparison: Comparison) -> str:
    if comparison.verdict is not Verdict.INCONCLUSIVE:
        return ""
    further = comparison.launches_to_settle
    return f"about {further} launches" if further is not None else "out of reach"


def _probability(value: float) -> str:
    return "< 0.001" if value < 0.001 else significant(value, 2)
