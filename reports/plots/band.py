"""The thin band below launches in time order: temperature, clock caps, throttling."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pocketbench.bench.conditions.aggregation import SHOWN_KINDS, temperatures_now_c
from pocketbench.bench.conditions.throttling import new_cap
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.conditions import Conditions, TemperatureKind
from pocketbench.bench.records.launch import Launch
from pocketbench.reports.plots.axis import Axis
from pocketbench.reports.plots.sheet import Points, Sheet
from pocketbench.reports.plots.style import (
    FAINT,
    INK,
    MUTED,
    REGRESSION,
    SMALL_PX,
    UNCHANGED,
)
from pocketbench.reports.text.phrases import counted

_GAP_PX = 8.0
_MARKS_PX, _HEAT_PX, _CAPS_PX = 14.0, 28.0, 12.0
_LOW_BAR_PX, _HIGH_BAR_PX = 3.0, 8.0
_MOST_MARKS = 40


class Capped(NamedTuple):
    """A time in which a clock domain was held below its hardware's maximum."""

    start: float
    end: float
    is_new: bool
    """It was not held so low before the first launch."""


class Band(NamedTuple):
    """What the device reported, on the time of the launches; times in minutes."""

    kind: TemperatureKind | None
    """Which temperature: of the skin, or of the hotter of the others."""
    temperatures_c: tuple[tuple[float, float], ...]
    capped: tuple[Capped, ...]
    throttled: tuple[float, ...]
    end: float
    """When the last reading was."""

    @property
    def height(self) -> float:
        """In pixels, with the gap above it; 0 where nothing is to be drawn."""
        rows = (
            _MARKS_PX * bool(self.throttled)
            + _HEAT_PX * bool(self.temperatures_c)
            + _CAPS_PX * bool(self.capped)
        )
        return rows and rows + _GAP_PX

    @property
    def described(self) -> str:
        """For screen readers; empty where nothing is drawn."""
        parts = []
        if self.temperatures_c:
            low, high = _ends(self)
            parts.append(
                f"{SHOWN_KINDS[self.kind or 'skin']} temperature from {low:.1f} to "
                f"{high:.1f} C"
            )
        if self.capped:
            fresh = sum(bar.is_new for bar in self.capped)
            parts.append(
                f"a clock capped in {counted(len(self.capped), 'span')}"
                + (f", newly in {fresh}" if fresh else ", none newly")
            )
        if self.throttled:
            parts.append(
                f"{counted(len(self.throttled), 'launch', 'launches')} throttled"
            )
        return f" Below: {'; '.join(parts)}." if parts else ""


def band(launches: Sequence[Launch], start: float, baseline: Conditions | None) -> Band:
    """What there is to draw of the launches of one device.

    Args:
        launches: In any order.
        start: Minute 0, in minutes since 1970.
        baseline: Read before the device's first launch of all: a cap is new against it.
    """
    ordered = sorted(launches, key=lambda launch: minutes(launch.started_at))
    readings: list[tuple[float, Conditions]] = []
    for launch in ordered:
        at = minutes(launch.started_at) - start
        if launch.conditions_before is not None:
            readings.append((at, launch.conditions_before))
        if launch.conditions_after is not None:
            took = (launch.wall_ns or 0) / 60e9
            readings.append((at + took, launch.conditions_after))
    kind, temperatures = _temperatures(readings)
    return Band(
        kind,
        temperatures,
        _capped(readings, baseline),
        tuple(
            minutes(launch.started_at) - start
            for launch in ordered
            if Caveat.THROTTLED in launch.caveats
        ),
        readings[-1][0] if readings else 0.0,
    )


def draw_band(sheet: Sheet, found: Band, across: Axis, top: float) -> None:
    """Draw it below `top`, row by row: throttled launches, temperature, caps."""
    y = top + _GAP_PX
    if found.throttled:
        middle = y + _MARKS_PX / 2
        sheet.marks(
            [(across.held(at), middle) for at in found.throttled],
            colour=REGRESSION,
            shape="X",
            size=8,
        )
        _say(sheet, across, middle, "throttled", colour=REGRESSION)
        y += _MARKS_PX
    if found.temperatures_c:
        _draw_temperatures(sheet, found, across, y)
        y += _HEAT_PX
    if found.capped:
        _draw_caps(sheet, found, across, y + _CAPS_PX - 1)


