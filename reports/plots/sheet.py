"""A sheet of paper measured in pixels, drawn on with matplotlib, taken off as SVG."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Literal

from reports.plots.style import (
    INK,
    LIGHT,
    PAPER,
    RC,
    SMALL_PX,
    TAG_INK,
    TAG_PAPER,
    TAG_STRIPE,
    TEXT_PX,
)

TAG_WIDTH = 66.0
_TAG_HEIGHT = 15.0

_ELEMENT = re.compile(r"<[^>]+>")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_REFERENCE = re.compile(r'(?:xlink:href="#|url\(#)([^")]+)')
_IDENTITY = re.compile(r' id="([^"]*)"')
_STAND_IN = re.compile("|".join(LIGHT))


class Sheet:
    """Pixels from the top left corner; nothing of matplotlib is seen outside."""

    def __init__(self, width: float, height: float) -> None:
        """An empty sheet without axes or background."""
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        self.width = width
        self.height = height
        self._figure: Any = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(self._figure)
        self._figure.patch.set_visible(False)
        self._axes: Any = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(height, 0)
        self._axes.set_autoscale_on(False)
        self._order = 0

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        colour: str = INK,
        size: float = TEXT_PX,
        align: Literal["left", "center", "right"] = "left",
        bold: bool = False,
    ) -> None:
        """One line of text whose middle is at y."""
        self._axes.text(
            x,
            y + size * 0.35,
            words,
            color=colour,
            fontsize=size,
            ha=align,
            va="baseline",
            fontweight="bold" if bold else "normal",
            zorder=self._next(),
            clip_on=False,
            parse_math=False,
        )

    def tag(self, x: float, y: float, words: str) -> None:
        """The striped tag of a simulated or emulated device, its middle at y."""
        from matplotlib.patches import Rectangle

        patch = Rectangle(
            (x, y - _TAG_HEIGHT / 2),
            TAG_WIDTH,
            _TAG_HEIGHT,
            facecolor=TAG_PAPER,
            edgecolor=TAG_STRIPE,
            hatch="///",
            linewidth=0.8,
            zorder=self._next(),
            clip_on=False,
        )
        self._axes.add_patch(patch)
        self._axes.text(
            x + TAG_WIDTH / 2,
            y + (SMALL_PX - 2) * 0.35,
            words,
            color=TAG_INK,
            fontsize=SMALL_PX - 2,
            ha="center",
            va="baseline",
            fontweight="bold",
            zorder=self._next(),
            clip_on=False,
            gid="tag",
        )

    def rectangle(
        self, x: float, y: float, width: float, height: float, *, colour: str
    ) -> None:
        """A filled area without an edge."""
        from matplotlib.patches import Rectangle

        self._axes.add_patch(
            Rectangle(
                (x, y),
                width,
                height,
                facecolor=colour,
                linewidth=0,
                zorder=self._next(),
                clip_on=False,
            )
        )

    def lines(
        self,
        paths: Iterable[Sequence[tuple[float, float]]],
        *,
        colour: str,
        width: float = 1.0,
        dashed: bool = False,
        opacity: float = 1.0,
    ) -> None:
        """Open paths of one look."""
        from matplotlib.collections import LineCollection

        drawn = [path for path in paths if len(path) > 1]
        if drawn:
            self._axes.add_collection(
                LineCollection(
                    drawn,
                    colors=[colour],
                    linewidths=[width],
                    linestyles="dashed" if dashed else "solid",
                    alpha=opacity if opacity < 1 else None,
                    zorder=self._next(),
                    clip_on=False,
                ),
                autolim=False,
            )

    def marks(
        self,
        points: Sequence[tuple[float, float]],
        *,
        colour: str,
        shape: str = "o",
        size: float = 7.0,
        hollow: bool = False,
        opacity: float = 1.0,
    ) -> None:
        """Marks of one look; hollow ones are filled with the paper."""
        if not points:
            return
        self._axes.scatter(
            [x for x, _ in points],
            [y for _, y in points],
            s=size**2,
            marker=shape,
            facecolors=PAPER if hollow else colour,
            edgecolors=colour if hollow else PAPER,
            linewidths=1.6 if hollow else 0.6,
            alpha=opacity if opacity < 1 else None,
            zorder=self._next(),
            clip_on=False,
        )

    def _next(self) -> int:
        """Later is above."""
        self._order += 1
        return self._order

    def svg(
        self, name: str, *, title: str, description: str, inline: bool = True
    ) -> str:
        """The drawing as one `<svg>` element; equal drawings give equal bytes.

        Args:
            name: Unique in a page; the ids inside begin with it.
            title: For screen readers, with the description.
            description: One sentence on what is to be seen.
            inline: For a page that sets the CSS variables, or a file of its own.
        """
        import matplotlib as mpl

        out = io.StringIO()
        with mpl.rc_context(RC), warnings.catch_warnings():
            # The reader's own fonts draw the text, whatever ours lack.
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            warnings.filterwarnings("ignore", message="Matplotlib currently does not")
            self._figure.savefig(
                out,
                format="svg",
                metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
            )
        return _finished(
            out.getvalue(),
            name=name,
            title=title,
            description=description,
            size=(self.width, self.height),
            inline=inline,
        )


def _finished(
    drawn: str,
    *,
    name: str,
    title: str,
    description: str,
    size: tuple[float, float],
    inline: bool,
) -> str:
    """Make matplotlib's SVG small, its ids its own, and its colours the theme's."""
    body = drawn[drawn.index("<svg") :]
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    body = re.sub(
        r"<!--.*?-->|<style.*?</style>|<metadata>.*?</metadata>",
        "",
        body,
        flags=re.DOTALL,
    )
    used = set(_REFERENCE.findall(body))
    body = _ELEMENT.sub(lambda found: _element(found[0], name, used), body)
    for _ in range(6):
        body, emptied = re.subn(r"<(g|defs)>\s*</\1>", "", body)
        if not emptied:
            break
    body = re.sub(r">\s+<", "><", body).strip()

    def colour(found: re.Match[str]) -> str:
        variable, light = LIGHT[found[0]]
        return f"var(--{variable})" if inline else light

    width, height = (f"{side:g}" for side in size)
    body = _STAND_IN.sub(colour, body)
    space = "" if inline else ' xmlns="http://www.w3.org/2000/svg"'
    if "xlink:" in body:
        body = body.replace("xlink:href", "href")
    style = (
        ""
        if inline
        else "<style>text{font-family:system-ui,sans-serif}</style>"
        '<rect width="100%" height="100%" fill="#ffffff"/>'
    )
    return (
        f'<svg{space} role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title>'
        f'<desc id="{name}-d">{escape(description)}</desc>{style}{body}</svg>'
    )


def _element(element: str, name: str, used: set[str]) -> str:
    """One tag: shorter numbers, no font names, only the ids that are referred to."""

    def identity(found: re.Match[str]) -> str:
        if found[1] == "tag":
            return ' class="tag-words"'
        return f' id="{name}-{found[1]}"' if found[1] in used else ""

    element = _IDENTITY.sub(identity, element)
    if used:
        element = _REFERENCE.sub(
            lambda found: found[0].replace(found[1], f"{name}-{found[1]}"), element
        )
    element = re.sub(r" font-family: [^;\"]*(?:'[^']*'[^;\"]*)*;", "", element)
    element = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", element)
    element = re.sub(r' ?clip-path="[^"]*"', "", element)
    element = _LONG_NUMBER.sub(
        lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), element
    )
    return re.sub(r"\s*\n\s*", "", element)
