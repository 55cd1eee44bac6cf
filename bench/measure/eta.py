"""How long what is missing will take, from the records of what was done."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from pocketbench.bench.records.launch import Launch


def seconds_per_launch(launches: Sequence[Launch]) -> float | None:
    """From start to start, waits between blocks included; `None` from one launch.

    Args:
        launches: Of one device in one stretch, in order of time.
    """
    if len(launches) < 2:
        return None
    first, last = (
        datetime.datetime.fromisoformat(launch.started_at)
        for launch in (launches[0], launches[-1])
    )
    return (last - first).total_seconds() / (len(launches) - 1)
