"""What the pages say of one series: its newest value, a sparkline, its changes."""

from __future__ import annotations

import datetime
import hashlib
import math
import re
import statistics
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pocketbench.bench.history.series import CellHistory, LevelChange, Point, Series
from pocketbench.bench.records.metrics import Metric
from pocketbench.bench.units import format_value
from pocketbench.reports.text.history import (
    IMITATION_TAGS,
    STATE_WORDS,
    build_name,
    commit_range,
    moved,
    two_speeds,
)
from pocketbench.reports.text.phrases import effect

RECENT = datetime.timedelta(days=30)
_AROUND = 3
_SPARK_POINTS, SPARK_WIDTH, SPARK_HEIGHT = 60, 120, 24
_COLOURS = {
    "float32": "baseline",
    "float16": "series-1",
    "int8-dynamic": "series-2",
    "int8-static": "series-3",
    "int8-weight-only": "series-4",
    "bfloat16": "series-5",
}


class ChangeRow(NamedTuple):
    """One change of level."""

    id: str
    state: str
    state_words: str
    is_worse: bool
    is_raised: bool
    moved: str
    levels: str
    """`10.1 ms → 11.0 ms`."""
    commits: str
    first_after: str
    """Commit or run id, whole."""
    version: str
    date: str
    note: str | None
    run_id: str


class SeriesRow(NamedTuple):
    """One series; light enough to keep a thousand of them."""

    page: str
    """Name of its page, without the folder."""
    model: str
    variant: str
    device: str
    device_name: str
    tag: str | None
    metric: Metric
    colour: str
    """A CSS variable, by the variant's name alone, so that it never changes."""
    runs: int
    newest: str
    newest_at: str
    recent_ratio: float | None
    """Newest value over that of 30 days before, in one environment."""
    spark: str
    changes: tuple[ChangeRow, ...]
    two_speeds: str

    @property
    def recent(self) -> str:
        """The change over 30 days in words."""
        if self.recent_ratio is None:
            return "not measured"
        return effect(self.metric, self.recent_ratio)

    @property
    def is_raised(self) -> bool:
        """Whether one of its changes is an alarm."""
        return any(change.is_raised for change in self.changes)


def series_row(history: CellHistory) -> SeriesRow:
    """Reduce a series to what tables show of it."""
    series = history.series
    cell, newest = series.cell, series.points[-1]
    # The space is in the addresses of pages.
    threads = f" @{cell.threads}t" if cell.threads != 1 else ""
    name = cell.device, cell.model, f"{cell.variant}{threads}", series.metric.name
    return SeriesRow(
        page=page_name(*name),
        model=cell.model,
        variant=build_name(series),
        device=cell.device,
        device_name=series.device_name,
        tag=IMITATION_TAGS[series.imitation] if series.imitation else None,
        metric=series.metric,
        colour=variant_colour(cell.variant),
        runs=len(series.points),
        newest=format_value(series.metric.unit, newest.value),
        newest_at=newest.started_at[:10],
        recent_ratio=_recent_ratio(series.points),
        spark=_spark(series.values),
        changes=tuple(_change_row(series, change) for change in history.changes),
        two_speeds=two_speeds(history),
    )


def page_name(*parts: str) -> str:
    """A file name that stays the same: readable, and unique by its last letters."""
    words = "-".join(
        re.sub(r"[^A-Za-z0-9_.]+", "-", part).strip("-.") for part in parts
    )
    return f"{words[:100]}-{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:6]}"


def variant_colour(variant: str) -> str:
    """The same colour on every page and in every later site."""
    return _COLOURS.get(variant) or f"series-{1 + zlib.crc32(variant.encode()) % 5}"


def geometric_mean(rows: Iterable[SeriesRow]) -> tuple[float, int] | None:
    """Of the ratios over 30 days, and over how many series that have one."""
    logs = [math.log(row.recent_ratio) for row in rows if row.recent_ratio]
    return (math.exp(statistics.fmean(logs)), len(logs)) if logs else None


def _recent_ratio(points: Sequence[Point]) -> float | None:
    newest = points[-1]
    since = datetime.datetime.fromisoformat(newest.started_at) - RECENT
    before: list[float] = []
    place = newest.environment
    alike = [point for point in points if point.environment == place]
    for point in reversed(alike):
        if datetime.datetime.fromisoformat(point.started_at) <= since:
            before.append(point.value)
            if len(before) == _AROUND:
                break
    if not before:
        return None
    old = statistics.median(before)
    new = statistics.median(point.value for point in alike[-_AROUND:])
    return new / old if new > 0 and old > 0 else None


def _spark(values: Sequence[float]) -> str:
    """The newest values as the points of a small line."""
    shown = values[-_SPARK_POINTS:]
    low, high = min(shown), max(shown)
    # A series that hardly moves must not look as if it did: 10 % fills the height.
    span = max(high - low, 0.1 * abs(high)) or 1.0
    middle = (low + high) / 2
    across = SPARK_WIDTH / max(len(shown) - 1, 1)
    return " ".join(
        f"{number * across:.0f},{SPARK_HEIGHT * (0.5 - (value - middle) / span):.1f}"
        for number, value in enumerate(shown)
    )


def _change_row(series: Series, change: LevelChange) -> ChangeRow:
    unit = series.metric.unit
    after = series.points[change.index]
    return ChangeRow(
        id=change.id,
        state=change.state,
        state_words=STATE_WORDS[change.state],
        is_worse=change.is_worse,
        is_raised=change.is_raised,
        moved=moved(series, change),
        levels=f"{format_value(unit, change.before)} → "
        f"{format_value(unit, change.after)}",
        commits=commit_range(series, change),
        first_after=change.first_after,
        version=after.version,
        date=change.started_at[:10],
        note=change.note,
        run_id=after.run_id,
    )
