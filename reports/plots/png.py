"""A drawing as pixels: the light theme in matplotlib's own font."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from pocketbench.reports.plots.style import LIGHT, PAPER, RC
from pocketbench.reports.plots.svg import Draw, Words, drawn_figure

PIXEL_RATIO = 2


def drawn_png(draw: Draw, words: Sequence[Words], width: float, height: float) -> bytes:
    """Draw the marks with matplotlib, add the words, and take it off as pixels.

    The bytes are the same for the same drawing and matplotlib.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    out = io.BytesIO()
    with mpl.rc_context({**RC, "font.family": "DejaVu Sans"}):
        figure = drawn_figure(draw, width, height, PIXEL_RATIO)
        figure.patch.set_facecolor(LIGHT[PAPER][1])
        for artist in figure.artists:
            _colour(artist)
        for word in words:
            figure.text(
                word.x / width,
                1 - word.y / height,
                # A dollar sign would begin mathematics.
                word.words.replace("$", r"\$"),
                color=_light(word.colour),
                fontsize=word.size * 0.9,
                ha=word.align,
                va="baseline",
                fontweight="bold" if word.bold else "normal",
            )
        FigureCanvasAgg(figure).print_png(out, metadata={"Software": None})
    return out.getvalue()


def _colour(artist: Any) -> None:
    """Give a mark the light theme's colours for its stand-in ones."""
    from matplotlib.collections import Collection
    from matplotlib.colors import to_hex

    if isinstance(artist, Collection):
        for kind in ("facecolor", "edgecolor"):
            shown = [
                _light(to_hex(colour)) for colour in getattr(artist, f"get_{kind}")()
            ]
            if shown:
                getattr(artist, f"set_{kind}")(shown)
        return
    artist.set_facecolor(_light(to_hex(artist.get_facecolor())))
    artist.set_edgecolor(_light(to_hex(artist.get_edgecolor())))


def _light(stand_in: str) -> str:
    return LIGHT[stand_in][1] if stand_in in LIGHT else stand_in
