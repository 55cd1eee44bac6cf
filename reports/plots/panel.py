"""The frame of a small chart; several stand side by side, on a phone below another."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.reports.plots.axis import Axis
from pocketbench.reports.plots.sheet import Sheet
from pocketbench.reports.plots.style import FAINT, MUTED, SMALL_PX


def frame(
    sheet: Sheet,
    across: Axis,
    up: Axis,
    *,
    across_caption: str,
    up_caption: str,
    foot: float | None = None,
) -> None:
    """Draw the axes of a panel: thin, no box, light lines across the value axis.

    Args:
        sheet: What to draw on.
        across: The horizontal axis.
        up: The value axis.
        across_caption: Said below the horizontal axis.
        up_caption: Said above the value axis.
        foot: Where the horizontal axis is labelled, if something stands between.
    """
    below = up.start if foot is None else foot
    heights = [up.pixel(tick.value) for tick in up.ticks]
    sheet.lines(
        [[(across.start, y), (across.end, y)] for y in heights], colour=FAINT, width=0.8
    )
    for tick, y in zip(up.ticks, heights, strict=True):
        sheet.text(
            across.start - 6, y, tick.label, colour=MUTED, size=SMALL_PX, align="right"
        )
    sheet.lines(
        [[(across.start, up.start), (across.end, up.start)]], colour=MUTED, width=0.8
    )
    for tick in across.ticks:
        sheet.text(
            across.pixel(tick.value),
            below + 12,
            tick.label,
            colour=MUTED,
            size=SMALL_PX,
            align="center",
        )
    sheet.text(
        across.end,
        below + 27,
        across_caption,
        colour=MUTED,
        size=SMALL_PX,
        align="right",
    )
    sheet.text(0, 8, up_caption, colour=MUTED, size=SMALL_PX)


def spread_out(places: Sequence[float], gap: float) -> list[float]:
    """Heights of labels moved apart until none overlaps, in the order given.

    >>> spread_out([10, 12, 40], 8)
    [7.0, 15.0, 40.0]
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    groups: list[tuple[float, list[int]]] = []
    for index in order:
        groups.append((float(places[index]), [index]))
        while len(groups) > 1:
            (above, upper), (below, lower) = groups[-2:]
            if (below - (len(lower) - 1) * gap / 2) - (
                above + (len(upper) - 1) * gap / 2
            ) >= gap:
                break
            members = upper + lower
            middle = (above * len(upper) + below * len(lower)) / len(members)
            groups[-2:] = [(middle, members)]
    found = [0.0] * len(places)
    for middle, members in groups:
        for place, index in enumerate(members):
            found[index] = middle + (place - (len(members) - 1) / 2) * gap
    return found
