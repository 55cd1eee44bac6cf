"""Tables on a terminal: printed in parts that share their columns."""

from __future__ import annotations

from typing import NamedTuple

from rich.table import Table
from rich.text import Text

_LEAST_NAME, _LEAST_FIGURE = 16, 9
"""Columns that a terminal may make narrower."""


class Columns(NamedTuple):
    """The columns of a table that is printed in parts."""

    headings: list[str]
    widths: list[int]
    gap: int


def part(columns: Columns, rows: list[list[Text]]) -> Table:
    """The header alone, or rows alone under the name of their device."""
    table = Table(
        box=None,
        padding=(0, columns.gap, 0, 0),
        pad_edge=False,
        show_header=not rows,
    )
    for place, heading in enumerate(columns.headings):
        table.add_column(
            Text(heading),
            justify="right" if place else "left",
            vertical="bottom",
            min_width=columns.widths[place],
            max_width=columns.widths[place],
        )
    for row in rows:
        table.add_row(*row)
    return table


def fitted(headings: list[str], rows: list[list[Text]], room: int) -> Columns:
    """Widths that show every column whole, on more lines where the room is short.

    What gives way first is the gap, then the name, then the figures with an interval.
    """
    words = [max(map(len, heading.split() or [""])) for heading in headings]
    widths = [
        max(word, *(row[place].cell_len for row in rows))
        for place, word in enumerate(words)
    ]
    gaps = len(headings) - 1
    gap = 2 if sum(widths) + 2 * gaps <= room else 1
    for place, least in ((0, _LEAST_NAME), (1, _LEAST_FIGURE), (2, _LEAST_FIGURE)):
        missing = sum(widths) + gap * gaps - room
        if missing > 0:
            narrowest = min(widths[place], max(words[place], least))
            widths[place] = max(narrowest, widths[place] - missing)
    return Columns(headings, widths, gap)


class NamedRow(NamedTuple):
    """A row of one line: a device's name, which may be shortened, and figures."""

    before: str
    device: tuple[str, str]
    """The name that may be shortened, and its tag, which may not."""
    after: str
    figures: list[Text]

    def name(self, room: int) -> str:
        """All of it in so many columns; the device's name gives way."""
        label, tag = self.device
        parts = [part for part in (self.before, f"{label}{tag}", self.after) if part]
        too_long = len(" ".join(parts)) - room
        if too_long > 0:
            label = shortened(label, max(3, len(label) - too_long))
            parts = [p for p in (self.before, f"{label}{tag}", self.after) if p]
        return shortened(" ".join(parts), room)


def named_rows(headings: list[str], rows: list[NamedRow], room: int) -> list[Text]:
    """Lines of a table whose figures are whole and whose names take what is left."""
    widths = [
        max(len(heading), *(row.figures[place].cell_len for row in rows))
        for place, heading in enumerate(headings[1:])
    ]
    left = max(_LEAST_NAME, room - sum(widths) - 2 * len(widths))
    names = [row.name(left) for row in rows]
    width = max(map(len, [*names, headings[0][:left]]))
    lines = [_line(headings[0][:left], [Text(x) for x in headings[1:]], width, widths)]
    lines[0].stylize("bold")
    lines += [
        _line(name, row.figures, width, widths)
        for name, row in zip(names, rows, strict=True)
    ]
    return lines


def shortened(words: str, room: int) -> str:
    """Words in so many columns, the end left out where they are longer."""
    return words if len(words) <= room else words[: max(1, room - 1)] + "…"


def _line(name: str, figures: list[Text], width: int, widths: list[int]) -> Text:
    line = Text(name.ljust(width))
    for figure, space in zip(figures, widths, strict=True):
        line.append("  ")
        line.append_text(figure)
        line.append(" " * (space - figure.cell_len))
    line.rstrip()
    return line
