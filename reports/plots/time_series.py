"""One long launch: latency, clock and temperature below one another, on one time."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.bench.judge.time_series import SustainedCell
from pocketbench.bench.units import Scale, common_scale, cpu_words, significant
from pocketbench.reports.plots.axis import Axis, linear_axis, value_axis
from pocketbench.reports.plots.sheet import Points, Sheet
from pocketbench.reports.plots.style import (
    BAND,
    FAINT,
    INK,
    MUTED,
    REGRESSION,
    SMALL_PX,
    UNCHANGED,
    WIDE_PX,
    Colour,
)

_LEFT = 46.0
_RIGHT_PX = 132.0
_LATENCY_PX, _STATE_PX = 150.0, 72.0
_CAPTION_PX, _GAP_PX, _FOOT_PX = 20.0, 16.0, 34.0
_LEAST_PX = 1.0
_MOST_MARKS = 40
_WORDS_PX = 104.0
_CLOCK = Scale(1e6, "GHz")


def sustained_chart(
    cell: SustainedCell,
    colour: Colour,
    *,
    where: str,
    name: str,
    inline: bool = True,
) -> str:
    """Draw one variant on one device.

    Args:
        cell: At least one slice of it.
        colour: The variant's.
        where: Model, variant and device in words.
        name: Unique in a page.
        inline: For a page, or a file of its own.
    """
    panels = 1 + bool(_clocks(cell)) + bool(_temperatures(cell))
    height = _LATENCY_PX + (panels - 1) * (_STATE_PX + _GAP_PX)
    height += panels * _CAPTION_PX + _FOOT_PX
    sheet = Sheet(WIDE_PX, height)
    unit = Scale(60.0, "minutes") if cell.duration_s >= 180 else Scale(1.0, "seconds")
    across = linear_axis(0, cell.duration_s, unit.size, _LEFT, WIDE_PX - _RIGHT_PX)
    bottom = _latency(sheet, cell, across, colour)
    for draw in (_clock, _temperature):
        bottom = draw(sheet, cell, across, bottom)
    for tick in across.ticks:
        x = across.pixel(tick.value)
        sheet.text(
            x, bottom + 12, tick.label, colour=MUTED, size=SMALL_PX, align="center"
        )
    sheet.text(
        across.end,
        bottom + 27,
        f"{unit.name} since the first timed iteration",
        colour=MUTED,
        size=SMALL_PX,
        align="right",
    )
    _slowed_down(sheet, cell, across, bottom)
    return sheet.svg(
        name,
        title=f"{where}: {cell.duration_s:.0f} s of one process",
        description=_described(cell),
        inline=inline,
    )


def _described(cell: SustainedCell) -> str:
    first, last = cell.shown(cell.first_ns), cell.shown(cell.last_ns)
    scale = common_scale(cell.unit, [first, last])
    return (
        f"Median {_what(cell)} {scale.format(first)} {scale.name} in the first "
        f"{cell.window_s:.3g} s and {scale.format(last)} {scale.name} in the "
        f"last, with clock and temperature at {len(cell.states)} moments."
    )


def _what(cell: SustainedCell) -> str:
    return "decode speed" if cell.is_generation else "latency"


def _latency(sheet: Sheet, cell: SustainedCell, across: Axis, colour: Colour) -> float:
    ends = [v for s in cell.slices for v in (s.low_ns, s.high_ns)]
    values = [cell.shown(v) for v in (*ends, cell.first_ns, cell.last_ns)]
    scale = common_scale(cell.unit, values)
    bottom = _CAPTION_PX + _LATENCY_PX
    up = value_axis(values, scale.size, bottom, _CAPTION_PX + 8)
    length_s = cell.slices[0].length_s
    caption = (
        f"{_what(cell)}, {scale.name}: median of each {length_s:.2g} s; bars: 10th to "
        f"90th percentile of its {'tokens' if cell.is_generation else 'iterations'}"
    )
    windows = (
        (0.0, cell.window_s, cell.shown(cell.first_ns)),
        (
            cell.duration_s - cell.window_s,
            cell.duration_s,
            cell.shown(cell.last_ns),
        ),
    )
    for start_s, end_s, _ in windows:
        x = across.pixel(start_s)
        sheet.rectangle(
            x, up.end, across.pixel(end_s) - x, up.start - up.end, colour=BAND
        )
    _frame(sheet, across, up, caption)
    width = across.pixel(length_s) - across.start
    middles = [across.pixel(s.start_s + s.length_s / 2) for s in cell.slices]
    sheet.lines(
        [
            [(x, up.pixel(cell.shown(ns))) for ns in (s.low_ns, s.high_ns)]
            for x, s in zip(middles, cell.slices, strict=True)
        ],
        colour=colour.mark,
        width=max(_LEAST_PX, width * 0.7),
        opacity=0.3,
    )
    sheet.lines(_unbroken(cell, middles, up), colour=colour.mark, width=1.6)
    for start_s, end_s, value in windows:
        y = up.pixel(value)
        sheet.lines(
            [[(across.pixel(start_s), y), (across.pixel(end_s), y)]],
            colour=INK,
            width=2.0,
        )
    _windows_said(sheet, cell, across, up, scale)
    return bottom


def _unbroken(cell: SustainedCell, middles: Sequence[float], up: Axis) -> list[Points]:
    """The line of medians, broken where a part of the time has no iteration."""
    lines: list[Points] = [[]]
    for x, part, before in zip(
        middles, cell.slices, [None, *cell.slices[:-1]], strict=True
    ):
        if before and part.start_s - before.start_s > 1.5 * part.length_s:
            lines.append([])
        lines[-1].append((x, up.pixel(cell.shown(part.median_ns))))
    return lines


def _windows_said(
    sheet: Sheet, cell: SustainedCell, across: Axis, up: Axis, scale: Scale
) -> None:
    """The two medians and their ratio, beside the chart."""
    name = "minute" if cell.window_s == 60 else f"{significant(cell.window_s, 2)} s"
    lines = (
        (f"first {name}: {scale.format(cell.shown(cell.first_ns))}", False),
        (f"last {name}: {scale.format(cell.shown(cell.last_ns))}", False),
        (f"{significant(cell.shown_ratio)} times", True),
    )
    for number, (words, bold) in enumerate(lines):
        sheet.text(across.end + 12, up.end + 8 + 17 * number, words, bold=bold)


def _clocks(cell: SustainedCell) -> list[int]:
    return [
        khz
        for state in cell.states
        for khz in (state.frequency_khz, state.max_frequency_khz)
        if khz
    ]


def _clock(sheet: Sheet, cell: SustainedCell, across: Axis, top: float) -> float:
    values = _clocks(cell)
    if not values:
        return top
    top += _GAP_PX + _CAPTION_PX
    up = value_axis([float(v) for v in values], _CLOCK.size, top + _STATE_PX, top + 6)
    cores = cpu_words(cell.clock_cpus)
    which = "pinned" if cell.is_pinned else "busiest"
    _frame(
        sheet,
        across,
        up,
        f"clock of the {which} cores ({cores}), GHz; grey: its cap",
    )
    caps = [(s.at_s, s.max_frequency_khz) for s in cell.states if s.max_frequency_khz]
    now = [(s.at_s, s.frequency_khz) for s in cell.states if s.frequency_khz]
    _stepped(sheet, across, up, caps, UNCHANGED, width=3.0, opacity=0.45)
    _stepped(sheet, across, up, now, INK, width=1.4, opacity=1.0)
    return top + _STATE_PX


def _stepped(
    sheet: Sheet,
    across: Axis,
    up: Axis,
    points: Sequence[tuple[float, int]],
    colour: str,
    *,
    width: float,
    opacity: float,
) -> None:
    """A value holds, as far as anybody knows, until the next one is read."""
    line: Points = []
    ends_s = [*(at_s for at_s, _ in points[1:]), across.high]
    for (at_s, value), end_s in zip(points, ends_s, strict=bool(points)):
        y = up.pixel(value)
        line += [(across.held(at_s), y), (across.held(end_s), y)]
    sheet.lines([line], colour=colour, width=width, opacity=opacity)
    if width < 2 and len(points) <= _MOST_MARKS:
        marks = [(across.held(at_s), up.pixel(value)) for at_s, value in points]
        sheet.marks(marks, colour=colour, size=3.5)


def _temperatures(cell: SustainedCell) -> list[tuple[float, float]]:
    return [
        (state.at_s, state.temperature_c)
        for state in cell.states
        if state.temperature_c is not None
    ]


def _temperature(sheet: Sheet, cell: SustainedCell, across: Axis, top: float) -> float:
    points = _temperatures(cell)
    if not points:
        return top
    top += _GAP_PX + _CAPTION_PX
    values = [value for _, value in points]
    if cell.temperature_before_c is not None:
        values.append(cell.temperature_before_c)
    low, high = min(values), max(values)
    room = max(0.5, (high - low) * 0.08)
    up = linear_axis(low - room, high + room, 1, top + _STATE_PX, top + 6)
    _frame(sheet, across, up, f"{cell.temperature_kind} temperature, C")
    line = [(across.held(at_s), up.pixel(value)) for at_s, value in points]
    if cell.temperature_before_c is not None:
        line.insert(0, (across.start, up.pixel(cell.temperature_before_c)))
    sheet.lines([line], colour=INK, width=1.4)
    if len(line) <= _MOST_MARKS:
        sheet.marks(line, colour=INK, size=3.5)
    return top + _STATE_PX


def _slowed_down(
    sheet: Sheet, cell: SustainedCell, across: Axis, bottom: float
) -> None:
    """A rule through all panels from where the device says that it throttles."""
    if cell.slowed_down_at_s is None:
        return
    x = across.held(cell.slowed_down_at_s)
    sheet.lines([[(x, _CAPTION_PX + 4), (x, bottom)]], colour=REGRESSION, width=1.2)
    # Latency is low before and high after it: what it says stands where there is room.
    is_before = x - across.start > _WORDS_PX
    sheet.text(
        x - 5 if is_before else x + 5,
        _CAPTION_PX + (18 if is_before else _LATENCY_PX - 10),
        "throttles, it says",
        colour=REGRESSION,
        size=SMALL_PX,
        align="right" if is_before else "left",
    )


def _frame(sheet: Sheet, across: Axis, up: Axis, caption: str) -> None:
    """Thin axis, light lines across the value axis, the caption above."""
    for tick in up.ticks:
        y = up.pixel(tick.value)
        sheet.lines([[(across.start, y), (across.end, y)]], colour=FAINT, width=0.8)
        sheet.text(
            across.start - 6, y, tick.label, colour=MUTED, size=SMALL_PX, align="right"
        )
    sheet.lines(
        [[(across.start, up.start), (across.end, up.start)]], colour=MUTED, width=0.8
    )
    sheet.text(0, up.end - 14, caption, colour=MUTED, size=SMALL_PX)
