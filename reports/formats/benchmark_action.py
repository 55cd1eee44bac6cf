"""github-action-benchmark's `customSmallerIsBetter` JSON, for its dashboards."""

from __future__ import annotations

from typing import Any

import msgspec

from pocketbench.bench.judge.summary import Cell, Estimate
from pocketbench.bench.records.metrics import Metric
from pocketbench.reports.text.phrases import grade_words
from pocketbench.reports.view import View


def render(view: View) -> str:
    """One entry per cell and metric of which less is better, unscaled."""
    entries = [
        _entry(view, cell, metric, cell.estimates[metric.name])
        for cell in view.summary.cells
        for metric in view.summary.metrics
        if metric.better == "lower" and metric.name in cell.estimates
    ]
    return msgspec.json.format(msgspec.json.encode(entries), indent=2).decode() + "\n"


def _entry(
    view: View, cell: Cell, metric: Metric, estimate: Estimate
) -> dict[str, Any]:
    name = (
        f"{cell.model} / {cell.variant_id} / {view.tagged(cell.device_id)} / "
        f"{metric.title}"
    )
    entry: dict[str, Any] = {"name": name, "unit": metric.unit, "value": estimate.point}
    if estimate.low is not None and estimate.high is not None:
        # The action draws one number; the wider half keeps it from saying too much.
        half = max(estimate.high - estimate.point, estimate.point - estimate.low)
        entry["range"] = f"± {half:.6g}"
    trust = f"quality {grade_words(cell)}"
    entry["extra"] = f"{estimate.launches} launches, 95 % interval; {trust}"
    return entry
