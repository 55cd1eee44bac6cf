"""A sheet of paper measured in pixels, drawn on with matplotlib, taken off as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from pocketbench.reports.plots.second_process import chart
from pocketbench.reports.plots.style import (
    INK,
    PAPER,
    SMALL_PX,
    TAG_INK,
    TAG_PAPER,
    TAG_STRIPE,
    TEXT_PX,
)
from pocketbench.reports.plots.svg import Drawing, Words

_TAG_HEIGHT = 15.0

Points = list[tuple[float, float]]


class _LineLook(NamedTuple):
    colour: str
    width: float
    opacity: float


class _MarkLook(NamedTuple):
    colour: str
    shape: str
    size: float
    hollow: bool
    opacity: float


class Sheet:
    """Pixels from the top left corner; nothing of matplotlib is seen outside.

    Marks and lines of one look are gathered and drawn together, in the order in which
    the looks came first: a chart of a thousand rows is a handful of collections. Words
    are written by us, above everything: the reader's fonts are not known here.
    """

    def __init__(self, width: float, height: float) -> None:
        """An empty sheet."""
        self.width = width
        self.height = height
        self._words: list[Words] = []
        self._tags: list[tuple[float, float, float]] = []
        self._areas: list[tuple[str, tuple[float, float, float, float]]] = []
        self._gathered: dict[_LineLook | _MarkLook, list[Any]] = {}

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
        self._words.append(Words(x, y + size * 0.35, words, colour, size, align, bold))

    def tag(self, x: float, y: float, words: str) -> float:
        """The striped tag of a simulated or emulated device, its middle at y.

        Returns:
            Its width, for capitals of this size in any common font.
        """
        size = SMALL_PX - 2
        width = 7.0 + len(words) * size * 0.73
        self._tags.append((x, y - _TAG_HEIGHT / 2, width))
        self._words.append(
            Words(
                x + width / 2,
                y + size * 0.35,
                words,
                TAG_INK,
                size,
                "center",
                bold=True,
                style_class="tag-words",
            )
        )
        return width

    def rectangle(
        self, x: float, y: float, width: float, height: float, *, colour: str
    ) -> None:
        """A filled area without an edge, below lines and marks."""
        self._areas.append((colour, (x, y, width, height)))

    def lines(
        self,
        paths: Iterable[Sequence[tuple[float, float]]],
        *,
        colour: str,
        width: float = 1.0,
        opacity: float = 1.0,
    ) -> None:
        """Open paths of one look."""
        look = _LineLook(colour, width, opacity)
        self._gathered.setdefault(look, []).extend(p for p in paths if len(p) > 1)

    def marks(
        self,
        points: Iterable[tuple[float, float]],
        *,
        colour: str,
        shape: str = "o",
        size: float = 7.0,
        hollow: bool = False,
        opacity: float = 1.0,
    ) -> None:
        """Marks of one look; hollow ones are filled with the paper."""
        look = _MarkLook(colour, shape, size, hollow, opacity)
        self._gathered.setdefault(look, []).extend(points)

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
        return chart(
            self._draw,
            self._words,
            Drawing(name, title, description, self.width, self.height, inline),
        )

    def png(self) -> bytes:
        """The drawing as pixels, in the light theme."""
        from pocketbench.reports.plots.png import drawn_png

        return drawn_png(self._draw, self._words, self.width, self.height)

    def _draw(self, to_figure: Any) -> Iterator[Any]:
        """Everything but the words, as matplotlib's artists."""
        from matplotlib.collections import LineCollection
        from matplotlib.patches import Rectangle

        for colour, (x, y, width, height) in self._areas:
            yield Rectangle(
                (x, y), width, height, fc=colour, linewidth=0, transform=to_figure
            )
        order = 2
        for look, drawn in self._gathered.items():
            order += 1
            shown: dict[str, Any] = {"zorder": order}
            if look.opacity < 1:
                shown["alpha"] = look.opacity
            if isinstance(look, _LineLook) and drawn:
                yield LineCollection(
                    drawn,
                    colors=[look.colour],
                    linewidths=[look.width],
                    transform=to_figure,
                    **shown,
                )
            elif isinstance(look, _MarkLook) and drawn:
                yield _marks(look, drawn, to_figure, shown)
        for x, y, width in self._tags:
            yield Rectangle(
                (x, y),
                width,
                _TAG_HEIGHT,
                facecolor=TAG_PAPER,
                edgecolor=TAG_STRIPE,
                hatch="///",
                linewidth=0.8,
                zorder=order + 1,
                transform=to_figure,
            )


def _marks(
    look: _MarkLook, points: Points, to_figure: Any, shown: dict[str, Any]
) -> Any:
    from matplotlib.collections import PathCollection
    from matplotlib.markers import MarkerStyle
    from matplotlib.transforms import IdentityTransform

    style = MarkerStyle(look.shape)
    marks = PathCollection(
        [style.get_path().transformed(style.get_transform())],
        [look.size**2],
        offsets=points,
        offset_transform=to_figure,
        facecolors=PAPER if look.hollow else look.colour,
        edgecolors=look.colour if look.hollow else PAPER,
        linewidths=1.6 if look.hollow else 0.6,
        **shown,
    )
    # Its size does not follow the sheet's.
    marks.set_transform(IdentityTransform())
    return marks
