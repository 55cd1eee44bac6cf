"""What the pages' charts read: a script per device with its runs, one per series.

Scripts and not JSON, because a page opened from a file may not fetch others.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from pocketbench.bench.history.series import CellHistory
from pocketbench.bench.history.stored_runs import StoredRun
from pocketbench.reports.text.history import STATE_WORDS, line, moved

_DIGITS = 5


def runs_script(
    runs: Sequence[StoredRun], subjects: Mapping[str, str], reported: set[str]
) -> str:
    """A device's runs as columns.

    Args:
        runs: Of one device, in order of time.
        subjects: By commit.
        reported: Ids of the runs that have a report in the site.
    """
    commands = list(dict.fromkeys(run.command or "" for run in runs))
    places = {command: place for place, command in enumerate(commands)}
    columns = {
        "id": [run.run_id for run in runs],
        "started": [_seconds(run.started_at) for run in runs],
        "commit": [run.commit for run in runs],
        "subject": [subjects.get(run.commit or "") for run in runs],
        "system": [
            f"{run.os_build}; {run.runtime}; exported by torch {run.torch}"
            for run in runs
        ],
        "temperature": [
            None
            if run.low_temperature_c is None
            else [run.low_temperature_c, run.high_temperature_c]
            for run in runs
        ],
        "caveats": [_caveats(run) for run in runs],
        "command": [places[run.command or ""] for run in runs],
        "reported": [int(run.run_id in reported) for run in runs],
    }
    return _script("runs", {**columns, "commands": commands})


def series_script(history: CellHistory, place_of: Mapping[str, int]) -> str:
    """One series as columns, its changes and where its environment changed.

    Args:
        history: The series, with its changes.
        place_of: Of each run among the runs of its device.
    """
    series = history.series
    points = series.points
    environments = [point.environment for point in points]
    scale = _scale(series.values)
    return _script(
        "series",
        {
            "unit": series.metric.unit,
            "title": series.metric.title,
            "runs": [place_of[point.run_id] for point in points],
            "scale": scale,
            "value": [round(point.value / scale) for point in points],
            "low": [_whole(point.low, scale) for point in points],
            "high": [_whole(point.high, scale) for point in points],
            "launches": [point.launches for point in points],
            "changes": [
                {
                    "at": change.index,
                    "id": change.id,
                    "state": change.state,
                    "worse": change.is_worse,
                    "label": f"{'▲' if change.is_worse else '▼'} "
                    f"{moved(series, change)}",
                    "note": STATE_WORDS[change.state],
                    "words": line(series, change),
                    "before": round(change.before / scale),
                    "after": round(change.after / scale),
                }
                for change in history.changes
            ],
            "environments": [
                {"at": place, "label": _differences(before, after)}
                for place, (before, after) in enumerate(pairwise(environments), 1)
                if before != after
            ],
        },
    )


def _script(function: str, data: Mapping[str, Any]) -> str:
    # As JSON twice: a browser reads a long text faster than a long literal.
    text = msgspec.json.encode(data).decode()
    return f"pocketbench.{function}({json.dumps(text, ensure_ascii=False)});\n"


def _scale(values: Sequence[float]) -> float:
    """What a series is divided by to become whole numbers of five or six digits."""
    largest = max(map(abs, values)) or 1.0
    return float(f"1e{math.floor(math.log10(largest)) - _DIGITS}")


def _whole(value: float | None, scale: float) -> int | None:
    return None if value is None else round(value / scale)


def _seconds(started_at: str) -> int:
    return int(datetime.datetime.fromisoformat(started_at).timestamp())


def _caveats(run: StoredRun) -> str:
    names = sorted(set((run.caveats or "").split()))
    return ", ".join(name.replace("_", " ") for name in names)


def _differences(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    """`runtime lite torch 2.14.0`: what is new from this point on."""
    names = ("OS", "runtime", "exported by torch")
    pairs = zip(names, before, after, strict=True)
    return ", ".join(f"{name} {new}" for name, old, new in pairs if old != new)
