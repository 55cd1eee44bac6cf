"""The page's section of launches that ran on for minutes: a table and their charts."""

from __future__ import annotations

from typing import NamedTuple

from pocketbench.bench.judge.time_series import SustainedCell
from pocketbench.reports.plots.style import Colour
from pocketbench.reports.plots.time_series import sustained_chart
from pocketbench.reports.text.sustained import (
    NO_VERDICT,
    SustainedRow,
    note,
    sustained_row,
    window_names,
)
from pocketbench.reports.view import View

MOST_CHARTS = 24


class SustainedChart(NamedTuple):
    """One long launch on the page."""

    cell: SustainedCell
    svg: str
    note: str


class SustainedSection(NamedTuple):
    """All long launches."""

    lead: str
    windows: tuple[str, str]
    rows: list[SustainedRow]
    charts: list[SustainedChart]
    left_out: int


def sustained_section(
    view: View, colours: dict[str, Colour]
) -> SustainedSection | None:
    """The section of the page; `None` for a run without long launches."""
    cells = view.summary.sustained
    if not cells:
        return None
    return SustainedSection(
        f"Each is one process that ran on: {NO_VERDICT}. The ratio is that of the "
        "medians of its first and last iterations (shaded). The device was read beside "
        "the program, which shares it with the reading.",
        window_names(cells),
        [sustained_row(cell) for cell in cells],
        [
            _chart(view, cell, colours[cell.variant_id], f"sustained-{number}")
            for number, cell in enumerate(cells[:MOST_CHARTS], 1)
        ],
        max(0, len(cells) - MOST_CHARTS),
    )


def _chart(
    view: View, cell: SustainedCell, colour: Colour, name: str
) -> SustainedChart:
    where = f"{cell.model} {cell.variant_id} on {view.tagged(cell.device_id)}"
    drawn = sustained_chart(cell, colour, where=where, name=name)
    return SustainedChart(cell, drawn, note(cell))
