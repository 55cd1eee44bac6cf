"""The suite's budgets in words: within, over or undecided, with the interval."""

from __future__ import annotations

from typing import NamedTuple

from pocketbench.bench.judge.summary import BudgetVerdict, JudgedBudget
from pocketbench.bench.records.metrics import METRICS
from pocketbench.bench.units import common_scale, format_value
from pocketbench.reports.text.phrases import interval_text
from pocketbench.reports.view import View

HEADINGS = ("configuration", "metric", "at most", "measured [95 % CI]", "verdict")
_SHAPES = {
    BudgetVerdict.OVER: "▲",
    BudgetVerdict.WITHIN: "●",
    BudgetVerdict.UNDECIDED: "○",
    BudgetVerdict.NOT_MEASURED: "○",
}
_ORDER = tuple(_SHAPES)


class BudgetRow(NamedTuple):
    """One budget on one configuration."""

    judged: JudgedBudget
    cells: tuple[str, ...]
    """One for each of HEADINGS."""

    @property
    def line(self) -> str:
        """`▲ p90 latency over budget: 23.1 ms [22.9, 23.4], at most 20.0 ms (...)`."""
        where, metric, at_most, measured, verdict = self.cells
        shape, _, word = verdict.partition(" ")
        if self.judged.estimate is None:
            return f"{shape} budget of {at_most} {metric}: {word} ({where})"
        is_open = self.judged.verdict is BudgetVerdict.UNDECIDED
        said = f"{metric}, budget undecided" if is_open else f"{metric} {word} budget"
        return f"{shape} {said}: {measured}, at most {at_most} ({where})"


def budget_rows(view: View) -> list[BudgetRow]:
    """Those that are over first."""
    found = sorted(view.summary.budgets, key=lambda x: _ORDER.index(x.verdict))
    return [_row(view, judged) for judged in found]


def _row(view: View, judged: JudgedBudget) -> BudgetRow:
    budget, estimate = judged.budget, judged.estimate
    metric = next(metric for metric in METRICS if metric.name == budget.metric)
    measured = "-"
    if estimate is not None:
        scale = common_scale(metric.unit, [estimate.point])
        point = f"{scale.format(estimate.point)} {scale.name}"
        measured = f"{point} {interval_text(estimate, scale)}"
    if judged.device_id is None:
        asked = (budget.device, budget.model, budget.variant)
        where = " · ".join(part for part in asked if part) or "every configuration"
    else:
        where = f"{judged.model} {judged.variant_id} on {view.tagged(judged.device_id)}"
    words = judged.verdict.value.replace("_", " ")
    return BudgetRow(
        judged,
        (
            where,
            metric.title,
            format_value(metric.unit, budget.at_most),
            measured,
            f"{_SHAPES[judged.verdict]} {words}",
        ),
    )
