"""Runs of single long launches on a terminal."""

from __future__ import annotations

import itertools

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from pocketbench.reports.formats.console_table import fitted, part
from pocketbench.reports.text.sustained import sustained_row, window_names
from pocketbench.reports.view import View


def show_sustained(view: View, console: Console) -> None:
    """One row for each launch that ran for minutes, under the name of its device."""
    cells = view.summary.sustained
    first, last = window_names(cells)
    models = list(dict.fromkeys(cell.model for cell in cells))
    headings = [models[0] if len(models) == 1 else "model, variant", first, last]
    headings += ["last/first", "throttled", "temperature"]
    rows = []
    for cell in cells:
        row = sustained_row(cell)
        rows.append(
            [
                Text(
                    cell.variant_id
                    if len(models) == 1
                    else f"{cell.model} {cell.variant_id}"
                ),
                *map(Text, (row.first, row.last, row.ratio)),
                *map(Text, (row.throttled, row.temperature)),
            ]
        )
    columns = fitted(headings, rows, console.width)
    console.print(part(columns, []))
    console.print(Rule(characters="─", style="dim"))
    for device_id, found in itertools.groupby(
        zip(cells, rows, strict=True), key=lambda pair: pair[0].device_id
    ):
        console.print(Text(view.tagged(device_id), style="bold"))
        console.print(part(columns, [row for _, row in found]))
