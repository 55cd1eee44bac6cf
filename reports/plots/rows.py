"""Charts of one row per cell along one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pocketbench.reports.plots.axis import Axis
from pocketbench.reports.plots.sheet import Sheet
from pocketbench.reports.plots.style import (
    FAINT,
    INK,
    MUTED,
    SMALL_PX,
    TEXT_PX,
    WIDE_PX,
)

ROW_PX = 25.0
HEADING_PX = 38.0
FOOT_PX = 44.0
_NAME_CHARACTERS = 27
_LONG_ROWS = 30
_LABEL_CHARACTERS = 20
_MOST_NAMES_PX, _MOST_LABELS_PX, _GAP_PX = 268.0, 132.0, 16.0


class Row(NamedTuple):
    """One cell: where it belongs, what it is called, and what is said of it."""

    model: str
    device: str
    tag: str | None
    label: str
    label_colour: str
    said: str
    """On the right, in words: `2.1x faster`."""
    exactly: str
    """After it, smaller: `0.476 [0.455, 0.498]`."""


class RowChart(NamedTuple):
    """What the rows share."""

    rows: Sequence[Row]
    axis: Callable[[float, float], Axis]
    """Makes the axis between two pixels."""
    behind: Callable[[Sheet, Axis, float, float], None]
    """Draws what lies behind all rows, between two heights."""
    row: Callable[[Sheet, Axis, int, float], None]
    """Draws the row of that number at a height."""
    heading: tuple[str, str]
    """Above the axis, at its left and right ends."""
    caption: str
    """Below the axis."""
    shows_models: bool = True


class _Place(NamedTuple):
    """Heights of everything, from the top."""

    models: list[tuple[float, str]]
    devices: list[tuple[float, Row]]
    rows: list[float]
    bottom: float


def row_chart(chart: RowChart, *, name: str, title: str, description: str) -> str:
    """Draw it as SVG for a page; every name is shortened to its column."""
    return row_sheet(chart).svg(name, title=title, description=description)


def row_sheet(chart: RowChart) -> Sheet:
    """Draw it; every name is shortened to its column."""
    place = _lay_out(chart)
    sheet = Sheet(WIDE_PX, place.bottom + FOOT_PX)
    # Short names leave their room to the axis: on a phone it begins on the screen.
    ends = [_device(sheet, row, 0.0, y, _NAME_CHARACTERS) for y, row in place.devices]
    labels = [shortened(row.label, _LABEL_CHARACTERS) for row in chart.rows]
    left = min(max(ends) + _GAP_PX, _MOST_NAMES_PX)
    start = left + min(max(map(_width, labels)) + _GAP_PX, _MOST_LABELS_PX)
    axis = chart.axis(start, WIDE_PX - 240.0)
    _frame(sheet, chart, axis, place)
    for index, (row, y) in enumerate(zip(chart.rows, place.rows, strict=True)):
        sheet.text(left, y, labels[index], colour=row.label_colour)
        chart.row(sheet, axis, index, y)
        sheet.text(WIDE_PX - 222, y, row.said, bold=True)
        sheet.text(WIDE_PX, y, row.exactly, colour=MUTED, size=SMALL_PX, align="right")
    return sheet


def _lay_out(chart: RowChart) -> _Place:
    """Give every row its height; a device is named once, beside its first row."""
    models: list[tuple[float, str]] = []
    devices: list[tuple[float, Row]] = []
    heights: list[float] = []
    y = _top(chart) + 8.0
    model, device = None, None
    for row in chart.rows:
        if row.model != model:
            model, device = row.model, None
            if chart.shows_models:
                models.append((y + 17, row.model))
                y += HEADING_PX
        if row.device != device:
            if device is not None:
                y += 5
            device = row.device
            devices.append((y + ROW_PX / 2, row))
        heights.append(y + ROW_PX / 2)
        y += ROW_PX
    return _Place(models, devices, heights, y)


def _frame(sheet: Sheet, chart: RowChart, axis: Axis, place: _Place) -> None:
    """Axis, light grid, model headings, and what lies behind the rows."""
    top, bottom = _top(chart), place.bottom + 4
    chart.behind(sheet, axis, top, bottom)
    ticks = [axis.pixel(tick.value) for tick in axis.ticks]
    sheet.lines([[(x, top), (x, bottom)] for x in ticks], colour=FAINT, width=0.8)
    sheet.lines([[(axis.start, bottom), (axis.end, bottom)]], colour=MUTED, width=0.8)
    for tick, x in zip(axis.ticks, ticks, strict=True):
        for y in (bottom + 12, top - 9) if _is_long(chart) else (bottom + 12,):
            sheet.text(x, y, tick.label, colour=MUTED, size=SMALL_PX, align="center")
    sheet.text(
        (axis.start + axis.end) / 2,
        bottom + 30,
        chart.caption,
        colour=MUTED,
        size=SMALL_PX,
        align="center",
    )
    left, right = chart.heading
    sheet.text(axis.start, 9, left, colour=MUTED, size=SMALL_PX)
    sheet.text(axis.end, 9, right, colour=MUTED, size=SMALL_PX, align="right")
    for y, words in place.models:
        sheet.text(0, y, shortened(words, 36), size=TEXT_PX + 1, bold=True)


def _is_long(chart: RowChart) -> bool:
    """Whether the axis below is out of sight from the first row."""
    return len(chart.rows) > _LONG_ROWS


def _top(chart: RowChart) -> float:
    """Where the rows begin, below the headings and the ticks if they are there."""
    return 38.0 if _is_long(chart) else 22.0


def _width(words: str) -> float:
    """No less than what they take in any common font."""
    return sum(8.0 if letter.isascii() else 16.0 for letter in words)


def _device(sheet: Sheet, row: Row, x: float, y: float, characters: int) -> float:
    """Write its tag and name; return where they end."""
    if row.tag:
        width = sheet.tag(x + 1, y, row.tag) + 7
        x += width
        characters = max(4, characters - round(width / 8))
    name = shortened(row.device, characters)
    sheet.text(x, y, name, colour=INK)
    return x + _width(name)


def shortened(words: str, characters: int) -> str:
    """So many characters at most, cut with an ellipsis."""
    if len(words) <= characters:
        return words
    return words[: characters - 1].rstrip() + "…"
