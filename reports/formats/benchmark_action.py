"""github-action-benchmark's `customSmallerIsBetter` JSON, for its dashboards."""

from __future__ import annotations

from typing import Any

import msgspec

from pocketbench.bench.judge.summary import Cell, Estimate, Metric, Summary
from pocketbench.reports.lookup import Lookup
from pocketbench.reports.redact import presentable
from pocketbench.reports.text.phrases import grade_words


def render(summary: Summary) -> str:
    """An entry a cell and metric of which less is better, unscaled."""
    lookup = Lookup(presentable(summary))
    entries = [
        _entry(lookup, cell, metric, cell.estimates[metric.name])
        for cell in lookup.summary.cells
        for metric in lookup.summary.metrics
        if metric.better == "lower" and metric.name in cell.estimates
    ]
    return msgspec.json.format(msgspec.json.encode(entries), indent=2).decode() + "\n"


def _entry(
    lookup: Lookup, cell: Cell, metric: Metric, estimate: Estimate
) -> dict[str, Any]:
    name = (
        f"{cell.model} / {cell.variant_id} / {lookup.tagged(cell.device_id)} / "
        f"{metric.title}"
    )
    entry: dict[str, Any] = {"name": name, "unit": metric.unit, "value": estimate.point}
    if estimate.low is not None and estimate.high is not None:
        # The action draws one number; the wider half keeps it from saying too much.
        half = max(estimate.high - estimate.point, estimate.point - estimate.low)
        entry["range"] = f"± {half:.6g}"
    trust = f"trust {grade_words(cell)}"
    entry["extra"] = f"{estimate.launches} launches, 95 % interval; {trust}"
    return entry
