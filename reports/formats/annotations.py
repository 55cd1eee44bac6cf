"""GitHub's `::warning` lines: what regressed, and what could not be measured."""

from __future__ import annotations

from pocketbench.bench.judge.summary import BudgetVerdict, Comparison
from pocketbench.reports.tables.budgets import budget_rows
from pocketbench.reports.text.fleet import agreement, fleet_effect, fleet_name
from pocketbench.reports.text.phrases import (
    before_after,
    effect,
    grade_words,
    interval_text,
    ratio_text,
)
from pocketbench.reports.view import View

MOST_LINES = 10
"""GitHub shows so many warnings a step."""


def render(view: View) -> str:
    """At most MOST_LINES lines, the last one counting what is left out."""
    found = [
        (
            f"{c.model} {c.candidate} regressed over {fleet_name(c)}",
            f"{view.metric_title(c.metric)} against {c.baseline}: "
            f"{fleet_effect(view, c)}; {agreement(c)}",
        )
        for c in view.summary.fleet
        if view.is_alarm(c)
    ]
    found += [
        (f"{row.judged.model} {row.judged.variant_id} is over budget", row.line[2:])
        for row in budget_rows(view)
        if row.judged.verdict is BudgetVerdict.OVER
    ]
    for comparison in view.judged:
        if not view.is_alarm(comparison):
            continue
        ratio = comparison.candidate_over_baseline
        metric = view.metrics.get(comparison.metric)
        less_trusted = view.less_trusted(comparison)
        trust = f"; quality {grade_words(less_trusted)}" if less_trusted else ""
        said = effect(metric, ratio.point) if metric else ratio_text(ratio)
        found.append(
            (
                f"{comparison.model} {comparison.candidate} regressed",
                f"{view.metric_title(comparison.metric)} on "
                f"{view.tagged(comparison.device_id)} is {said} than "
                f"{view.baseline_name(comparison)}{_figures(view, comparison)}: ratio "
                f"{ratio_text(ratio)} {interval_text(ratio)}{trust}",
            )
        )
    for failure in view.summary.failures:
        what = " ".join(part for part in (failure.model, failure.variant_id) if part)
        found.append(
            (
                f"{what or 'a device'} could not be measured",
                f"{view.tagged(failure.device_id)}: {failure.fact}. {failure.remedy}",
            )
        )
    if len(found) > MOST_LINES:
        left_out = len(found) - MOST_LINES + 1
        found[MOST_LINES - 1 :] = [
            ("pocketbench", f"{left_out} more warnings are in the report")
        ]
    return "".join(
        f"::warning title={_property(title)}::{_message(message)}\n"
        for title, message in found
    )


def _figures(view: View, comparison: Comparison) -> str:
    metric = view.metrics.get(comparison.metric)
    words = before_after(metric, *view.sides(comparison)) if metric else ""
    return f" ({words})" if words else ""


def _message(words: str) -> str:
    """A message as the workflow command's reader wants it escaped."""
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _message(words).replace(":", "%3A").replace(",", "%2C")
