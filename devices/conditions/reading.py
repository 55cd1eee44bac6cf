"""The result of a parser, and strict parsing of single figures."""

from __future__ import annotations

import math
import re
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,19}(?:\.[0-9]{1,19})?(?:[eE][+-]?[0-9]{1,3})?")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\U0010ffff]+")
_REASON_LENGTH = 160
_LONGEST_LIST = 4096


class Reading(NamedTuple, Generic[T]):
    """A value, and why what it lacks is not there (by dotted name; '' is the whole)."""

    value: T | None
    missing: dict[str, str]


def nothing(reason: str) -> Reading[T]:
    """A reading without a value."""
    return Reading(None, {"": clean(reason)})


def clean(text: str) -> str:
    """Foreign words as one short printable line."""
    # Lone surrogates cannot be stored as UTF-8.
    text = text.encode("utf-8", "replace").decode("utf-8")
    line = _UNPRINTABLE.sub(" ", text).strip()
    if len(line) > _REASON_LENGTH:
        line = f"{line[: _REASON_LENGTH - 1]}…"
    return line


class Gathering:
    """Takes the values out of readings and keeps what they lack."""

    def __init__(self) -> None:
        """Start with nothing missing."""
        self.missing: dict[str, str] = {}

    def take(self, name: str, reading: Reading[T]) -> T | None:
        """The value; its gaps go to `missing` under the part's name."""
        for part, reason in reading.missing.items():
            key = f"{name}.{part}" if part else name
            self.missing[key] = clean(reason) or "not known"
        return reading.value


def integer(text: str, low: int, high: int) -> int | None:
    """An integer in ASCII digits within limits, or `None`."""
    if _INTEGER.fullmatch(text.strip(" \t\r")) is None:
        return None
    value = int(text)
    return value if low <= value <= high else None


def decimal(text: str, low: float, high: float) -> float | None:
    """A finite number in ASCII digits within limits, or `None`."""
    if _DECIMAL.fullmatch(text.strip(" \t\r")) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) and low <= value <= high else None


def cpu_list(text: str) -> tuple[int, ...] | None:
    """Cores as the kernel lists them (`0-3,8` or `0 1 2 3`), or `None`."""
    cpus: set[int] = set()
    for item in text[:_LONGEST_LIST].replace(",", " ").split():
        first, dash, last = item.partition("-")
        low = integer(first, 0, 1023)
        high = integer(last, 0, 1023) if dash else low
        if low is None or high is None:
            return None
        cpus.update(range(low, high + 1))
    return tuple(sorted(cpus)) or None
