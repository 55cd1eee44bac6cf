"""The table of every comparison: those with a verdict first, worst first."""

from __future__ import annotations

from typing import NamedTuple

from pocketbench.bench.judge.summary import Comparison, Estimate, Verdict
from pocketbench.bench.records.metrics import Metric
from pocketbench.bench.units import significant
from pocketbench.reports.plots.forest import worst_first
from pocketbench.reports.text.phrases import (
    BY_INTEREST,
    VERDICT_SHAPES,
    VERDICT_WORDS,
    effect,
    interval_text,
    no_verdict,
    ratio_text,
)
from pocketbench.reports.view import View

MOST_JUDGED_ROWS = 300
MOST_INFORMATIONAL_ROWS = 400
"""Comparisons without a verdict that are shown; the data holds all of them."""


class ComparisonRow(NamedTuple):
    """One comparison in words."""

    comparison: Comparison
    verdict: str
    verdict_text: str
    ratio: str
    interval: str
    effect: str
    q: str
    to_settle: str


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
    lead = "Ratios below 1 mean that the candidate takes less."
    if len(judged) > MOST_JUDGED_ROWS:
        lead += (
            f" The {MOST_JUDGED_ROWS} that matter most of {len(judged)}: regressions, "
            "improvements, then the undecided; each model's table has them all."
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
    rows = [_comparison_row(view, comparison) for comparison in judged]
    verdicts = dict.fromkeys(row.verdict for row in rows)
    return Comparisons(rows, list(verdicts), lead)


def _comparison_row(view: View, comparison: Comparison) -> ComparisonRow:
    ratio = comparison.candidate_over_baseline
    verdict = comparison.verdict
    metric = view.metrics.get(comparison.metric)
    return ComparisonRow(
        comparison,
        verdict.value if verdict else "for_information",
        f"{VERDICT_SHAPES[verdict]} {VERDICT_WORDS[verdict]}"
        if verdict
        else no_verdict(comparison),
        ratio_text(ratio),
        interval_text(ratio),
        _effect(metric, ratio) if metric else "",
        "" if comparison.q_value is None else _probability(comparison.q_value),
        _to_settle(comparison),
    )


def _effect(metric: Metric, ratio: Estimate) -> str:
    """What the ratio means, where the interval leaves a direction."""
    if ratio.low is None or ratio.high is None or ratio.low <= 1 <= ratio.high:
        return "not clear"
    return effect(metric, ratio.point)


def _to_settle(comparison: Comparison) -> str:
    if comparison.verdict is not Verdict.INCONCLUSIVE:
        return ""
    further = comparison.launches_to_settle
    return f"about {further} launches" if further is not None else "out of reach"


def _probability(value: float) -> str:
    return "< 0.001" if value < 0.001 else significant(value, 2)
