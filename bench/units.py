"""Numbers and others' words for people; machine outputs are never scaled."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))
_RATES = {"per_s": "/s", "tokens_per_s": "tokens/s"}
_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))
_UNSHOWABLE = dict.fromkeys(
    [
        *(code for code in range(32) if chr(code) not in "\t\n\r"),
        *range(0x7F, 0xA0),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    ],
    "\N{REPLACEMENT CHARACTER}",
) | {ord("\r"): None}
"""Terminal controls, and marks that change the direction of the text around them."""
_CI_COMMAND = re.compile(r"^\s*:(?=:)|#(?=#\[)", re.MULTILINE)
"""What a CI log takes for a command: `::error` at a line's start, `##[error]` in it."""


class Scale(NamedTuple):
    """What the numbers of one column or axis are divided by, and its name."""

    size: float
    name: str

    def format(self, value: float) -> str:
        """A value in this unit, without its name."""
        return significant(value / self.size)


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits; an exponent for the smallest.

    >>> significant(0.012345), significant(12.345), significant(12345)
    ('0.0123', '12.3', '12345')
    >>> significant(0.00000000746), significant(float("inf"))
    ('7.5e-09', 'inf')
    """
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return str(value)
    if abs(value) < 1e-5:
        return f"{value:.{max(0, digits - 2)}e}"
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


def format_span(seconds: float) -> str:
    """How long something may take: `45 s`, `12 min`, `1.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{significant(seconds / 3600)} h"


def common_scale(unit: str, values: Iterable[float]) -> Scale:
    """The one unit for all values of a column or axis, chosen by their median.

    `unit` is the stored one: `ns`, `bytes`, `per_s` or `tokens_per_s`; any other stays
    as it is.

    >>> common_scale("ns", [9e5, 12e6, 30e6])
    Scale(size=1000000.0, name='ms')
    """
    present = [abs(value) for value in values if value]
    middle = statistics.median(present) if present else 0.0
    if unit == "ns":
        return Scale(*time_unit(middle))
    if unit == "bytes":
        return Scale(*size_unit(middle))
    return Scale(1.0, _RATES.get(unit, unit))


def format_value(unit: str, value: float) -> str:
    """A number with its unit: `12.4 ms`, `31.0 MiB`, `80.6 /s`."""
    scale = common_scale(unit, [value])
    return f"{scale.format(value)} {scale.name}".rstrip()


def format_times_or_percent(ratio: float, *, as_times: bool = False) -> str:
    """How far a ratio is from 1, the same for a ratio and its inverse.

    Up to 100 %, then times, so that "49 % slower" and "49 % faster" undo each other.

    >>> [format_times_or_percent(r) for r in (0.476, 2.1, 0.8, 1.05, 1.003)]
    ['2.1x', '2.1x', '25 %', '5 %', '0.3 %']
    """
    if ratio <= 0:
        return f"{significant(ratio)}x"
    away = max(ratio, 1 / ratio)
    if as_times or away >= 2:
        return f"{significant(away, 2 if away < 10 else 3)}x"
    return format_percent(away - 1)


def format_percent(share: float) -> str:
    """`25 %`; below 1 % with one significant digit.

    >>> format_percent(0.254), format_percent(0.0031)
    ('25 %', '0.3 %')
    """
    percent = share * 100
    return f"{percent:.0f} %" if percent >= 1 else f"{significant(percent, 1)} %"


def cpu_words(cpus: tuple[int, ...]) -> str:
    """Cores as the kernel lists them.

    >>> cpu_words((0, 1, 2, 3)), cpu_words((8,)), cpu_words((0, 4))
    ('0-3', '8', '0,4')
    >>> cpu_words((0, 2**63))
    '0,9223372036854775808'
    """
    if len(cpus) > 1 and all(after - before == 1 for before, after in pairwise(cpus)):
        return f"{cpus[0]}-{cpus[-1]}"
    return ",".join(map(str, cpus))


def shown(text: str) -> str:
    """Words of others as a terminal or a CI log may have them: they steer neither.

    >>> shown("::error ::\\x1b[2J")
    ': :error ::�[2J'
    """
    return _CI_COMMAND.sub(r"\g<0> ", text.translate(_UNSHOWABLE))
