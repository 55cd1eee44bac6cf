"""Paired bars: what each kind of operator takes in the baseline and the candidate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from pocketbench.bench.judge.operators import OperatorTable
from pocketbench.bench.units import Scale, common_scale
from pocketbench.reports.plots.axis import linear_axis
from pocketbench.reports.plots.rows import shortened
from pocketbench.reports.plots.sheet import Sheet
from pocketbench.reports.plots.style import (
    FAINT,
    INK,
    MUTED,
    PANEL_PX,
    REGRESSION,
    SMALL_PX,
    Colour,
)

MOST_KINDS = 8
_ROW_PX = 43.0
_BAR_PX = 8.0
_TOP_PX = 26.0
_FOOT_PX = 30.0
_END_PX = PANEL_PX - 8.0


class _Bar(NamedTuple):
    time_ns: float = 0.0
    fallback_ns: float = 0.0


class _Kind(NamedTuple):
    name: str
    bars: tuple[_Bar, ...]
    """The baseline's first."""

    @property
    def difference_ns(self) -> float:
        return abs(self.bars[-1].time_ns - self.bars[0].time_ns)


def operator_chart(
    baseline: OperatorTable | None,
    candidate: OperatorTable,
    colours: dict[str, Colour],
    *,
    where: str,
    name: str,
) -> str:
    """Draw the kinds of operators, those that differ most first.

    Args:
        baseline: `None`: the candidate alone, the slowest kinds first.
        candidate: The variant that the chart is about.
        colours: Of variants.
        where: Model and device, for readers of the title.
        name: Unique in a page.
    """
    tables = [candidate] if baseline is None else [baseline, candidate]
    kinds = _kinds(tables)
    scale = common_scale("ns", [max(table.time_ns for table in tables)])
    longest = max(bar.time_ns for kind in kinds for bar in kind.bars) or 1.0
    sheet = Sheet(PANEL_PX, _TOP_PX + len(kinds) * _ROW_PX + _FOOT_PX)
    axis = linear_axis(0.0, longest, scale.size, 0.0, _END_PX)
    bottom = _TOP_PX + len(kinds) * _ROW_PX
    places = [axis.pixel(tick.value) for tick in axis.ticks]
    sheet.lines([[(x, _TOP_PX), (x, bottom)] for x in places], colour=FAINT, width=0.8)
    for tick, x in zip(axis.ticks, places, strict=True):
        # Held within the sheet, whose left edge is 0.
        middle = min(max(x, 3.5 * len(tick.label)), _END_PX)
        sheet.text(
            middle, bottom + 9, tick.label, colour=MUTED, size=SMALL_PX, align="center"
        )
    sheet.text(
        _END_PX,
        bottom + 23,
        f"of an inference, {scale.name}",
        colour=MUTED,
        size=SMALL_PX,
        align="right",
    )
    _heading(sheet, tables, colours)
    for place, kind in enumerate(kinds):
        y = _TOP_PX + place * _ROW_PX
        _label(sheet, kind, scale, y)
        for number, (bar, table) in enumerate(zip(kind.bars, tables, strict=True)):
            top = y + 19 + number * (_BAR_PX + 2)
            width = axis.pixel(bar.time_ns)
            colour = colours[table.variant_id].mark
            if bar.time_ns:
                sheet.rectangle(0, top, max(width, 1.0), _BAR_PX, colour=colour)
            if bar.fallback_ns:
                end = max(axis.pixel(bar.fallback_ns), 3.0)
                middle = top + _BAR_PX / 2
                sheet.lines([[(0, middle), (end, middle)]], colour=REGRESSION, width=3)
    return sheet.svg(
        name,
        title=f"{where}: operators of {' and '.join(t.variant_id for t in tables)}",
        description="; ".join(_said(kind, scale) for kind in kinds) + ".",
    )


def _heading(
    sheet: Sheet, tables: Sequence[OperatorTable], colours: dict[str, Colour]
) -> None:
    for place, table in enumerate(tables):
        x = 0.0 if place == 0 else _END_PX
        sheet.text(
            x,
            9,
            shortened(table.variant_id, 24),
            colour=colours[table.variant_id].text,
            size=SMALL_PX,
            align="left" if place == 0 else "right",
            bold=True,
        )


def _label(sheet: Sheet, kind: _Kind, scale: Scale, y: float) -> None:
    fell_back = any(bar.fallback_ns for bar in kind.bars)
    values = " → ".join(scale.format(bar.time_ns) for bar in kind.bars)
    sheet.text(0, y + 10, shortened(kind.name, 30), colour=INK, size=SMALL_PX)
    sheet.text(_END_PX, y + 10, values, colour=MUTED, size=SMALL_PX, align="right")
    if fell_back:
        x = 8.0 + 5.9 * len(shortened(kind.name, 30))
        sheet.text(x, y + 10, "fell back", colour=REGRESSION, size=SMALL_PX, bold=True)


def _said(kind: _Kind, scale: Scale) -> str:
    values = " against ".join(
        f"{scale.format(bar.time_ns)} {scale.name}" for bar in kind.bars
    )
    fell_back = any(bar.fallback_ns for bar in kind.bars)
    return f"{kind.name} {values}{', fell back' if fell_back else ''}"


def _kinds(tables: Sequence[OperatorTable]) -> list[_Kind]:
    """What differs most first; what is left is one more, so that nothing is lost."""
    summed: defaultdict[str, list[_Bar]] = defaultdict(lambda: [_Bar()] * len(tables))
    for place, table in enumerate(tables):
        for cost in table.operators:
            bar = summed[cost.kind][place]
            fallback_ns = cost.time_ns if cost.fallback else 0.0
            summed[cost.kind][place] = _Bar(
                bar.time_ns + cost.time_ns, bar.fallback_ns + fallback_ns
            )
    kinds = [_Kind(name, tuple(bars)) for name, bars in summed.items()]
    if len(tables) == 1:
        kinds.sort(key=lambda kind: (-kind.bars[0].time_ns, kind.name))
    else:
        kinds.sort(key=lambda kind: (-kind.difference_ns, kind.name))
    if len(kinds) <= MOST_KINDS:
        return kinds
    shown, rest = kinds[: MOST_KINDS - 1], kinds[MOST_KINDS - 1 :]
    together = tuple(
        _Bar(sum(bar.time_ns for bar in bars), sum(bar.fallback_ns for bar in bars))
        for bars in zip(*(kind.bars for kind in rest), strict=True)
    )
    return [*shown, _Kind(f"{len(rest)} other kinds", together)]
