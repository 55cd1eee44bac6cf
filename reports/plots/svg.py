"""From matplotlib's SVG to one that is small, themed, and always of the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Literal, NamedTuple

from pocketbench.reports.plots.style import LIGHT, RC

_ANCHORS = {
    "left": "",
    "center": ' text-anchor="middle"',
    "right": ' text-anchor="end"',
}
_ELEMENT = re.compile(r"<[^>]+>")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_REFERENCE = re.compile(r'(?:xlink:href="#|url\(#)([^")]+)')
_IDENTITY = re.compile(r' id="([^"]*)"')
_UNUSED = re.compile(
    r"<!--.*?-->|<style.*?</style>|<metadata>.*?</metadata>", re.DOTALL
)
_NOTHING = re.compile(r"<(g|defs)>\s*</\1>")
_GROUP_OF_USES = re.compile(r"<g>((?:\s*<use [^>]*/>)+)\s*</g>")
_USE_STYLE = re.compile(r' style="[^"]*"')
_STAND_IN = re.compile("|".join(LIGHT))


class Words(NamedTuple):
    """One line of text and where its baseline begins, is centred or ends."""

    x: float
    y: float
    words: str
    colour: str
    size: float
    align: Literal["left", "center", "right"]
    bold: bool
    style_class: str = ""


class Drawing(NamedTuple):
    """What a drawing is called and how large it is."""

    name: str
    title: str
    description: str
    width: float
    height: float
    inline: bool


def drawn_svg(
    draw: Callable[[Any], None], words: Sequence[Words], drawing: Drawing
) -> str:
    """Let `draw` put its marks on matplotlib's axes; finish them, and add the words."""
    body = _smaller(_body(_rendered(draw, drawing)), drawing.name)
    body += "".join(_word(word) for word in words)
    return _framed(_coloured(body, inline=drawing.inline), drawing)


def _rendered(draw: Callable[[Any], None], drawing: Drawing) -> str:
    """Matplotlib's own SVG of axes that are pixels, without a background."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    out = io.StringIO()
    with mpl.rc_context(RC):
        figure = Figure(figsize=(drawing.width / 72, drawing.height / 72), dpi=72)
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, drawing.width)
        axes.set_ylim(drawing.height, 0)
        axes.set_autoscale_on(False)
        draw(axes)
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=nothing)
    return out.getvalue()


def _body(rendered: str) -> str:
    start = rendered.index("<svg")
    return rendered[rendered.index(">", start) + 1 : rendered.rindex("</svg>")]


def _smaller(body: str, name: str) -> str:
    """Shorter numbers, ids of its own, and one style for marks of one look."""
    body = _UNUSED.sub("", body)
    used = set(_REFERENCE.findall(body))
    body = _ELEMENT.sub(lambda found: _element(found[0], name, used), body)
    body = _GROUP_OF_USES.sub(_styled_once, body)
    emptied = 1
    while emptied:
        body, emptied = _NOTHING.subn("", body)
    return re.sub(r">\s+<", "><", body).strip()


def _element(element: str, name: str, used: set[str]) -> str:
    """One tag with only the ids that are referred to, and those its drawing's own."""

    def identity(found: re.Match[str]) -> str:
        return f' id="{name}-{found[1]}"' if found[1] in used else ""

    if " id=" in element:
        element = _IDENTITY.sub(identity, element)
    if "#" in element:
        element = _REFERENCE.sub(
            lambda found: found[0].replace(found[1], f"{name}-{found[1]}"), element
        )
        element = element.replace("xlink:href", "href")
    element = _LONG_NUMBER.sub(_shorter, element)
    return element.replace(" \n", " ").replace("\n", "")


def _shorter(found: re.Match[str]) -> str:
    return f"{float(found[0]):.1f}".removesuffix(".0")


def _styled_once(found: re.Match[str]) -> str:
    """Marks that share a style, with the style on their group."""
    styles = set(_USE_STYLE.findall(found[1]))
    if len(styles) != 1:
        return found[0]
    return f"<g{styles.pop()}>{_USE_STYLE.sub('', found[1])}</g>"


def _word(word: Words) -> str:
    bold = ' font-weight="600"' if word.bold else ""
    style_class = f' class="{word.style_class}"' if word.style_class else ""
    return (
        f'<text x="{word.x:.5g}" y="{word.y:.6g}" font-size="{word.size:g}" '
        f'fill="{word.colour}"{_ANCHORS[word.align]}{bold}{style_class}>'
        f"{escape(word.words, quote=False)}</text>"
    )


def _coloured(body: str, *, inline: bool) -> str:
    """Stand-in colours become the page's variables, or the light theme's colours."""

    def colour(found: re.Match[str]) -> str:
        variable, light = LIGHT[found[0]]
        return f"var(--{variable})" if inline else light

    return _STAND_IN.sub(colour, body)


def _framed(body: str, drawing: Drawing) -> str:
    name, size = drawing.name, (drawing.width, drawing.height)
    width, height = (f"{side:g}" for side in size)
    space, paper = "", ""
    if not drawing.inline:
        space = ' xmlns="http://www.w3.org/2000/svg" font-family="system-ui,sans-serif"'
        paper = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return (
        f'<svg{space} role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(drawing.title)}</title>'
        f'<desc id="{name}-d">{escape(drawing.description)}</desc>{paper}{body}</svg>'
    )
