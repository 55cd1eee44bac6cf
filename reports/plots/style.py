"""The one style of all charts: colours, sizes, and what they become in the SVG.

Charts are drawn in stand-in colours. In a page each becomes a CSS variable, so that
light and dark need no second drawing; in a file of its own, the light theme's colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pocketbench.bench.judge.summary import Verdict

INK = "#010101"
MUTED = "#020202"
FAINT = "#030303"
BAND = "#040404"
PAPER = "#050505"
TAG_PAPER = "#060606"
TAG_STRIPE = "#070707"
TAG_INK = "#0e0e0e"
REGRESSION = "#080808"
IMPROVEMENT = "#090909"
UNCHANGED = "#0a0a0a"
BASELINE = "#0b0b0b"
SERIES = ("#0c0c01", "#0c0c02", "#0c0c03", "#0c0c04", "#0c0c05")
SERIES_TEXT = ("#0d0d01", "#0d0d02", "#0d0d03", "#0d0d04", "#0d0d05")

LIGHT: Mapping[str, tuple[str, str]] = {
    INK: ("ink", "#1b1f24"),
    MUTED: ("muted", "#5a626c"),
    FAINT: ("faint", "#d9dde2"),
    BAND: ("band", "#eceff2"),
    PAPER: ("paper", "#ffffff"),
    TAG_PAPER: ("tag-paper", "#fff4d6"),
    TAG_STRIPE: ("tag-stripe", "#f3dc9b"),
    TAG_INK: ("tag-ink", "#5c4300"),
    REGRESSION: ("regression", "#c04a00"),
    IMPROVEMENT: ("improvement", "#0068a8"),
    UNCHANGED: ("unchanged", "#6b7480"),
    BASELINE: ("baseline", "#5a626c"),
    SERIES[0]: ("series-1", "#009e73"),
    SERIES[1]: ("series-2", "#cc79a7"),
    SERIES[2]: ("series-3", "#e69f00"),
    SERIES[3]: ("series-4", "#56b4e9"),
    SERIES[4]: ("series-5", "#8f7ad1"),
    SERIES_TEXT[0]: ("series-1-text", "#00724f"),
    SERIES_TEXT[1]: ("series-2-text", "#9c4675"),
    SERIES_TEXT[2]: ("series-3-text", "#8a5f00"),
    SERIES_TEXT[3]: ("series-4-text", "#1f6f9f"),
    SERIES_TEXT[4]: ("series-5-text", "#5f4aa8"),
}
"""Stand-in: (name of the CSS variable, colour in a file of its own).

The series are Okabe and Ito's colours without their blue and vermillion, which mean
improvement and regression here; text in a series' colour is a darker shade of it.
"""

VERDICT_COLOURS = {
    Verdict.REGRESSION: INK,
    Verdict.IMPROVEMENT: IMPROVEMENT,
    Verdict.NO_CHANGE: UNCHANGED,
    Verdict.INCONCLUSIVE: UNCHANGED,
}
"""Slower than its baseline within a run is no alarm: REGRESSION is for those."""
VERDICT_MARKERS = {
    Verdict.REGRESSION: "^",
    Verdict.IMPROVEMENT: "v",
    Verdict.NO_CHANGE: "o",
    Verdict.INCONCLUSIVE: "o",
}

WIDE_PX = 1112
PANEL_PX = 336
TEXT_PX = 12.5
SMALL_PX = 11.0

RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pocketbench",
    "hatch.linewidth": 2.0,
    "path.simplify": False,
    "path.sketch": None,
    "path.effects": [],
    "lines.solid_capstyle": "butt",
}


class Colour(NamedTuple):
    """A variant's colour for marks and, dark enough to read, for text."""

    mark: str
    text: str


def variant_colours(
    variant_ids: Sequence[str], baselines: set[str]
) -> dict[str, Colour]:
    """The same colour for a variant in every chart: neutral for baselines."""
    found = {}
    number = 0
    for variant_id in variant_ids:
        if variant_id in baselines:
            found[variant_id] = Colour(BASELINE, MUTED)
        else:
            place = number % len(SERIES)
            found[variant_id] = Colour(SERIES[place], SERIES_TEXT[place])
            number += 1
    return found


def css_variable(stand_in: str) -> str:
    """`series-1` of a stand-in colour, for marks made in HTML."""
    return LIGHT[stand_in][0]
