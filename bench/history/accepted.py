"""Changes that somebody has looked at: a small file in the repository, to be reviewed.

Each entry is a table:

    [[accepted]]
    device = "pixel-8-9f3c01ab"
    model = "mobilenet_v2"
    variant = "int8-static"
    metric = "latency_ns"
    last_before = "1a2b3c4d"
    first_after = "5e6f7a8b"
    direction = "up"
    reason = "the new head is worth 4 %"
    expires = 2027-01-31
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from pocketbench.bench.errors import UsageError
from pocketbench.bench.history.series import HistoryCell, LevelChange, Series
from pocketbench.bench.records.record import Value

FILE_NAME = "accepted-changes.toml"
NEARBY_POINTS = 2
"""Further runs may move the place of a change by so many points."""


class Accepted(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change that is no alarm until it expires."""

    device: str
    model: str
    variant: str
    threads: int = 1
    metric: str
    last_before: str
    """Commit (its beginning is enough) or run of the last point before it."""
    first_after: str
    """Commit (its beginning is enough) or run of the first point after it."""
    direction: Literal["up", "down"]
    reason: str
    expires: datetime.date

    @property
    def cell(self) -> HistoryCell:
        """Where it is."""
        return HistoryCell(
            device=self.device,
            model=self.model,
            variant=self.variant,
            threads=self.threads,
        )


class _File(msgspec.Struct, forbid_unknown_fields=True):
    accepted: tuple[Accepted, ...] = ()


class Place(NamedTuple):
    """A change as found, before it is known whether it was accepted."""

    at: int
    """0-based, of the first point at the new level."""
    is_up: bool


def read_accepted(path: Path) -> tuple[Accepted, ...]:
    """The entries of a file; none when there is no such file.

    Raises:
        UsageError: The file is not as it must be.
    """
    if not path.exists():
        return ()
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_File).accepted
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(
            str(path), f"is no file of accepted changes ({error})", "Correct it"
        ) from error


def accept(
    path: Path,
    series: Series,
    change: LevelChange,
    *,
    reason: str,
    expires: datetime.date,
) -> None:
    """Append an entry; what is in the file stays as it is.

    Raises:
        UsageError: The reason is empty, or the file is not as it must be.
    """
    if not reason.strip():
        raise UsageError("--reason", "is empty", "Say why this change is right")
    read_accepted(path)
    cell = series.cell
    words: dict[str, str | int] = {
        "device": cell.device,
        "model": cell.model,
        "variant": cell.variant,
        "threads": cell.threads,
        "metric": series.metric.name,
        "last_before": change.last_before,
        "first_after": change.first_after,
        "direction": "up" if change.is_up else "down",
        "reason": " ".join(reason.split()),
    }
    lines = [f"{key} = {_toml(value)}" for key, value in words.items()]
    entry = "\n".join(["[[accepted]]", *lines, f"expires = {expires.isoformat()}"])
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before}{chr(10) if before else ''}{entry}\n", encoding="utf-8")


def _toml(value: str | int) -> str:
    """A number, or a basic string: as in JSON, but DEL is escaped, too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def acceptance_of(
    place: Place, series: Series, accepted: Sequence[Accepted]
) -> Accepted | None:
    """The entry that a change stands under: the same direction, at about that place."""
    found = [
        entry
        for entry in accepted
        if entry.cell == series.cell
        and entry.metric == series.metric.name
        and (entry.direction == "up") == place.is_up
        and _is_near(place.at, entry, series)
    ]
    return max(found, key=lambda entry: entry.expires, default=None)


def _is_near(index: int, entry: Accepted, series: Series) -> bool:
    """Whether the change lies in the commit range, give or take what runs may move."""
    before = _places(entry.last_before, series)
    after = _places(entry.first_after, series)
    if not before and not after:
        return False
    low = min(before) + 1 if before else min(after)
    high = max(after) if after else max(before) + 1
    return low - NEARBY_POINTS <= index <= high + NEARBY_POINTS


def _places(version: str, series: Series) -> list[int]:
    """Every point of a commit or run."""
    return [
        index
        for index, point in enumerate(series.points)
        if point.run_id == version
        or (len(version) >= 7 and (point.commit or "").startswith(version))
    ]
