"""The `[[budget]]` tables of a suite: what a metric may be at most."""

from __future__ import annotations

import re

from pocketbench.bench.errors import UsageError
from pocketbench.bench.records.metrics import METRICS, parse_metric
from pocketbench.bench.records.plan import Budget
from pocketbench.bench.records.record import Value

_UNITS = {
    "ns": {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9},
    "bytes": {
        "B": 1.0,
        "kB": 1e3,
        "MB": 1e6,
        "GB": 1e9,
        "KiB": 2.0**10,
        "MiB": 2.0**20,
        "GiB": 2.0**30,
    },
}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-zµ]+)")


class AskedBudget(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[budget]]` table of a suite file."""

    metric: str
    at_most: str
    """`20 ms`, `50 MiB`."""
    device: str | None = None
    """A device's name or id, with `*`; `None`: each device."""
    model: str | None = None
    variant: str | None = None


def parse_budget(asked: AskedBudget) -> Budget:
    """The budget in the metric's own unit.

    Raises:
        UnknownNameError: No such metric; offers the near ones.
        UsageError: The amount is not one of the metric.
    """
    name = parse_metric(asked.metric)
    metric = next(metric for metric in METRICS if metric.name == name)
    units = _UNITS.get(metric.unit)
    if units is None:
        raise UsageError(
            f"budget on {asked.metric}",
            "more of it is better, so there is no most",
            "Set one on latency or memory",
        )
    found = _AMOUNT.fullmatch(asked.at_most.strip())
    if found is None or found[2] not in units:
        raise UsageError(
            f"budget on {asked.metric}: at_most = {asked.at_most!r}",
            f"is no amount of {metric.title}",
            f"Write a number and one of {', '.join(units)}",
        )
    return Budget(
        metric=name,
        at_most=float(found[1]) * units[found[2]],
        device=asked.device,
        model=asked.model,
        variant=asked.variant,
    )
