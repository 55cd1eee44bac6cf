"""A series as one word."""

from __future__ import annotations

from collections.abc import Sequence

_SPARKS = "▁▂▃▄▅▆▇█"
MOST_VALUES = 30


def sparkline(values: Sequence[float]) -> str:
    """The last 30 values as block characters, lowest to highest.

    >>> sparkline([1, 2, 3])
    '▁▅█'
    """
    shown = list(values)[-MOST_VALUES:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    if high == low:
        return _SPARKS[3] * len(shown)
    steps = len(_SPARKS) - 1
    return "".join(
        _SPARKS[int((value - low) / (high - low) * steps + 0.5)] for value in shown
    )
