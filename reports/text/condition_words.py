"""The conditions of each device in words: cells of a table, and one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pocketbench.bench.conditions.aggregation import (
    SHOWN_KINDS,
    ClockSeries,
    Counts,
    DeviceConditions,
    TimeSeries,
)
from pocketbench.bench.conditions.cooldown_rules import STATUS_WORDS
from pocketbench.bench.units import cpu_words, format_size
from pocketbench.reports.text.phrases import counted, listed
from pocketbench.reports.view import View

HEADINGS = ("heat", "clocks", "battery", "screen and power", "memory and load", "cores")
UNAVAILABLE = "unavailable"
_EXPLAINED = (
    "Read right before and after each launch: the first value → the last, and in "
    "brackets the lowest to the highest where those are others. The mean of the clocks "
    "that ran is weighted by time, idle time included."
)
_SIMULATED = (
    " A simulated phone's heat, clocks, battery and memory are its profile's and its "
    "model of heat, no phone's; its load and allowed cores are this computer's."
)


class Line(NamedTuple):
    """One fact; `words` says `unavailable` where no reading reported it."""

    label: str
    words: str


class ConditionsRow(NamedTuple):
    """One device."""

    device_id: str
    readings: str
    """How many of how many launches: `12 readings of 6 launches`."""
    cells: tuple[tuple[Line, ...], ...]
    """One for each of `HEADINGS`; none where the device reports no conditions."""
    nothing: str
    """Why there are no cells."""
    reasons: tuple[Line, ...]
    """A reason, and what is unavailable because of it."""


class ConditionsTable(NamedTuple):
    """Every device that was set up."""

    explained: str
    rows: tuple[ConditionsRow, ...]


def conditions_table(view: View) -> ConditionsTable:
    """One row per device, in the order of the other table of devices."""
    rows = tuple(_row(found) for found in view.conditions)
    is_simulated = any(info.is_simulated for info in view.devices.values())
    return ConditionsTable(_EXPLAINED + (_SIMULATED if is_simulated else ""), rows)


def conditions_lines(view: View) -> list[tuple[str, str]]:
    """(device, what matters most of its conditions in one line)."""
    return [
        (view.tagged(found.device_id), _one_line(found))
        for found in view.conditions
        if found.readings
    ]


def _row(found: DeviceConditions) -> ConditionsRow:
    readings = (
        f"{counted(found.readings, 'reading')} of "
        f"{counted(found.launches, 'launch', 'launches')}"
    )
    if not found.readings:
        nothing = (
            "unavailable: this device reports no conditions"
            if found.launches
            else "unavailable: no launch was measured on it"
        )
        return ConditionsRow(found.device_id, readings, (), nothing, ())
    cells = (
        _heat(found),
        _clocks(found),
        _battery(found),
        _power(found),
        _memory(found),
        _cores(found),
    )
    reasons = tuple(
        Line(each.reason, listed([_of(found, *part) for part in each.parts.items()]))
        for each in found.unavailable
    )
    return ConditionsRow(found.device_id, readings, cells, "", reasons)


def _of(found: DeviceConditions, title: str, readings: int) -> str:
    """What was not read; in how many readings, where it was in the others."""
    if readings == found.readings:
        return title
    return f"{title} ({readings} of {found.readings} readings)"


def _heat(found: DeviceConditions) -> tuple[Line, ...]:
    lines = [Line("thermal status", _status(found))]
    for kind, title in SHOWN_KINDS.items():
        words = _time_series(found, found.temperatures_c.get(kind), _degrees, "C")
        lines.append(Line(title, words))
    if found.cooling:
        names = [_of(found, name, count) for name, count in found.cooling.items()]
        lines.append(Line("cooling at work", listed(names)))
    return tuple(lines)


def _status(found: DeviceConditions) -> str:
    series = found.thermal_status
    words = UNAVAILABLE
    if series is not None:
        first, last, high = (
            STATUS_WORDS[min(max(int(status), 0), len(STATUS_WORDS) - 1)]
            for status in (series.first, series.last, series.high)
        )
        words = high
        if not first == last == high:
            words = f"{high} at the highest, {first} at first, {last} at last"
    if found.pinned_statuses:
        pinned = _of(found, "pinned by somebody", found.pinned_statuses)
        words = pinned if series is None else f"{words}; {pinned}"
    return words


def _clocks(found: DeviceConditions) -> tuple[Line, ...]:
    lines = [Line(_domain(clock), _clock(found, clock)) for clock in found.clocks]
    if not found.clocks:
        lines.append(Line("clocks", UNAVAILABLE))
    lines.append(Line("governor", _mostly(found, found.governors)))
    return tuple(lines)


def _domain(clock: ClockSeries) -> str:
    return f"{'core' if len(clock.cpus) == 1 else 'cores'} {cpu_words(clock.cpus)}"


def _clock(found: DeviceConditions, clock: ClockSeries) -> str:
    """`mean 2.31 GHz, no cap seen`."""
    if clock.mean_khz is not None:
        ran = f"mean {_ghz(clock.mean_khz)} GHz"
    elif clock.current_khz is not None:
        low, high = _ghz(clock.current_khz.low), _ghz(clock.current_khz.high)
        ran = f"{low if low == high else f'{low} to {high}'} GHz when read"
    else:
        ran = "clock unavailable"
    return f"{ran}, {_cap(found, clock)}"


def _cap(found: DeviceConditions, clock: ClockSeries) -> str:
    if not clock.capped:
        return "cap unavailable"
    count = clock.capped.get("capped", 0)
    if not count or clock.lowest_cap_khz is None:
        return "no cap seen"
    words = f"capped to {_ghz(clock.lowest_cap_khz)}"
    if clock.hardware_max_khz is not None:
        words += f" of {_ghz(clock.hardware_max_khz)} GHz"
    if count < found.readings:
        words += f" at the lowest, in {count} of {found.readings} readings"
    return words


def _battery(found: DeviceConditions) -> tuple[Line, ...]:
    lines = [
        Line("level", _time_series(found, found.battery_percent, _whole, "%")),
        Line("power", _mostly(found, found.charging)),
    ]
    if found.is_battery_fiction:
        lines.append(Line("but", "frozen by `dumpsys battery`: it reports nothing"))
    return tuple(lines)


def _power(found: DeviceConditions) -> tuple[Line, ...]:
    return (
        Line("screen", _mostly(found, found.screen)),
        Line("battery saver", _mostly(found, found.battery_saver)),
        Line("Doze", _mostly(found, found.doze)),
        Line("fixed performance", _mostly(found, found.fixed_performance)),
    )


def _memory(found: DeviceConditions) -> tuple[Line, ...]:
    memory, load = found.memory_available_bytes, found.load_average
    available = UNAVAILABLE if memory is None else f"{format_size(memory.low)} at least"
    if memory is not None and found.memory_total_bytes is not None:
        available += f", of {format_size(found.memory_total_bytes)}"
    busy = UNAVAILABLE if load is None else f"{load.high:.2f} at most"
    return (Line("available", available), Line("load of one minute", busy))


def _cores(found: DeviceConditions) -> tuple[Line, ...]:
    return (
        Line("allowed", _mostly(found, found.allowed_cpus)),
        Line("switched on", _mostly(found, found.online_cpus)),
        Line("cpuset", _mostly(found, found.cpuset)),
    )


def _time_series(
    found: DeviceConditions,
    series: TimeSeries | None,
    say: Callable[[float], str],
    unit: str,
) -> str:
    """`28.9 → 31.2 C (28.9 to 31.4)`; one value where it never changed."""
    if series is None:
        return UNAVAILABLE
    first, last, low, high = (
        say(value) for value in (series.first, series.last, series.low, series.high)
    )
    words = f"{first} {unit}" if first == last else f"{first} → {last} {unit}"
    if {low, high} != {first, last}:
        words += f" ({low} to {high})"
    if series.readings < found.readings:
        words += f", in {series.readings} of {found.readings} readings"
    return words


def _mostly(found: DeviceConditions, counts: Counts) -> str:
    """The states, the most frequent first; how often, unless always."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return listed([_of(found, *each) for each in ordered]) or UNAVAILABLE


def _one_line(found: DeviceConditions) -> str:
    parts = [f"thermal status {_status(found)}"]
    for kind, title in SHOWN_KINDS.items():
        if kind in found.temperatures_c:
            series = _time_series(found, found.temperatures_c[kind], _degrees, "C")
            parts.append(f"{title} {series}")
            break
    parts.append(_caps(found, found.clocks))
    parts.append(f"battery {_time_series(found, found.battery_percent, _whole, '%')}")
    parts.append(
        _mostly(found, found.charging) if found.charging else f"charging {UNAVAILABLE}"
    )
    return "; ".join(parts)


def _caps(found: DeviceConditions, clocks: Sequence[ClockSeries]) -> str:
    held = [
        f"{_domain(clock)} {_cap(found, clock)}"
        for clock in clocks
        if clock.lowest_cap_khz is not None
    ]
    if held:
        return listed(held)
    if any(clock.capped for clock in clocks):
        return "no clock cap seen"
    return f"clock caps {UNAVAILABLE}"


def _degrees(value: float) -> str:
    return f"{value:.1f}"


def _whole(value: float) -> str:
    return f"{value:.0f}"


def _ghz(khz: float) -> str:
    return f"{khz / 1e6:.2f}"
