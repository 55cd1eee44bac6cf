"""From matplotlib's SVG to one that is small, themed, and always of the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any, Literal, NamedTuple

from pocketbench.reports.plots.style import LIGHT, RC

Draw = Callable[[Any], Iterable[Any]]
"""Makes matplotlib's artists, given the transform from a sheet's pixels."""

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


def drawn_svg(draw: Draw, words: Sequence[Words], drawing: Drawing) -> str:
    """Finish the marks that matplotlib draws, and add the words."""
    body = _smaller(_body(_rendered(draw, drawing)), drawing.name)
    body += "".join(_word(word) for word in words)
    return _framed(_coloured(body, inline=drawing.inline), drawing)


def drawn_figure(draw: Draw, width: float, height: float, ratio: float = 1) -> Any:
    """Matplotlib's figure of a sheet: no axes, for the marks are placed in pixels."""
    from matplotlib.figure import Figure
    from matplotlib.transforms import Affine2D

    figure = Figure(figsize=(width / 72, height / 72), dpi=72 * ratio)
    to_figure = Affine2D().scale(ratio, -ratio).translate(0, height * ratio)
    for artist in draw(to_figure):
        figure.add_artist(artist)
    return figure


def _rendered(draw: Draw, drawing: Drawing) -> str:
    """Matplotlib's own SVG, without a background."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    out = io.StringIO()
    with mpl.rc_context(RC):
        figure = drawn_figure(draw, drawing.width, drawing.height)
        figure.patch.set_visible(False)
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(out, metadata=nothing)
    return out.getvalue()


def _body(rendered: str) -> str:
    start = rendered.index("<svg")
    return rendered[rendered.index(">", start) + 1 : rendered.rindex("</svg>")]


def _smaller(body: str, name: str) -> str:
    """Shorter numbers, ids of its own, and one style for marks of one look."""
    body = _UNUSED.sub("", body)
    used = dict.fromkeys(_REFERENCE.findall(body))
    ids = {old: f"{name}-{number}" for number, old in enumerate(used)}
    body = _ELEMENT.sub(lambda found: _element(found[0], ids), body)
    body = _GROUP_OF_USES.sub(_styled_once, body)
    emptied = 1
    while emptied:
        body, emptied = _NOTHING.subn("", body)
    return re.sub(r">\s+<", "><", body).strip()


def _element(element: str, ids: Mapping[str, str]) -> str:
    """One tag with only the ids that are referred to, and those its drawing's own."""

    def identity(found: re.Match[str]) -> str:
        return f' id="{ids[found[1]]}"' if found[1] in ids else ""

    if " id=" in element:
        element = _IDENTITY.sub(identity, element)
    if "#" in element:
        element = _REFERENCE.sub(
            lambda found: found[0].replace(found[1], ids[found[1]]), element
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
