"""Histories in words: each cell's runs as a line, and each change with its commits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence, Set

from pocketbench.bench.history.series import CellHistory, LevelChange, Series
from pocketbench.bench.units import format_value
from pocketbench.reports.text.phrases import counted, effect
from pocketbench.reports.text.sparkline import sparkline

STATE_WORDS = {
    "confirmed": "confirmed",
    "suspect": "suspect, not confirmed yet",
    "undone": "since reverted",
    "accepted": "accepted",
}
IMITATION_TAGS = {
    "simulated": "SIMULATED",
    "emulated": "EMULATED",
    "simulator": "SIMULATOR",
    "replayed": "REPLAYED",
}


def overview(histories: Sequence[CellHistory]) -> str:
    """One paragraph per cell: its runs, the last 30 as a sparkline, its changes."""
    lines = []
    shared = shared_names(histories)
    for history in histories:
        series = history.series
        first, last = series.points[0], series.points[-1]
        lines.append(title(series, shared))
        lines.append(
            f"  {counted(len(series.points), 'run')} from {first.started_at[:10]} to "
            f"{last.started_at[:10]}; {series.metric.title} at the last "
            f"{format_value(series.metric.unit, last.value)} ({last.version})"
        )
        lines.append(f"  {sparkline(series.values)}")
        lines += [f"  {found}" for found in findings(history)]
    return _text(lines)


def changes(histories: Sequence[CellHistory]) -> str:
    """The alarms first, then the other changes, then how many cells have none."""
    alarms, shared = raised(histories), shared_names(histories)
    rest = [(h.series, c) for h in histories for c in h.changes if not c.is_raised]
    cells = counted(len(histories), "configuration")
    lines = [
        f"{counted(len(alarms), 'confirmed regression')}, "
        f"{counted(len(rest), 'other change')} in {cells}."
    ]
    for heading, pairs in (("Regressions", alarms), ("Other changes", rest)):
        if pairs:
            lines += ["", heading]
        for series, change in pairs:
            lines.append(f"  {title(series, shared)}")
            lines.append(f"    {line(series, change)}")
    moving = [history for history in histories if history.two_speeds]
    if moving:
        lines += ["", "Two speeds"]
    for history in moving:
        lines.append(f"  {title(history.series, shared)}")
        lines.append(f"    {two_speeds(history)}")
    if alarms:
        lines += [
            "",
            "Expected? Accept it with: pocketbench history accept ID --reason WHY",
        ]
    return _text(lines)


def raised(histories: Iterable[CellHistory]) -> list[tuple[Series, LevelChange]]:
    """Confirmed changes for the worse that are still there, the largest first."""
    found = [(h.series, c) for h in histories for c in h.changes if c.is_raised]
    return sorted(found, key=_size, reverse=True)


def improved(histories: Iterable[CellHistory]) -> list[tuple[Series, LevelChange]]:
    """Confirmed changes for the better that are still there, the largest first."""
    found = [(h.series, c) for h in histories for c in h.changes if c.is_improvement]
    return sorted(found, key=_size, reverse=True)


def _size(found: tuple[Series, LevelChange]) -> float:
    return abs(math.log(found[1].after_over_before or 1))


def raised_sentence(histories: Iterable[CellHistory]) -> str | None:
    """The largest confirmed regression in words, and how many there are."""
    every = tuple(histories)
    return _sentence("confirmed regression", raised(every), shared_names(every))


def improved_sentence(histories: Iterable[CellHistory]) -> str | None:
    """The same of confirmed improvements."""
    every = tuple(histories)
    return _sentence("confirmed improvement", improved(every), shared_names(every))


def _sentence(
    kind: str, found: Sequence[tuple[Series, LevelChange]], shared: Set[str]
) -> str | None:
    if not found:
        return None
    series, change = found[0]
    number = counted(len(found), kind)
    more = f"{number} in the history, the largest" if found[1:] else number
    name, since = title(series, shared), series.points[change.index]
    return (
        f"{more}: {name} is {moved(series, change)} since {since.version} "
        f"of {change.started_at[:10]}."
    )


def title(series: Series, shared: Set[str] = frozenset()) -> str:
    """`net int8-static on Pixel 8 [SIMULATED]`, as a run's report has it.

    Args:
        series: One metric of one configuration.
        shared: Names of several devices, which get their folder's name beside them.
    """
    device = series.device_name
    if device in shared:
        device += f" ({series.cell.device})"
    tag = f" [{IMITATION_TAGS[series.imitation]}]" if series.imitation else ""
    return f"{series.cell.model} {build_name(series)} on {device}{tag}"


def build_name(series: Series) -> str:
    """`int8-static`, `int8-static@4t` with four threads."""
    cell = series.cell
    return f"{cell.variant}@{cell.threads}t" if cell.threads != 1 else cell.variant


def shared_names(histories: Iterable[CellHistory]) -> frozenset[str]:
    """The names that more than one device has."""
    devices = {(h.series.device_name, h.series.cell.device) for h in histories}
    uses = Counter(name for name, _ in devices)
    return frozenset(name for name, count in uses.items() if count > 1)


def findings(history: CellHistory) -> list[str]:
    """Two speeds, then each change, in words."""
    found = [two_speeds(history)] if history.two_speeds else []
    return found + [line(history.series, change) for change in history.changes]


def two_speeds(history: CellHistory) -> str:
    """`two speeds, 10.1 ms and 16.0 ms (31 % of runs)`, and what that means."""
    found = history.two_speeds
    if found is None:
        return ""
    unit = history.series.metric.unit
    return (
        f"two speeds: {format_value(unit, found.low)} and "
        f"{format_value(unit, found.high)} ({found.high_share:.0%} of runs). Switching "
        "between them is not reported as a change; run on one machine in one state"
    )


def moved(series: Series, change: LevelChange) -> str:
    """`8 % slower`; both levels where they have no ratio."""
    if change.after_over_before is not None:
        return effect(series.metric, change.after_over_before)
    unit = series.metric.unit
    before, after = (format_value(unit, x) for x in (change.before, change.after))
    return f"from {before} to {after}"


def line(series: Series, change: LevelChange) -> str:
    """What changed, between which commits, and how sure it is."""
    shape = "▲" if change.is_worse else "▼"
    note = f" ({change.note})" if change.note else ""
    return (
        f"{shape} {moved(series, change)} "
        f"in {commit_range(series, change)}, {change.started_at[:10]}: "
        f"{STATE_WORDS[change.state]}{note} [{change.id}]"
    )


def commit_range(series: Series, change: LevelChange) -> str:
    """`1a2b3c4d5e..6f7a8b9c0d`."""
    before, after = series.points[change.index - 1], series.points[change.index]
    return f"{before.version}..{after.version}"


def _text(lines: Sequence[str]) -> str:
    """Names come from devices and users: none of them may steer a terminal."""
    return "".join(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
        + "\n"
        for line in lines
    )
