"""A cell over its runs: the values that are drawn and searched for changes."""

from __future__ import annotations

from typing import Literal

from pocketbench.bench.history.stored import Imitation
from pocketbench.bench.judge.history import TwoSpeeds
from pocketbench.bench.records.metrics import Metric
from pocketbench.bench.records.record import Value


class HistoryCell(Value, frozen=True, kw_only=True, order=True):
    """What one series is of."""

    device: str
    """As the history's folder is called."""
    model: str
    variant: str
    threads: int

    def __str__(self) -> str:
        """`net int8-static on pixel-8-9f3c01ab`."""
        threads = f" @{self.threads}t" if self.threads != 1 else ""
        return f"{self.model} {self.variant}{threads} on {self.device}"


class Point(Value, frozen=True, kw_only=True):
    """One run's value of a cell."""

    run_id: str
    started_at: str
    commit: str | None
    os_build: str
    runtime: str
    torch: str
    value: float
    """Median over the launches, unscaled."""
    low: float | None
    """Ends of the 95 % interval of the launches' mean, as a run's report has it:
    geometric where all are positive. `None` of one launch."""
    high: float | None
    launches: int

    @property
    def environment(self) -> tuple[str, str, str]:
        """What must be equal for two values to be compared."""
        return self.os_build, self.runtime, self.torch

    @property
    def version(self) -> str:
        """The commit, short, or the run where there is none."""
        if self.commit is None:
            return self.run_id
        commit, plus, dirty = self.commit.partition("+")
        return f"{commit[:10]}{plus}{dirty}"


class Series(Value, frozen=True, kw_only=True):
    """One metric of one cell, oldest run first."""

    cell: HistoryCell
    device_name: str
    imitation: Imitation | None
    metric: Metric
    points: tuple[Point, ...]

    @property
    def values(self) -> list[float]:
        """The points' values."""
        return [point.value for point in self.points]


ChangeState = Literal["confirmed", "suspect", "undone", "accepted"]


class LevelChange(Value, frozen=True, kw_only=True):
    """A new level in a series, between two runs."""

    id: str
    """Names it for `history accept`; the same as long as it is found there."""
    state: ChangeState
    """`suspect`: not confirmed, since it did not last yet or the history is too
    unsteady; `undone`: the level has come back since."""
    index: int
    """0-based, of the first point at the new level."""
    last_before: str
    """Commit of the last run at the old level; its id where it has no commit."""
    first_after: str
    """Commit of the first run at the new level; its id where it has no commit."""
    started_at: str
    """Of the first run at the new level."""
    before: float
    """Level before it, unscaled."""
    after: float
    after_over_before: float | None
    """`None` where one of the levels is not positive."""
    p_value: float
    is_worse: bool
    note: str | None = None
    """Why it was accepted, or that this has expired."""

    @property
    def is_up(self) -> bool:
        """Whether the new level is the higher one."""
        return self.after > self.before

    @property
    def is_raised(self) -> bool:
        """Whether it is an alarm: for the worse, sure, still there, not accepted."""
        return self.is_worse and self.state == "confirmed"

    @property
    def is_improvement(self) -> bool:
        """Whether it is for the better, sure, still there, and not accepted."""
        return not self.is_worse and self.state == "confirmed"


class CellHistory(Value, frozen=True, kw_only=True):
    """A series and its changes."""

    series: Series
    changes: tuple[LevelChange, ...]
    two_speeds: TwoSpeeds | None = None
    """The runs move between two levels and back, which is no change."""
