"""The histories of one run's cells, for the reports of that run."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

from pocketbench.bench.history.accepted import Accepted
from pocketbench.bench.history.changes import with_changes
from pocketbench.bench.history.queries import read_series
from pocketbench.bench.history.series import CellHistory, HistoryCell
from pocketbench.bench.history.stored import device_key, series_name
from pocketbench.bench.records.plan import Plan, Variant
from pocketbench.bench.records.run import Run

RunHistories = Mapping[tuple[str, str, str], CellHistory]
"""By device id, model and variant id, as the run has them."""


def histories_of(
    run: Run,
    folder: str | Path,
    *,
    accepted: tuple[Accepted, ...] = (),
    today: datetime.date,
) -> RunHistories:
    """The primary metric's history of each cell of a run, where there is one.

    Raises:
        StoreError: There is no history, or a file of it cannot be read.
    """
    plan = run.started.plan
    found = {series.cell: series for series in read_series(folder)}
    histories = {}
    for ready in run.devices:
        shown = set()
        for variant in plan.variants:
            cell = _cell_of(variant, plan, device_key(ready.device))
            if cell is not None and cell in found and cell not in shown:
                shown.add(cell)
                histories[ready.device.id, variant.model, variant.id] = with_changes(
                    found[cell],
                    accepted=accepted,
                    today=today,
                    min_effect=plan.min_effect,
                )
    return histories


def _cell_of(variant: Variant, plan: Plan, device: str) -> HistoryCell | None:
    """Where a variant's history is; of two builds the first candidate has it."""
    requests = {request.name: request for request in plan.models}
    build = requests[variant.model].build(variant.name)
    if build.model is not None and variant.is_baseline:
        return None
    return HistoryCell(
        device=device,
        model=build.model or variant.model,
        variant=series_name(variant, plan.workload, build.variant),
        threads=variant.threads,
    )
