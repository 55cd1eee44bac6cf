"""Which models and devices get the charts of single launches, and those charts."""

from __future__ import annotations

from typing import NamedTuple

from bench.judge.summary import Cell, Verdict
from reports.lookup import Lookup
from reports.plots.ecdf import ecdf
from reports.plots.strips import strips
from reports.plots.style import Colour
from reports.plots.timeline import timeline
from reports.plots.traces import MOST_LAUNCHES, shared_range_ns, traces

MOST_PAIRS = 12
"""Pairs of model and device whose single launches are drawn."""
MOST_STRIP_CELLS = 240
"""Cells with a strip of launches, over all models."""

_INTEREST = (
    Verdict.REGRESSION,
    Verdict.INCONCLUSIVE,
    Verdict.IMPROVEMENT,
    Verdict.NO_CHANGE,
    None,
)


class TracePanel(NamedTuple):
    """The iterations of one variant's launches."""

    variant_id: str
    svg: str
    left_out: int


class DeviceCharts(NamedTuple):
    """The charts of one model on one device; those without data are empty."""

    device_id: str
    timeline: str
    ecdf: str
    traces: tuple[TracePanel, ...]


def chosen_pairs(lookup: Lookup) -> list[tuple[str, str]]:
    """(model, device) to draw in detail: the regressed and undecided ones first."""
    rank: dict[tuple[str, str], int] = {}
    for cell in lookup.summary.cells:
        found = lookup.comparison("variant", cell, lookup.primary.name)
        place = _INTEREST.index(found.verdict if found else None)
        key = (cell.model, cell.device_id)
        rank[key] = min(place, rank.get(key, len(_INTEREST)))
    return sorted(rank, key=lambda key: rank[key])[:MOST_PAIRS]


def device_charts(
    lookup: Lookup,
    model: str,
    device_id: str,
    colours: dict[str, Colour],
    *,
    name: str,
) -> DeviceCharts:
    """Draw the single launches of one model on one device."""
    metric = lookup.primary.name
    cells = [
        cell
        for cell in lookup.cells_of(model, device_id)
        if any(metric in launch.values for launch in cell.launches)
    ]
    launches = {
        cell.variant_id: [
            x for x in lookup.raw_launches(cell) if x.measurement.latencies_ns
        ]
        for cell in cells
    }
    launches = {variant: found for variant, found in launches.items() if found}
    where = f"{model} on {lookup.tagged(device_id)}"
    drawn_traces: list[TracePanel] = []
    if launches:
        drawn_traces = [
            TracePanel(
                variant,
                traces(
                    found,
                    shared_range_ns(found),
                    colours[variant],
                    where=f"{where}, {variant}",
                    name=f"{name}-traces-{place}",
                ),
                max(0, len(found) - MOST_LAUNCHES),
            )
            for place, (variant, found) in enumerate(launches.items())
        ]
    pooled = {
        variant: [ns for launch in found for ns in launch.measurement.latencies_ns]
        for variant, found in launches.items()
    }
    return DeviceCharts(
        device_id,
        timeline(lookup, cells, colours, name=f"{name}-time") if cells else "",
        ecdf(pooled, colours, where=where, name=f"{name}-ecdf") if pooled else "",
        tuple(drawn_traces),
    )


def strip_charts(
    lookup: Lookup, cells: list[Cell], colours: dict[str, Colour], *, name: str
) -> tuple[str, str]:
    """The strips of one model, wide and narrow."""
    return (
        strips(lookup, cells, colours, name=name),
        strips(lookup, cells, colours, name=name, narrow=True),
    )
