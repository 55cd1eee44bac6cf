"""Every launch's iterations in order, small and on one scale, warm-up shaded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pocketbench.bench.records.launch import Launch
from pocketbench.bench.units import Scale, common_scale, significant
from pocketbench.reports.plots.sheet import Sheet
from pocketbench.reports.plots.style import (
    BAND,
    FAINT,
    MUTED,
    PANEL_PX,
    SMALL_PX,
    Colour,
)
from pocketbench.reports.text.phrases import counted

_ACROSS = 5
_CELL_HEIGHT_PX = 46.0
_GAP_PX = 6.0
_LEFT_PX = 42.0
_TOP_PX = 22.0
_MOST_POINTS = 100
_CUT_QUANTILE = 0.995
MOST_LAUNCHES = 20


def sample_noun(launches: Sequence[Launch]) -> str:
    """What the samples of launches are of: `iteration`, or `token` of a generation."""
    return "token" if launches[0].measurement.generation else "iteration"


def shared_range_ns(launches: Sequence[Launch]) -> tuple[float, float]:
    """The scale of all traces: the main iterations but the slowest of 200."""
    main = np.concatenate([np.asarray(x.measurement.samples_ns) for x in launches])
    low, high = float(main.min()), float(np.quantile(main, _CUT_QUANTILE))
    margin = max((high - low) * 0.08, high * 0.02)
    return low - margin, high + margin


def traces(
    launches: Sequence[Launch],
    shared_ns: tuple[float, float],
    colour: Colour,
    *,
    left_out: Sequence[int],
    where: str,
    name: str,
) -> str:
    """Draw launches of one variant on one device, at most MOST_LAUNCHES of them.

    Args:
        launches: In order of time, each with main iterations.
        shared_ns: The lowest and highest latency of the scale.
        colour: The variant's.
        left_out: Of each launch, how many main iterations its figures leave out
            because it was still warming up; shaded like the warm-up before them.
        where: What it is of, for the title.
        name: Unique in a page.
    """
    shown = launches[:MOST_LAUNCHES]
    rows = -(-len(shown) // _ACROSS)
    height = _TOP_PX + rows * (_CELL_HEIGHT_PX + _GAP_PX) + 20
    sheet = Sheet(PANEL_PX, height)
    scale = common_scale("ns", shared_ns)
    width = (PANEL_PX - _LEFT_PX - (_ACROSS - 1) * _GAP_PX) / _ACROSS
    longest = max(_length(launch) for launch in shown)
    noun = sample_noun(launches)
    shades, paths, bases = [], [], []
    for number, launch in enumerate(shown):
        left = _LEFT_PX + (number % _ACROSS) * (width + _GAP_PX)
        bottom = (
            _TOP_PX + (number // _ACROSS + 1) * (_CELL_HEIGHT_PX + _GAP_PX) - _GAP_PX
        )
        warmup = len(launch.measurement.warmup_latencies_ns) + left_out[number]
        step = width / max(1, longest - 1)
        if warmup:
            shades.append((left, bottom - _CELL_HEIGHT_PX, step * (warmup - 0.5)))
        paths.append(_path(launch, left, bottom, step, shared_ns))
        bases.append([(left, bottom), (left + width, bottom)])
    for x, y, shade in shades:
        sheet.rectangle(x, y, shade, _CELL_HEIGHT_PX, colour=BAND)
    sheet.lines(bases, colour=FAINT, width=1)
    sheet.lines(paths, colour=colour.mark, width=1.0)
    _labels(sheet, scale, shared_ns, rows, f"{counted(longest, noun)} each")
    total = sum(_length(launch) for launch in shown)
    return sheet.svg(
        name,
        title=f"{where}: {noun}s of each launch",
        description=f"{counted(len(shown), 'launch', 'launches')} side by side in "
        f"order of time, {counted(total, noun)}; warm-up shaded; cut off at "
        f"{significant(shared_ns[1] / scale.size)} {scale.name}.",
    )


def _labels(
    sheet: Sheet,
    scale: Scale,
    shared_ns: tuple[float, float],
    rows: int,
    length: str,
) -> None:
    for row in range(rows):
        bottom = _TOP_PX + (row + 1) * (_CELL_HEIGHT_PX + _GAP_PX) - _GAP_PX
        for value, y in (
            (shared_ns[0], bottom - 4),
            (shared_ns[1], bottom - _CELL_HEIGHT_PX + 5),
        ):
            sheet.text(
                _LEFT_PX - 5,
                y,
                significant(value / scale.size),
                colour=MUTED,
                size=SMALL_PX - 1,
                align="right",
            )
    sheet.text(0, 8, f"latency, {scale.name}", colour=MUTED, size=SMALL_PX)
    sheet.text(
        PANEL_PX,
        sheet.height - 8,
        f"{length}; shaded: warm-up",
        colour=MUTED,
        size=SMALL_PX,
        align="right",
    )


def _length(launch: Launch) -> int:
    found = launch.measurement
    return len(found.warmup_latencies_ns) + len(found.samples_ns)


def _path(
    launch: Launch,
    left: float,
    bottom: float,
    step: float,
    shared_ns: tuple[float, float],
) -> list[tuple[float, float]]:
    """Pixels of one trace, held within its cell; long ones by their extremes."""
    found = launch.measurement
    values = np.asarray(found.warmup_latencies_ns + found.samples_ns, dtype=np.float64)
    low, high = shared_ns
    heights = (
        bottom - (np.clip(values, low, high) - low) / (high - low) * _CELL_HEIGHT_PX
    )
    places = np.arange(len(values))
    if len(values) > _MOST_POINTS:
        places = _extremes(heights, _MOST_POINTS)
    return [(left + step * int(i), float(heights[i])) for i in places]


def _extremes(values: np.ndarray, most: int) -> np.ndarray:
    """Indices of the lowest and highest value of each of most / 2 stretches."""
    stretches = np.array_split(np.arange(len(values)), most // 2)
    found = {
        int(pick)
        for stretch in stretches
        for pick in (
            stretch[values[stretch].argmin()],
            stretch[values[stretch].argmax()],
        )
    }
    return np.array(sorted(found))
