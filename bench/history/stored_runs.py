"""The runs of a history: when, of which commit, and under which conditions."""

from __future__ import annotations

from pathlib import Path

from pocketbench.bench.history.queries import answered
from pocketbench.bench.history.stored import Imitation
from pocketbench.bench.records.record import Value


class StoredRun(Value, frozen=True, kw_only=True):
    """One run on one device, over all of its launches."""

    device: str
    device_name: str
    imitation: Imitation | None
    run_id: str
    started_at: str
    commit: str | None
    os_build: str
    runtime: str
    torch: str
    command: str | None
    """`None` in histories of earlier releases, as are the temperatures and caveats."""
    low_temperature_c: float | None
    high_temperature_c: float | None
    caveats: str | None
    models: int
    launches: int


def stored_runs(folder: str | Path) -> tuple[StoredRun, ...]:
    """Every run of a history, those of a device together and in order of time.

    Raises:
        StoreError: There is no history, or a file of it cannot be read.
    """
    fields = StoredRun.__struct_fields__
    query = """
        SELECT device, any_value(device_name), any_value(imitation), run_id,
            min(run_started_at) AS began, any_value(commit), any_value(os_build),
            string_agg(DISTINCT runtime, ', ' ORDER BY runtime),
            string_agg(DISTINCT torch, ', ' ORDER BY torch),
            any_value(command), min(temperature_c), max(temperature_c),
            string_agg(DISTINCT caveats, ' '), count(DISTINCT model), count(*)
        FROM launches GROUP BY device, run_id ORDER BY device, began, run_id
    """
    return tuple(
        StoredRun(**dict(zip(fields, row, strict=True)))
        for row in answered(str(folder), query, [])
    )
