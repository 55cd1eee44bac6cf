"""A model's table: devices and variants down, figures across, units in the header."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from pocketbench.bench.judge.summary import Cell, Comparison, Estimate
from pocketbench.bench.units import Scale, common_scale
from pocketbench.reports.tables.columns import SHOWN_FIRST, Column, Source, sources
from pocketbench.reports.text.phrases import interval_text
from pocketbench.reports.view import View


class Figure(NamedTuple):
    """One number of the table: for the eye, and unscaled for machines."""

    point: float
    low: float | None
    high: float | None
    text: str
    interval: str
    """Empty for a fact that has no spread, such as a file's size."""
    is_best: bool = False
    comparison: Comparison | None = None
    """That the number is the ratio of."""


class TableRow(NamedTuple):
    """One cell of the run."""

    cell: Cell
    figures: tuple[Figure | None, ...]
    """One per column; `None` where nothing was measured."""


class Table(NamedTuple):
    """One model's table."""

    model: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]

    @property
    def on_demand(self) -> frozenset[str]:
        """Keys of the columns that a page hides until asked for them."""
        if len(self.columns) <= len(SHOWN_FIRST):
            return frozenset()
        keys = [column.key for column in self.columns]
        return frozenset(keys[1:]) - SHOWN_FIRST


def model_table(view: View, model: str) -> Table:
    """The table of one model, devices in the summary's order, baselines first."""
    cells = [
        cell
        for device_id in view.device_ids
        for cell in view.cells_of(model, device_id)
    ]
    columns: list[Column] = []
    figures: list[list[Figure | None]] = []
    for source in sources(view, cells):
        found = [source.find(cell) for cell in cells]
        if any(value is not None for value in found):
            scale = _scale(source, found)
            name = "" if source.is_ratio else scale.name
            columns.append(source.column._replace(unit=source.column.unit or name))
            figures.append(_figures(source, scale, cells, found))
    rows = zip(*figures, strict=True) if figures else ()
    return Table(
        model,
        tuple(columns),
        tuple(TableRow(c, f) for c, f in zip(cells, rows, strict=True)),
    )


def _scale(source: Source, found: Sequence[Estimate | float | None]) -> Scale:
    points = (
        value.point if isinstance(value, Estimate) else value
        for value in found
        if value is not None
    )
    return common_scale(source.unit, points)


def _figures(
    source: Source,
    scale: Scale,
    cells: Sequence[Cell],
    found: Sequence[Estimate | float | None],
) -> list[Figure | None]:
    """The column's numbers; the best of each device is marked where it stands out."""
    figures: list[Figure | None] = []
    for cell, value in zip(cells, found, strict=True):
        if value is None:
            figures.append(None)
        elif isinstance(value, Estimate):
            figures.append(
                Figure(
                    value.point,
                    value.low,
                    value.high,
                    scale.format(value.point),
                    interval_text(value, scale),
                    comparison=source.comparison(cell),
                )
            )
        else:
            figures.append(Figure(value, None, None, scale.format(value), ""))
    if source.column.better:
        by_device: dict[str, list[int]] = {}
        for index, cell in enumerate(cells):
            by_device.setdefault(cell.device_id, []).append(index)
        for indices in by_device.values():
            present = {i: f for i in indices if (f := figures[i])}
            best = _best(present, source)
            if best is not None:
                figures[best] = present[best]._replace(is_best=True)
    return figures


def _best(figures: dict[int, Figure], source: Source) -> int | None:
    """The best of a device's variants, if its interval is clear of the next one's."""
    if len(figures) < 2:
        return None
    sign = 1.0 if source.column.better == "lower" else -1.0

    def ends(figure: Figure) -> tuple[float, float]:
        """Both ends of its interval, the better one first; one launch has no ends."""
        if figure.low is None or figure.high is None:
            reach = math.inf if figure.interval else 0.0
            return sign * figure.point - reach, sign * figure.point + reach
        both = sign * figure.low, sign * figure.high
        return min(both), max(both)

    first, *others = sorted(figures, key=lambda i: sign * figures[i].point)
    clear = all(ends(figures[first])[1] < ends(figures[i])[0] for i in others)
    return first if clear else None
