"""Which share of the iterations took at most how long; the tail is drawn out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from pocketbench.bench.units import common_scale
from pocketbench.reports.plots.axis import Axis, Tick, value_axis
from pocketbench.reports.plots.panel import frame
from pocketbench.reports.plots.rows import shortened
from pocketbench.reports.plots.sheet import Sheet
from pocketbench.reports.plots.style import PANEL_PX, SMALL_PX, Colour
from pocketbench.reports.text.phrases import counted

_HEIGHT_PX = 210.0
_MOST_POINTS = 160
_CAPTIONS = {
    "iteration": "latency of an iteration",
    "token": "time since the token before",
}


def ecdf(
    latencies_ns: Mapping[str, Sequence[int]],
    colours: dict[str, Colour],
    *,
    where: str,
    name: str,
    noun: str = "iteration",
) -> str:
    """Draw the main iterations of each variant; at least one has some.

    The share rises by decades of what is left, 50, 90, 99 %, so that the slowest
    hundredth has as much room as the rest. The noun is what the samples are of.
    """
    curves = {v: _curve(samples) for v, samples in latencies_ns.items() if samples}
    longest = max(len(samples) for samples in latencies_ns.values())
    top = min(0.999, 1 - 1 / (longest + 1))
    values = [x for curve in curves.values() for x, _ in curve]
    scale = common_scale("ns", values)
    sheet = Sheet(PANEL_PX, _HEIGHT_PX)
    across = value_axis(values, scale.size, 42, PANEL_PX - 12)
    up = _share_axis(top, _HEIGHT_PX - 38, 26)
    frame(
        sheet,
        across,
        up,
        across_caption=f"{_CAPTIONS[noun]}, {scale.name}",
        up_caption=f"share of {noun}s at most that slow",
    )
    by_speed = sorted(curves, key=lambda v: -curves[v][len(curves[v]) // 2][0])
    for variant_id, curve in curves.items():
        path = [(across.pixel(x), up.held(share)) for x, share in curve]
        sheet.lines([path], colour=colours[variant_id].mark, width=1.8)
    for place, variant_id in enumerate(by_speed):
        share = min((0.7, 0.86, 0.93, 0.965, 0.98)[place % 5], top)
        x = across.pixel(float(np.interp(share, *_columns(curves[variant_id]))))
        is_right = x < PANEL_PX - 110
        sheet.text(
            x + (7 if is_right else -7),
            up.pixel(share),
            shortened(variant_id, 16),
            colour=colours[variant_id].text,
            size=SMALL_PX,
            align="left" if is_right else "right",
        )
    total = sum(len(samples) for samples in latencies_ns.values())
    return sheet.svg(
        name,
        title=f"{where}: distribution of latencies",
        description=f"{counted(total, noun)} of "
        f"{counted(len(curves), 'variant')}; the upper lines are the slowest tenth "
        "and hundredth.",
    )


def _columns(curve: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [share for _, share in curve], [x for x, _ in curve]


def _curve(samples: Sequence[int]) -> list[tuple[float, float]]:
    """Quantiles of the samples, closer together towards the slow end."""
    count = len(samples)
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    if count <= _MOST_POINTS:
        return [(float(x), (i + 1) / (count + 1)) for i, x in enumerate(ordered)]
    tails = np.linspace(0.0, math.log(count + 1), _MOST_POINTS)
    shares = 1 - np.exp(-tails)
    places = np.clip((shares * (count + 1)).astype(int) - 1, 0, count - 1)
    return [(float(ordered[i]), (int(i) + 1) / (count + 1)) for i in np.unique(places)]


def _share_axis(top: float, start: float, end: float) -> Axis:
    ticks = [
        Tick(share, label)
        for share, label in (
            (0.0, "0"),
            (0.5, "50 %"),
            (0.9, "90 %"),
            (0.99, "99 %"),
            (0.999, "99.9 %"),
        )
        if share <= top + 1e-9
    ]
    return Axis(0.0, top, start, end, tuple(ticks), lambda share: -math.log1p(-share))
