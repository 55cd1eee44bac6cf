"""Lengths of time as people type them."""

from __future__ import annotations

import re

from pocketbench.bench.errors import UsageError

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "": 1.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|)")
LONGEST_S = 86_400.0
"""A day: what our measuring programs take."""


def parse_duration(text: str, option: str) -> float:
    """Read `10m`, `90s`, `1h`, `250ms`; a bare number is seconds.

    Args:
        text: What was typed.
        option: For the error: `--sustained`.

    Raises:
        UsageError: Not of that form, or more than a day.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{option} {text}", "is not a length of time", "Write it as 10m, 90s or 1h"
        )
    seconds = float(found[1]) * _UNITS_S[found[2]]
    if seconds > LONGEST_S:
        raise UsageError(f"{option} {text}", "is more than a day", "Give at most 24h")
    return seconds
