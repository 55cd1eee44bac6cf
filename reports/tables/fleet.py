"""The table of what holds on phones in general."""

from __future__ import annotations

from typing import NamedTuple

from pocketbench.bench.judge.summary import FleetComparison
from pocketbench.reports.text.fleet import (
    agreement,
    fleet_effect,
    fleet_name,
    fleet_verdict,
)
from pocketbench.reports.text.phrases import BY_INTEREST
from pocketbench.reports.view import View

FLEET_HEADINGS = ("phones", "model", "comparison", "metric", "change", "verdict", "I²")
FLEET_LEAD = (
    "Each phone has a ratio of its own around that of all phones of its kind: the "
    "mean over phones with its 95 % interval. Where phones differ, more phones narrow "
    "it, more launches do not."
)

MOST_ROWS = 20


class FleetRow(NamedTuple):
    """One comparison over phones in words."""

    comparison: FleetComparison
    cells: tuple[str, ...]
    """One for each of FLEET_HEADINGS."""


def fleet_rows(view: View) -> list[FleetRow]:
    """Those that changed first, at most MOST_ROWS; the data has them all."""
    by_interest = sorted(view.summary.fleet, key=lambda c: BY_INTEREST.index(c.verdict))
    return [
        FleetRow(
            comparison,
            (
                fleet_name(comparison),
                comparison.model,
                f"{comparison.candidate} vs {comparison.baseline}",
                view.metric_title(comparison.metric),
                fleet_effect(view, comparison),
                fleet_verdict(view, comparison),
                agreement(comparison),
            ),
        )
        for comparison in by_interest[:MOST_ROWS]
    ]
