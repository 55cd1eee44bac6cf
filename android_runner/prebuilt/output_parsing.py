"""What a program printed, as text and as exact numbers."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
"""A finite number as C++ streams print one; `1.23457e+06` from a million up."""

NUMBER_OR_NOT = rf"(?:{NUMBER}|-?inf|-?nan)"
"""The same, or what a division by zero prints."""

STREAM_DIGITS = 6
"""Significant digits of a C++ stream with its defaults (ISO C++, ios_base)."""

_FINITE = re.compile(NUMBER)
_BEYOND_NUMBERS = re.compile(r"\d{40,}")


def lines_of(output: bytes) -> list[str]:
    """The lines of an output, without carriage returns (a terminal adds them).

    No program prints a whole number of 40 digits: it is made one that matches no form.
    """
    text = _BEYOND_NUMBERS.sub("?", output.decode("utf-8", "replace"))
    return [line.strip("\r").rstrip() for line in text.split("\n")]


def whole_lines_of(output: bytes) -> list[str]:
    """The same without a last line that may have been cut inside a number."""
    *whole, last = lines_of(output)
    return whole if last[-1:] in tuple("0123456789.eE+-") else [*whole, last]


def exact(text: str) -> Decimal | None:
    """The finite number a text is, without rounding; `None` when it is none."""
    if not _FINITE.fullmatch(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= 30 else None


def to_ns(value: Decimal, unit_ns: int) -> int:
    """A number of some unit as whole nanoseconds, half to even."""
    return int((value * unit_ns).to_integral_value())


def stream_step(value: Decimal) -> Decimal:
    """The difference between neighbouring numbers a C++ stream prints near a value."""
    if value == 0:
        return Decimal(0)
    return Decimal(1).scaleb(value.adjusted() - (STREAM_DIGITS - 1))


def decimal_step(text: str) -> Decimal:
    """The unit of the last digit of a number printed with a fixed point."""
    exponent = Decimal(text).as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(0)
