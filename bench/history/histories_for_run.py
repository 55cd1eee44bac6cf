"""The histories of one run's cells, for the reports of that run."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

from pocketbench.bench.history.accepted import Accepted
from pocketbench.bench.history.changes import with_changes
from pocketbench.bench.history.queries import read_series
from pocketbench.bench.history.series import CellHistory, HistoryCell
from pocketbench.bench.history.stored import device_key
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
    min_effect = plan.min_effect
    found = {series.cell: series for series in read_series(folder)}
    histories = {}
    for ready in run.devices:
        for variant in plan.variants:
            cell = HistoryCell(
                device=device_key(ready.device),
                model=variant.model,
                variant=variant.name,
                threads=variant.threads,
            )
            if cell in found:
                histories[ready.device.id, variant.model, variant.id] = with_changes(
                    found[cell], accepted=accepted, today=today, min_effect=min_effect
                )
    return histories
