"""What the reports say of launches that ran on for minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pocketbench.bench.judge.time_series import SustainedCell
from pocketbench.bench.records.sustained import Sustained
from pocketbench.bench.units import format_size, format_value, significant
from pocketbench.reports.text.phrases import counted
from pocketbench.reports.view import View

MOST_LINES = 4
NO_VERDICT = "no interval, so no verdict"
_UNCHANGED = 0.02
"""Within this proportion no change is claimed in words; it is no test."""


class SustainedRow(NamedTuple):
    """The same in the table, in words."""

    cell: SustainedCell
    first: str
    last: str
    ratio: str
    throttled: str
    temperature: str
    lasted: str
    read: str


def window_names(cells: Sequence[SustainedCell]) -> tuple[str, str]:
    """`first minute` and `last minute`; what both are where all are so."""
    lengths = {cell.window_s for cell in cells}
    if lengths == {60.0}:
        return "first minute", "last minute"
    if len(lengths) == 1:
        length = significant(lengths.pop(), 2)
        return f"first {length} s", f"last {length} s"
    return "first third", "last third"


def sentence(view: View) -> tuple[str, tuple[str, ...]]:
    """The answer of a sustained run, the worst first, and what else there is to say."""
    cells = sorted(view.summary.sustained, key=lambda c: -c.last_over_first)
    lines = [line(view, cell) for cell in cells]
    longest_s = max(cell.asked_s for cell in cells)
    said = f"One process of {_time(longest_s)} per variant: {NO_VERDICT}."
    return f"{lines[0]}.", (*(f"{words}." for words in lines[1:MOST_LINES]), said)


def line(view: View, cell: SustainedCell) -> str:
    """`net float32 on Pixel 8 took 1.81 times as long at the end as at first: ...`."""
    where = f"{cell.model} {cell.variant_id} on {view.tagged(cell.device_id)}"
    figures = f"{_figure(cell, cell.first_ns)}, then {_figure(cell, cell.last_ns)}"
    ratio = cell.last_over_first
    if abs(ratio - 1) < _UNCHANGED:
        return f"{where} kept its pace: {figures}"
    times = significant(ratio)
    of = " per token" if cell.is_generation else ""
    return f"{where} took {times} times as long{of} at the end as at first: {figures}"


def _figure(cell: SustainedCell, ns: float) -> str:
    return format_value(cell.unit, cell.shown(ns))


def sustained_row(cell: SustainedCell) -> SustainedRow:
    """What the tables say of one long launch."""
    return SustainedRow(
        cell,
        _figure(cell, cell.first_ns),
        _figure(cell, cell.last_ns),
        significant(cell.shown_ratio),
        _throttled(cell),
        _temperatures(cell),
        _time(cell.duration_s) + (", stopped" if cell.was_stopped else ""),
        _read(cell),
    )


def note(cell: SustainedCell) -> str:
    """How many samples there are and what watching the device cost."""
    kept = counted(cell.iterations_kept, "token" if cell.is_generation else "iteration")
    if cell.kept_every > 1:
        kept += f", each {cell.kept_every}th of those that ran"
    parts = [f"{kept}; {_read(cell)}"]
    if cell.was_stopped:
        parts.append(f"stopped before its {_time(cell.asked_s)} were over")
    if cell.peak_rss_bytes:
        parts.append(
            f"peak memory {format_size(cell.peak_rss_bytes)}, its samples included"
        )
    return "; ".join(parts) + "."


def _read(cell: SustainedCell) -> str:
    if cell.reading_s is None:
        return "not read meanwhile"
    words = (
        f"read each {_time(cell.interval_s)} for {significant(cell.reading_s, 2)} s "
        "beside it"
    )
    if cell.latency_while_read is None:
        return words
    what = "time per token" if cell.is_generation else "latency"
    return f"{words}, {what} {significant(cell.latency_while_read)} times meanwhile"


def _throttled(cell: SustainedCell) -> str:
    if cell.slowed_down_at_s is None:
        return "no"
    minutes, seconds = divmod(int(cell.slowed_down_at_s), 60)
    return f"from {minutes}:{seconds:02}"


def _temperatures(cell: SustainedCell) -> str:
    found = [s.temperature_c for s in cell.states if s.temperature_c is not None]
    before = cell.temperature_before_c
    if not found:
        return "unavailable"
    begin = found[0] if before is None else before
    return f"{cell.temperature_kind} {begin:.0f} to {found[-1]:.0f} C"


def how_measured(asked: Sustained) -> str:
    """What stands in the place of blocks, paired by block."""
    return (
        f"One process of {_time(asked.duration_s)} of each variant, the device read "
        f"each {_time(asked.interval_s)} beside it: {NO_VERDICT}."
    )


def _time(seconds: float) -> str:
    """`45 s`, `10 min`, `3 min 20 s`."""
    if seconds < 60:
        return f"{significant(seconds, 2)} s"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min {left} s" if left else f"{minutes} min"
