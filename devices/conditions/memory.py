"""Parse /proc/meminfo: the memory that is free on the whole device."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.bench.records.conditions import MemoryState
from pocketbench.devices.conditions.reading import Reading, integer, nothing

if TYPE_CHECKING:
    from pocketbench.devices.conditions.section import Files

PATH = "/proc/meminfo"
_LINE = re.compile(r"^([A-Za-z]+):\s*([0-9]+) kB\s*$", re.M | re.A)
_MOST_KIB = 2**34
_NAMES = {
    "total_bytes": "MemTotal",
    "available_bytes": "MemAvailable",
    "swap_total_bytes": "SwapTotal",
    "swap_free_bytes": "SwapFree",
}


def parse_meminfo(files: Files) -> Reading[MemoryState]:
    """Total, available and swap; MemAvailable is there since kernel 3.14."""
    found: dict[str, int] = {}
    for key, number in _LINE.findall(files.text(PATH) or ""):
        kib = integer(number, 0, _MOST_KIB)
        if kib is not None:
            found.setdefault(key, kib * 1024)
    values = {name: found[key] for name, key in _NAMES.items() if key in found}
    if not values:
        return nothing(files.reason(PATH))
    missing = {name: "not stated" for name in _NAMES if name not in values}
    return Reading(MemoryState(**values), missing)
