"""The options of the subcommands of `pocketbench history`, under their names."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Literal

from pocketbench.bench.records.record import Value


class HistoryQuery(Value, frozen=True, kw_only=True):
    """Where to look for changes, and for which."""

    folder: str
    metric: str | None
    """`None`: latency, and decode of models that generate."""
    min_effect: float
    accepted_path: Path
    as_json: bool


class ShowOptions(HistoryQuery, frozen=True, kw_only=True):
    """One model's configurations in words."""

    model: str


class ChangesOptions(HistoryQuery, frozen=True, kw_only=True):
    """Changes of one model, or of every one."""

    model: str | None
    fail_on: Literal["regression", "never"]


class PlotOptions(HistoryQuery, frozen=True, kw_only=True):
    """A chart of one model."""

    model: str
    output: Path | None


class ConfirmOptions(HistoryQuery, frozen=True, kw_only=True):
    """How the commits around a change are measured again."""

    change: str
    source: str | None
    inputs: tuple[str, ...]
    devices: tuple[str, ...]
    blocks: int
    repository: Path


class AcceptOptions(HistoryQuery, frozen=True, kw_only=True):
    """A change that is right, and until when it is no alarm."""

    change: str
    reason: str
    expires: datetime.datetime | None


class SiteOptions(Value, frozen=True, kw_only=True):
    """What the site of a history shows."""

    folder: str
    output: Path
    """What else is in it stays."""
    metrics: tuple[str, ...]
    """None: the primary one of each configuration."""
    min_effect: float
    accepted_path: Path
    repository: Path
    url: str | None
    """Where a `{commit}` is shown; `None`: as the repository's remote says."""
    runs_folder: Path
    """Stored runs whose reports are taken in."""
