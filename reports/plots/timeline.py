"""Launches in time order, variants interleaved: drift and throttling show here."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.bench.judge.summary import Cell
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.units import common_scale
from pocketbench.reports.plots.axis import Axis, linear_axis, value_axis
from pocketbench.reports.plots.band import band, draw_band, minutes
from pocketbench.reports.plots.panel import frame, spread_out
from pocketbench.reports.plots.rows import shortened
from pocketbench.reports.plots.sheet import Sheet
from pocketbench.reports.plots.style import PANEL_PX, SMALL_PX, Colour
from pocketbench.reports.text.phrases import counted
from pocketbench.reports.view import View

_HEIGHT_PX = 210.0


def timeline(
    view: View, cells: Sequence[Cell], colours: dict[str, Colour], *, name: str
) -> str:
    """Draw the launches of one model on one device; at least one with the metric.

    Below them stand the device's temperature and clock caps, where it reports them.
    """
    metric = view.primary
    series = {
        cell.variant_id: [
            (minutes(launch.started_at), launch.values[metric.name])
            for launch in cell.launches
            if metric.name in launch.values
        ]
        for cell in cells
    }
    start = min(minute for points in series.values() for minute, _ in points)
    values = [value for points in series.values() for _, value in points]
    scale = common_scale(metric.unit, values)
    raw = [launch for cell in cells for launch in cell.records]
    below = band(raw, start, _first_read(view, cells[0].device_id))
    sheet = Sheet(PANEL_PX, _HEIGHT_PX + below.height)
    up = value_axis(values, scale.size, _HEIGHT_PX - 38, 26)
    last = max(minute - start for points in series.values() for minute, _ in points)
    across = _time_axis(max(last, below.end if below.height else 0.0))
    frame(
        sheet,
        across,
        up,
        across_caption="minutes into these launches",
        up_caption=f"{metric.title}, {scale.name}",
        foot=up.start + below.height,
    )
    draw_band(sheet, below, across, up.start)
    for variant_id, points in series.items():
        places = [(across.pixel(t - start), up.pixel(v)) for t, v in points]
        colour = colours[variant_id]
        sheet.lines([places], colour=colour.mark, width=1.2, opacity=0.7)
        sheet.marks(places, colour=colour.mark, size=5.5)
    ends = {v: up.pixel(points[-1][1]) for v, points in series.items() if points}
    for (variant_id, _), y in zip(
        ends.items(), spread_out(list(ends.values()), 13), strict=True
    ):
        sheet.text(
            across.end + 8,
            y,
            shortened(variant_id, 13),
            colour=colours[variant_id].text,
            size=SMALL_PX,
        )
    where = f"{cells[0].model} on {view.tagged(cells[0].device_id)}"
    return sheet.svg(
        name,
        title=f"{where}: launches in time order",
        description=f"{counted(len(values), 'launch', 'launches')} of "
        f"{counted(len(series), 'variant')}, each at the minute it started."
        + below.described,
    )


def _first_read(view: View, device_id: str) -> Conditions | None:
    """The device before its first launch of the run, whatever the model."""
    launches = (x for x in view.summary.run.launches if x.device_id == device_id)
    first = min(launches, key=lambda x: minutes(x.started_at), default=None)
    return first.conditions_before if first else None


def _time_axis(minutes: float) -> Axis:
    return linear_axis(0, max(minutes, 1e-3), 1, 42, PANEL_PX - 84)
