"""A run as a pandas table: one row per launch, in SI units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocketbench.bench.judge.metrics import reduced
from pocketbench.bench.judge.valid_launches import counted_launches
from pocketbench.bench.records.metrics import METRICS, Metric

if TYPE_CHECKING:
    import pandas as pd

    from pocketbench.bench.records.run import Run


def launch_table(run: Run) -> pd.DataFrame:
    """Return one row per launch; times in seconds, memory in bytes, rates per second.

    Launches of broken or repeated blocks are in it too: `counts` says which of them the
    estimates rest on.
    """
    import pandas as pd

    names = {ready.device.id: ready.device for ready in run.devices}
    counting = {
        id(launch) for launches in counted_launches(run).values() for launch in launches
    }
    rows: list[dict[str, Any]] = []
    for launch, values in zip(run.launches, reduced(run.launches), strict=True):
        device = names.get(launch.device_id)
        rows.append(
            {
                "run_id": run.started.run_id,
                "device_id": launch.device_id,
                "device_name": device.name if device else None,
                "is_simulated": device.is_simulated if device else None,
                "model": launch.model,
                "variant": launch.variant_id,
                "runner": launch.runner,
                "block": launch.block,
                "position": launch.position,
                "attempt": launch.attempt,
                "counts": id(launch) in counting,
                "started_at": launch.started_at,
                "caveats": " ".join(str(caveat) for caveat in launch.caveats),
                **{
                    _column(metric): _in_si(metric, values.values.get(metric.name))
                    for metric in METRICS
                },
            }
        )
    table = pd.DataFrame(rows)
    if rows:
        table["started_at"] = pd.to_datetime(table["started_at"], utc=True)
    return table


def _column(metric: Metric) -> str:
    return metric.name.removesuffix("_ns") + ("_s" if metric.unit == "ns" else "")


def _in_si(metric: Metric, value: float | None) -> float | None:
    if value is None:
        return None
    return value / 1e9 if metric.unit == "ns" else value
