"""How a generation goes: token by token, and the deeper its cache is filled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pocketbench.bench.judge.summary import Cell
from pocketbench.bench.records.metrics import Metric
from pocketbench.bench.units import common_scale
from pocketbench.reports.plots.axis import linear_axis, value_axis
from pocketbench.reports.plots.panel import frame, spread_out
from pocketbench.reports.plots.rows import shortened
from pocketbench.reports.plots.sheet import Points, Sheet
from pocketbench.reports.plots.style import PANEL_PX, SMALL_PX, Colour
from pocketbench.reports.text.phrases import counted
from pocketbench.reports.view import View

_HEIGHT_PX = 210.0
_LEFT_PX, _RIGHT_PX = 42.0, PANEL_PX - 102


def over_tokens(
    view: View, cells: Sequence[Cell], colours: dict[str, Colour], *, name: str
) -> str:
    """Draw each build's time from token to token, the median of its launches.

    Empty where no launch has more than two stamps.
    """
    medians = {cell.variant_id: _medians(cell) for cell in cells}
    series = {v: times for v, times in medians.items() if len(times) > 1}
    if not series:
        return ""
    longest = max(map(len, series.values()))
    values = [float(x) for times in series.values() for x in times]
    scale = common_scale("ns", values)
    across = linear_axis(2, longest + 1, 1, _LEFT_PX, _RIGHT_PX)
    up = value_axis(values, scale.size, _HEIGHT_PX - 38, 26)
    sheet = Sheet(PANEL_PX, _HEIGHT_PX)
    frame(
        sheet,
        across,
        up,
        across_caption="token",
        up_caption=f"time since the token before, {scale.name}",
    )
    paths = {
        variant_id: [
            (across.pixel(place), up.pixel(float(x)))
            for place, x in enumerate(times, 2)
        ]
        for variant_id, times in series.items()
    }
    for variant_id, path in paths.items():
        sheet.lines([path], colour=colours[variant_id].mark, width=1.4)
    _name_ends(sheet, paths, colours)
    return sheet.svg(
        name,
        title=f"{_where(view, cells)}: time from token to token",
        description=f"{counted(len(series), 'build')}, the median of its launches at "
        f"each of {longest} tokens after the first.",
    )


def by_depth(
    view: View,
    metric: Metric,
    cells: Sequence[Cell],
    colours: dict[str, Colour],
    *,
    name: str,
) -> str:
    """Draw a metric at each depth, a line per build, with 95 % intervals.

    Empty where there is only one depth.
    """
    series: dict[str, list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: cell.kv_depth or 0):
        if metric.name in cell.estimates:
            series.setdefault(cell.build_id, []).append(cell)
    deepest = max((len(found) for found in series.values()), default=0)
    if deepest < 2:
        return ""
    every = [cell for found in series.values() for cell in found]
    estimates = [cell.estimates[metric.name] for cell in every]
    ends = [x for e in estimates for x in (e.point, e.low, e.high) if x is not None]
    scale = common_scale(metric.unit, [e.point for e in estimates])
    depths = [cell.kv_depth or 0 for cell in every]
    across = linear_axis(min(depths), max(depths), 1, _LEFT_PX, _RIGHT_PX)
    up = value_axis(ends, scale.size, _HEIGHT_PX - 38, 26)
    sheet = Sheet(PANEL_PX, _HEIGHT_PX)
    frame(
        sheet,
        across,
        up,
        across_caption="depth of the KV cache, tokens",
        up_caption=f"{metric.title}, {scale.name}",
    )
    paths: dict[str, Points] = {}
    for build, found in series.items():
        colour = colours[found[0].variant_id]
        points = []
        for cell in found:
            estimate, x = cell.estimates[metric.name], across.pixel(cell.kv_depth or 0)
            points.append((x, up.pixel(estimate.point)))
            if estimate.low is not None and estimate.high is not None:
                bar = [(x, up.pixel(estimate.low)), (x, up.pixel(estimate.high))]
                sheet.lines([bar], colour=colour.mark, width=1.8)
        sheet.lines([points], colour=colour.mark, width=1.2, opacity=0.7)
        sheet.marks(points, colour=colour.mark, size=5.5)
        paths[build] = points
    named = {build: colours[found[0].variant_id] for build, found in series.items()}
    _name_ends(sheet, paths, named)
    return sheet.svg(
        name,
        title=f"{_where(view, cells)}: {metric.title} by depth",
        description=f"{counted(len(series), 'build')} at "
        f"{counted(len(set(depths)), 'depth')} of the KV cache, with 95 % intervals.",
    )


def _medians(cell: Cell) -> npt.NDArray[np.float64]:
    """At each token after the first, the median launch's time since the one before."""
    launches = [launch.measurement.samples_ns for launch in cell.records]
    shortest = min(map(len, launches), default=0)
    rows = np.array([x[:shortest] for x in launches], dtype=np.float64)
    return np.atleast_1d(np.median(rows, axis=0))


def _name_ends(
    sheet: Sheet, paths: dict[str, Points], colours: dict[str, Colour]
) -> None:
    heights = spread_out([path[-1][1] for path in paths.values()], 13)
    for build, y in zip(paths, heights, strict=True):
        sheet.text(
            _RIGHT_PX + 8,
            y,
            shortened(build, 14),
            colour=colours[build].text,
            size=SMALL_PX,
        )


def _where(view: View, cells: Sequence[Cell]) -> str:
    return f"{cells[0].model} on {view.tagged(cells[0].device_id)}"
