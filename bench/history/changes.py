"""From series to their changes of level, with commits and what is known of each."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence

from pocketbench.bench.history.accepted import Accepted, Place, acceptance_of
from pocketbench.bench.history.series import (
    CellHistory,
    ChangeState,
    LevelChange,
    Point,
    Series,
)
from pocketbench.bench.judge.history import Change, assess
from pocketbench.bench.judge.steps import SHORTEST
from pocketbench.bench.records.plan import DEFAULT_MIN_EFFECT


def with_changes(
    series: Series,
    *,
    accepted: Sequence[Accepted] = (),
    today: datetime.date,
    min_effect: float = DEFAULT_MIN_EFFECT,
) -> CellHistory:
    """Find where a series changes its level.

    Values are only compared where OS build, runtime and torch were the same.

    Args:
        series: One metric of one cell.
        accepted: Changes that were looked at.
        today: Entries that expire before it count no more.
        min_effect: The smallest change of level that matters, as a proportion.
    """
    findings = assess(
        series.values,
        environments=[point.environment for point in series.points],
        min_effect=min_effect,
    )
    found = findings.changes
    return CellHistory(
        series=series,
        changes=tuple(
            _level_change(series, change, found, accepted, today, min_effect)
            for change in found
        ),
        two_speeds=findings.two_speeds,
    )


def _level_change(
    series: Series,
    change: Change,
    found: Sequence[Change],
    accepted: Sequence[Accepted],
    today: datetime.date,
    min_effect: float,
) -> LevelChange:
    before, after = series.points[change.index - 1], series.points[change.index]
    is_up = change.is_up
    state: ChangeState = "confirmed"
    note = None
    entry = acceptance_of(Place(change.index, is_up), series, accepted)
    if entry is not None and entry.expires >= today:
        state, note = "accepted", f"{entry.reason} (until {entry.expires})"
    elif change.is_suspect:
        state = "suspect"
    elif _is_undone(series, change, found, min_effect):
        state = "undone"
    elif entry is not None:
        note = f"accepted until {entry.expires}: {entry.reason}"
    return LevelChange(
        id=_id(series, after, is_up=is_up),
        state=state,
        index=change.index,
        last_before=before.commit or before.run_id,
        first_after=after.commit or after.run_id,
        started_at=after.started_at,
        before=change.before,
        after=change.after,
        after_over_before=change.after_over_before,
        p_value=change.p_value,
        is_worse=is_up == (series.metric.better == "lower"),
        note=note,
    )


def _is_undone(
    series: Series, change: Change, found: Sequence[Change], min_effect: float
) -> bool:
    """Whether later changes in the same environment took the level back."""
    place = series.points[change.index].environment
    level = change.after
    for later in found:
        lasted = len(series.points) - later.index
        if later.index <= change.index or (later.is_suspect and lasted < SHORTEST):
            continue
        between = series.points[change.index : later.index + 1]
        if any(point.environment != place for point in between):
            break
        level = later.after
    least = min_effect * max(abs(level), abs(change.before))
    return abs(level - change.before) < least or (
        (level > change.before) != change.is_up
    )


def _id(series: Series, after: Point, *, is_up: bool) -> str:
    parts = (
        str(series.cell),
        series.metric.name,
        after.run_id,
        "up" if is_up else "down",
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