def minutes(started_at: str) -> float:
    """Minutes since 1970 of an ISO-8601 time."""
    return datetime.fromisoformat(started_at).timestamp() / 60


def _temperatures(
    readings: Sequence[tuple[float, Conditions]],
) -> tuple[TemperatureKind | None, tuple[tuple[float, float], ...]]:
    """The skin's temperature; without one, the hottest of the others."""
    by_kind: dict[TemperatureKind, tuple[tuple[float, float], ...]] = {}
    for kind in SHOWN_KINDS:
        parsed = ((at, temperatures_now_c(read).get(kind)) for at, read in readings)
        if points := tuple((at, value) for at, value in parsed if value is not None):
            by_kind[kind] = points
    if not by_kind:
        return None, ()
    chosen: TemperatureKind = (
        "skin"
        if "skin" in by_kind
        else max(by_kind, key=lambda kind: max(value for _, value in by_kind[kind]))
    )
    return chosen, by_kind[chosen]


def _capped(
    readings: Sequence[tuple[float, Conditions]], baseline: Conditions | None
) -> tuple[Capped, ...]:
    """A state holds, as far as anybody knows, until the next reading."""
    bars: list[Capped] = []
    ends = [at for at, _ in readings[1:]] + [at for at, _ in readings[-1:]]
    for (start, read), end in zip(readings, ends, strict=True):
        is_new = baseline is not None and new_cap(read, baseline)
        if not is_new and not any(p.is_capped for p in read.cpu_policies or ()):
            continue
        last = bars[-1] if bars else None
        if last is not None and (last.end, last.is_new) == (start, is_new):
            bars[-1] = last._replace(end=end)
        else:
            bars.append(Capped(start, end, is_new))
    return tuple(bars)


def _draw_temperatures(sheet: Sheet, found: Band, across: Axis, top: float) -> None:
    low, high = _ends(found)
    # Less than a degree is drawn flat: sensors say as much of a phone that rests.
    reach = max(high - low, 1.0)
    bottom = top + _HEAT_PX - 5
    scale = (bottom - top - 5) / reach
    line: Points = [
        (across.held(at), bottom - (value - low) * scale)
        for at, value in found.temperatures_c
    ]
    heights = [bottom] if high == low else [bottom, bottom - (high - low) * scale]
    sheet.lines(
        [[(across.start, y), (across.end, y)] for y in heights], colour=FAINT, width=0.8
    )
    sheet.lines([line], colour=INK, width=1.2)
    if len(line) <= _MOST_MARKS:
        sheet.marks(line, colour=INK, size=3.0)
    name = SHOWN_KINDS[found.kind or "skin"]
    first, second = f"{name} {low:.1f}", f"to {high:.1f} C"
    if f"{low:.1f}" == f"{high:.1f}":
        first, second = name, f"{high:.1f} C"
    middle = (bottom + top) / 2 + 2
    _say(sheet, across, middle - 6, first)
    _say(sheet, across, middle + 6, second)


def _draw_caps(sheet: Sheet, found: Band, across: Axis, bottom: float) -> None:
    """Low bars for caps that were there from the start, high ones for new ones."""
    for bar in found.capped:
        height = _HIGH_BAR_PX if bar.is_new else _LOW_BAR_PX
        x = across.held(bar.start)
        sheet.rectangle(
            x,
            bottom - height,
            max(across.held(bar.end) - x, 2.0),
            height,
            colour=REGRESSION if bar.is_new else UNCHANGED,
        )
    if any(bar.is_new for bar in found.capped):
        _say(sheet, across, bottom - 5, "new cap", colour=REGRESSION)
    else:
        _say(sheet, across, bottom - 5, "clock cap")


def _say(
    sheet: Sheet, across: Axis, y: float, words: str, *, colour: str = MUTED
) -> None:
    sheet.text(across.end + 8, y, words, colour=colour, size=SMALL_PX)


def _ends(found: Band) -> tuple[float, float]:
    values = [value for _, value in found.temperatures_c]
    return min(values), max(values)
