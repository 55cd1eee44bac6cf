"""The charts of a large page, drawn in a process of their own beside everything else.

Loading matplotlib and drawing take a seventh of the time of a page of 1,000 cells, and
nothing else of the page waits for a chart.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import re
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextvars import ContextVar

from pocketbench.reports.plots.svg import Draw, Drawing, Words, drawn_svg

_PLACE = re.compile("\x00([0-9]+)\x00")
"""What stands in a page for a chart until it is drawn; redaction removes NUL."""


class _Charts:
    """What the second process draws, and here where that process is gone."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool
        self._asked: list[
            tuple[Future[str] | None, tuple[Draw, Sequence[Words], Drawing]]
        ] = []

    def place(self, *chart: *tuple[Draw, Sequence[Words], Drawing]) -> str:
        try:
            drawing = self._pool.submit(drawn_svg, *chart)
        except BrokenProcessPool:
            drawing = None
        self._asked.append((drawing, chart))
        return f"\x00{len(self._asked) - 1}\x00"

    def drawn(self, place: re.Match[str]) -> str:
        drawing, chart = self._asked[int(place[1])]
        with contextlib.suppress(BrokenProcessPool):
            if drawing is not None:
                return drawing.result()
        return drawn_svg(*chart)


_pool: ContextVar[ProcessPoolExecutor | None] = ContextVar("pool", default=None)
_charts: ContextVar[_Charts | None] = ContextVar("charts", default=None)


@contextlib.contextmanager
def second_process() -> Iterator[None]:
    """Have the pages that are made meanwhile draw their charts in a second process."""
    pool = ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_get_ready,
    )
    pool.submit(int)
    token = _pool.set(pool)
    try:
        yield
    finally:
        _pool.reset(token)
        pool.shutdown(cancel_futures=True)


def _get_ready() -> None:
    # Ctrl-C goes to both; the first one ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401


def chart(draw: Draw, words: Sequence[Words], drawing: Drawing) -> str:
    """A chart as SVG, or its place where the page is put together meanwhile."""
    charts = _charts.get()
    place = drawn_svg if charts is None else charts.place
    return place(draw, words, drawing)


@contextlib.contextmanager
def placed_charts() -> Iterator[None]:
    """Let charts be places until `with_charts`, if there is a second process."""
    pool = _pool.get()
    token = _charts.set(None if pool is None else _Charts(pool))
    try:
        yield
    finally:
        _charts.reset(token)


def with_charts(page: str) -> str:
    """The page with every chart in its place."""
    charts = _charts.get()
    return page if charts is None else _PLACE.sub(charts.drawn, page)
