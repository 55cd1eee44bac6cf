"""Which models and devices get the charts of single launches, and those charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pocketbench.bench.judge.summary import Cell, LaunchShape, LaunchValue
from pocketbench.bench.records.launch import Launch
from pocketbench.bench.records.metrics import GATES
from pocketbench.reports.plots.ecdf import ecdf
from pocketbench.reports.plots.style import Colour
from pocketbench.reports.plots.timeline import timeline
from pocketbench.reports.plots.tokens import by_depth, over_tokens
from pocketbench.reports.plots.traces import MOST_LAUNCHES, shared_range_ns, traces
from pocketbench.reports.text.phrases import BY_INTEREST, listed
from pocketbench.reports.view import View

MOST_PAIRS = 4
"""Pairs of model and device whose single launches are drawn."""
_BY_DEPTH = (GATES["decode"], GATES["ttft"], GATES["peak_memory"])
MOST_STRIP_CELLS = 40
"""Cells with a strip of launches, over all models."""


_SHAPE_WORDS = {
    LaunchShape.FLAT: "flat",
    LaunchShape.WARM_UP: "still warming up at first",
    LaunchShape.SLOW_DOWN: "slowing down",
    LaunchShape.NO_STEADY_STATE: "never steady",
}


class TracePanel(NamedTuple):
    """The iterations of one variant's launches."""

    variant_id: str
    svg: str
    shapes: str
    """How its launches go, counted: `9 flat and 1 slowing down`."""
    left_out: int


class DeviceCharts(NamedTuple):
    """The charts of one model on one device; those without data are empty."""

    device_id: str
    timeline: str
    ecdf: str
    traces: tuple[TracePanel, ...]
    generation: tuple[str, ...] = ()
    """Of a model that generates: over the tokens, and by depth."""


def chosen_pairs(view: View) -> list[tuple[str, str]]:
    """(model, device) to draw in detail: the changed and undecided ones first."""
    rank: dict[tuple[str, str], int] = {}
    for cell in view.summary.cells:
        found = view.against_baseline(cell, view.primary.name)
        place = BY_INTEREST.index(found.verdict if found else None)
        key = (cell.model, cell.device_id)
        rank[key] = min(place, rank.get(key, len(BY_INTEREST)))
    return sorted(rank, key=lambda key: rank[key])[:MOST_PAIRS]


def device_charts(
    view: View,
    model: str,
    device_id: str,
    colours: dict[str, Colour],
    *,
    name: str,
) -> DeviceCharts:
    """Draw the single launches of one model on one device."""
    metric = view.primary.name
    cells = [
        cell
        for cell in view.cells_of(model, device_id)
        if any(metric in launch.values for launch in cell.launches)
    ]
    launches = {
        cell.variant_id: found
        for cell in cells
        if (
            found := [
                launch
                for launch in zip(cell.records, cell.launches, strict=True)
                if launch[0].measurement.samples_ns
            ]
        )
    }
    where = f"{model} on {view.tagged(device_id)}"
    noun = "iteration" if view.generation is None else "token"
    panels = [
        _trace_panel(
            found, colours[variant], variant, where=where, name=f"{name}-traces-{place}"
        )
        for place, (variant, found) in enumerate(launches.items())
    ]
    pooled = {
        variant: [ns for raw, _ in found for ns in raw.measurement.samples_ns]
        for variant, found in launches.items()
    }
    return DeviceCharts(
        device_id,
        timeline(view, cells, colours, name=f"{name}-time") if cells else "",
        ecdf(pooled, colours, where=where, name=f"{name}-ecdf", noun=noun)
        if pooled
        else "",
        tuple(panels),
        _generation_charts(view, cells, colours, name) if view.generation else (),
    )


def _generation_charts(
    view: View, cells: Sequence[Cell], colours: dict[str, Colour], name: str
) -> tuple[str, ...]:
    known = [view.metrics[x] for x in _BY_DEPTH if x in view.metrics]
    drawn = [
        over_tokens(view, cells, colours, name=f"{name}-tokens"),
        *(
            by_depth(view, metric, cells, colours, name=f"{name}-{metric.word}")
            for metric in known
        ),
    ]
    return tuple(filter(None, drawn))


def _trace_panel(
    found: Sequence[tuple[Launch, LaunchValue]],
    colour: Colour,
    variant_id: str,
    *,
    where: str,
    name: str,
) -> TracePanel:
    raw = [launch for launch, _ in found]
    trimmed = [
        value.steady_from if value.shape is LaunchShape.WARM_UP else 0
        for _, value in found
    ]
    shapes = Counter(value.shape for _, value in found if value.shape)
    drawn = traces(
        raw,
        shared_range_ns(raw),
        colour,
        left_out=trimmed,
        where=f"{where}, {variant_id}",
        name=name,
    )
    return TracePanel(
        variant_id,
        drawn,
        listed([f"{shapes[s]} {_SHAPE_WORDS[s]}" for s in LaunchShape if shapes[s]]),
        max(0, len(raw) - MOST_LAUNCHES),
    )
