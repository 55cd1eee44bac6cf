"""Cells over their runs: medians, spread, levels, and where the environment changed."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from pocketbench.bench.history.series import CellHistory, LevelChange, Point
from pocketbench.bench.units import common_scale
from pocketbench.reports.plots.axis import Axis, value_axis
from pocketbench.reports.plots.rows import shortened
from pocketbench.reports.plots.sheet import Sheet
from pocketbench.reports.plots.style import (
    BASELINE,
    FAINT,
    IMPROVEMENT,
    INK,
    MUTED,
    REGRESSION,
    SMALL_PX,
    UNCHANGED,
)
from pocketbench.reports.text.history import (
    STATE_WORDS,
    commit_range,
    moved,
    shared_names,
    title,
)
from pocketbench.reports.text.phrases import counted

WIDTH_PX = 820.0
PANEL_PX = 236.0
_LEFT, _RIGHT = 52.0, 16.0
_TOP, _BOTTOM = 64.0, 34.0
_ENVIRONMENT = ("OS build", "runtime", "torch")


def svg(histories: Sequence[CellHistory]) -> bytes:
    """A file of its own with one panel per cell, at least one."""
    return _drawing(histories, "history", inline=False).encode()


def inline_svg(history: CellHistory, *, name: str) -> str:
    """One cell's panel for a page."""
    return _drawing([history], name, inline=True)


def png(histories: Sequence[CellHistory]) -> bytes:
    """The same as pixels, twice as fine."""
    return _sheet(histories).png()


def _drawing(histories: Sequence[CellHistory], name: str, *, inline: bool) -> str:
    found = sum(len(history.changes) for history in histories)
    first = histories[0].series
    return _sheet(histories).svg(
        name,
        title=title(first, shared_names(histories))
        if len(histories) == 1
        else f"{counted(len(histories), 'configuration')} over their runs",
        description=f"{first.metric.title} of each run in order of time, with "
        f"{counted(found, 'change')} of level.",
        inline=inline,
    )


def _sheet(histories: Sequence[CellHistory]) -> Sheet:
    sheet = Sheet(WIDTH_PX, PANEL_PX * len(histories))
    shared = shared_names(histories)
    for number, history in enumerate(histories):
        _panel(sheet, history, PANEL_PX * number, title(history.series, shared))
    return sheet


def _panel(sheet: Sheet, history: CellHistory, top: float, heading: str) -> None:
    series = history.series
    points = series.points
    values = [v for p in points for v in (p.low, p.value, p.high) if v is not None]
    scale = common_scale(series.metric.unit, values)
    across = Axis(
        0, max(len(points) - 1, 1), _LEFT + 8, WIDTH_PX - _RIGHT, (), warp=float
    )
    up = value_axis(values, scale.size, top + PANEL_PX - _BOTTOM, top + _TOP)
    sheet.text(0, top + 10, shortened(heading, 110), bold=True)
    sheet.text(
        0,
        top + 27,
        f"{series.metric.title}, {scale.name}; bars: 95 % CI over launches"
        + ("; two speeds" if history.two_speeds else ""),
        colour=MUTED,
        size=SMALL_PX,
    )
    _frame(sheet, across, up, points)
    _environments(sheet, across, up, points)
    places = [
        (across.pixel(i), up.pixel(point.value)) for i, point in enumerate(points)
    ]
    sheet.lines(
        [
            [(x, up.pixel(p.low)), (x, up.pixel(p.high))]
            for (x, _), p in zip(places, points, strict=True)
            if p.low is not None and p.high is not None
        ],
        colour=BASELINE,
        width=2.4,
        opacity=0.3,
    )
    sheet.marks(places, colour=BASELINE, size=4.2)
    _levels(sheet, across, up, history)
    for change in history.changes:
        _change(sheet, across, up, history, change, top)


def _frame(sheet: Sheet, across: Axis, up: Axis, points: Sequence[Point]) -> None:
    for tick in up.ticks:
        y = up.pixel(tick.value)
        sheet.lines([[(_LEFT, y), (across.end, y)]], colour=FAINT, width=0.8)
        sheet.text(_LEFT - 6, y, tick.label, colour=MUTED, size=SMALL_PX, align="right")
    sheet.lines([[(_LEFT, up.start), (across.end, up.start)]], colour=MUTED, width=0.8)
    shown = sorted({0, (len(points) - 1) // 2, len(points) - 1})
    for index in shown:
        align = "left" if index == 0 else "center"
        if index == len(points) - 1 and index:
            align = "right"
        sheet.text(
            across.pixel(index),
            up.start + 13,
            f"{points[index].started_at[:10]} {shortened(points[index].version, 16)}",
            colour=MUTED,
            size=SMALL_PX,
            align=align,  # type: ignore[arg-type]
        )


def _environments(
    sheet: Sheet, across: Axis, up: Axis, points: Sequence[Point]
) -> None:
    """A labelled rule where what is compared with what ends."""
    for index, (before, after) in enumerate(itertools.pairwise(points), 1):
        if before.environment == after.environment:
            continue
        x = across.pixel(index - 0.5)
        sheet.lines([[(x, up.start), (x, up.end - 6)]], colour=MUTED, width=1.2)
        changed = [
            name
            for name, old, new in zip(
                _ENVIRONMENT, before.environment, after.environment, strict=True
            )
            if old != new
        ]
        sheet.text(
            x + 4 if x < WIDTH_PX * 0.75 else x - 4,
            up.start - 8,
            f"new {', '.join(changed)}",
            colour=MUTED,
            size=SMALL_PX,
            align="left" if x < WIDTH_PX * 0.75 else "right",
        )


def _levels(sheet: Sheet, across: Axis, up: Axis, history: CellHistory) -> None:
    """The median of each level as a step."""
    points = history.series.points
    edges = {change.index for change in history.changes}
    edges |= {
        index
        for index, (before, after) in enumerate(itertools.pairwise(points), 1)
        if before.environment != after.environment
    }
    for start, end in itertools.pairwise(sorted({0, *edges, len(points)})):
        y = up.pixel(statistics.median(p.value for p in points[start:end]))
        ends = [(across.held(start - 0.4), y), (across.held(end - 0.6), y)]
        sheet.lines([ends], colour=INK, width=1.6)


def _change(
    sheet: Sheet,
    across: Axis,
    up: Axis,
    history: CellHistory,
    change: LevelChange,
    top: float,
) -> None:
    """A triangle at the first run of the new level, and its words above."""
    series = history.series
    colour = REGRESSION if change.is_worse else IMPROVEMENT
    if change.state in ("undone", "accepted"):
        colour = UNCHANGED
    x = across.pixel(change.index)
    y = up.pixel(series.points[change.index].value)
    sheet.marks(
        [(x, y)],
        colour=colour,
        shape="^" if change.is_worse else "v",
        size=9,
        hollow=change.state == "suspect",
    )
    state = "" if change.state == "confirmed" else f", {STATE_WORDS[change.state]}"
    row = history.changes.index(change) % 2
    sheet.text(
        min(max(x, _LEFT), WIDTH_PX - _RIGHT),
        top + 41 + 12 * row,
        f"{moved(series, change)} ({commit_range(series, change)}){state}",
        colour=colour,
        size=SMALL_PX,
        align="left" if x < WIDTH_PX / 2 else "right",
    )
