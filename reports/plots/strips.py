"""One dot per launch, by device and variant, with the estimate over them."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.bench.judge.summary import Cell
from pocketbench.bench.units import common_scale
from pocketbench.reports.plots.axis import Axis, is_logarithmic, value_axis
from pocketbench.reports.plots.rows import Row, RowChart, row_chart
from pocketbench.reports.plots.sheet import Sheet
from pocketbench.reports.plots.style import INK, Colour
from pocketbench.reports.text.phrases import counted, interval_text
from pocketbench.reports.view import View

_JITTER_PX = 8.0


def strips(
    view: View,
    cells: Sequence[Cell],
    colours: dict[str, Colour],
    *,
    name: str,
) -> str:
    """Draw the cells of one model that have the primary metric; at least one."""
    metric = view.primary
    launches = {
        id(cell): [
            launch.values[metric.name]
            for launch in cell.launches
            if metric.name in launch.values
        ]
        for cell in cells
    }
    values = [value for found in launches.values() for value in found]
    # The interval of two launches may be far wider than the launches themselves.
    least, most = min(values) / 1.5, max(values) * 1.5
    for cell in cells:
        estimate = cell.estimates[metric.name]
        ends = (estimate.point, estimate.low, estimate.high)
        values += [min(max(end, least), most) for end in ends if end is not None]
    scale = common_scale(metric.unit, values)

    def axis(start: float, end: float) -> Axis:
        return value_axis(values, scale.size, start, end)

    def draw(sheet: Sheet, axis: Axis, index: int, y: float) -> None:
        cell = cells[index]
        _strip(sheet, axis, cell, launches[id(cell)], colours, y, metric.name)

    rows = [
        Row(
            model=cell.model,
            device=view.label(cell.device_id),
            tag=view.tag(cell.device_id),
            label=cell.variant_id,
            label_colour=colours[cell.variant_id].text,
            said=f"{scale.format(estimate.point)} {scale.name}",
            exactly=interval_text(estimate, scale),
        )
        for cell in cells
        for estimate in [cell.estimates[metric.name]]
    ]
    log = ", log scale" if is_logarithmic(axis(0, 500)) else ""
    chart = RowChart(
        rows=rows,
        axis=axis,
        behind=lambda sheet, axis, top, bottom: None,
        row=draw,
        heading=("", ""),
        caption=f"{metric.title} of each launch, {scale.name}{log}; "
        "diamond and bar: estimate and 95 % interval",
        shows_models=False,
    )
    total = sum(len(found) for found in launches.values())
    devices = len({cell.device_id for cell in cells})
    return row_chart(
        chart,
        name=name,
        title=f"{cells[0].model}: {metric.title} of each launch",
        description=f"{counted(total, 'launch', 'launches')} on "
        f"{counted(devices, 'device')}: one dot per launch, from the first above to "
        "the last below, with estimate and 95 % interval.",
    )


def _strip(
    sheet: Sheet,
    axis: Axis,
    cell: Cell,
    values: Sequence[float],
    colours: dict[str, Colour],
    y: float,
    metric: str,
) -> None:
    """Dots from the first launch above to the last one below; estimate over them."""
    spread = max(1, len(values) - 1)
    dots = [
        (axis.pixel(value), y + (place / spread - 0.5) * 2 * _JITTER_PX)
        for place, value in enumerate(values)
    ]
    sheet.marks(dots, colour=colours[cell.variant_id].mark, size=5.5, opacity=0.75)
    estimate = cell.estimates[metric]
    if estimate.low is not None and estimate.high is not None:
        ends = axis.held(estimate.low), axis.held(estimate.high)
        sheet.lines([[(end, y) for end in ends]], colour=INK, width=1.8)
    sheet.marks([(axis.pixel(estimate.point), y)], colour=INK, shape="D", size=6)
