"""What the page shows of histories: a chart for each such cell, alarms first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pocketbench.bench.history.series import CellHistory
from pocketbench.reports.plots.history import inline_svg
from pocketbench.reports.text.history import findings, shared_names, title
from pocketbench.reports.text.phrases import counted

MOST_CHARTS = 40
"""Charts on one page: cells with an alarm, then with any change, then the rest."""


class HistoryChart(NamedTuple):
    """One cell's chart and its changes in words."""

    title: str
    svg: str
    changes: list[str]


class HistorySection(NamedTuple):
    """Every chart that is shown."""

    charts: list[HistoryChart]
    raised: int
    lead: str


def history_section(
    histories: Mapping[tuple[str, str, str], CellHistory],
) -> HistorySection:
    """Draw the histories of a run's cells; no charts where there are none."""
    found = sorted(histories.values(), key=_interest)
    drawn = found[:MOST_CHARTS]
    shared = shared_names(found)
    raised = sum(change.is_raised for history in found for change in history.changes)
    lead = (
        f"{counted(raised, 'confirmed regression')} in "
        f"{counted(len(found), 'configuration')}. Values are compared only while OS "
        "build, runtime and torch stay the same. A new level is a suspect until it "
        "has lasted."
    )
    if len(found) > len(drawn):
        lead += f" The {len(drawn)} that matter most are drawn."
    return HistorySection(
        [
            HistoryChart(
                title(history.series, shared),
                inline_svg(history, name=f"history-{number}"),
                findings(history),
            )
            for number, history in enumerate(drawn, 1)
        ],
        raised,
        lead,
    )


def _interest(history: CellHistory) -> int:
    if any(change.is_raised for change in history.changes):
        return 0
    return 1 if history.changes else 2
