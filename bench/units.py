"""Numbers for people; machine outputs are never scaled."""

from __future__ import annotations

_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))
_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits and no exponent.

    >>> significant(0.012345), significant(12.345), significant(12345)
    ('0.0123', '12.3', '12345')
    """
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = int(f"{rounded:e}".split("e")[1])
    return f"{value:.{max(0, digits - 1 - exponent)}f}"


def time_unit(value_ns: float) -> tuple[float, str]:
    """The unit that gives 1 to 3 digits before the point: (nanoseconds in it, name)."""
    for size, name in _TIMES:
        if abs(value_ns) >= size:
            return size, name
    return 1.0, "ns"


def size_unit(value_bytes: float) -> tuple[float, str]:
    """The binary unit for a number of bytes: (bytes in it, name)."""
    for size, name in _SIZES:
        if abs(value_bytes) >= size:
            return float(size), name
    return 1.0, "B"


def format_time(value_ns: float) -> str:
    """A duration: `12.4 ms`."""
    size, name = time_unit(value_ns)
    return f"{significant(value_ns / size)} {name}"


def format_size(value_bytes: float) -> str:
    """A number of bytes: `31.0 MiB`."""
    size, name = size_unit(value_bytes)
    return f"{significant(value_bytes / size)} {name}"
