"""`df`: how much room a phone has for files."""

from __future__ import annotations

import itertools
import re

from pocketbench.bench.records.conditions import Missing
from pocketbench.devices.conditions.reading import clean, integer

DF_SCRIPT = "df -k /data/local/tmp 2>&1 || df /data 2>&1"
"""For `sh -c`; before Android 6 df knows no option and only mount points."""

_MOST_KIB = 2**40
_SCALED = re.compile(r"([0-9]+(?:\.[0-9]+)?)([KMG])", re.ASCII)
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


def parse_free_space(text: str) -> int | Missing:
    """Free bytes, from toybox' table in KiB or from toolbox' with units.

    Columns are counted from the right: the first may hold anything.
    """
    lines = [line.split() for line in text.splitlines() if line.strip()]
    for heading, row in itertools.pairwise(lines):
        if "1K-blocks" in heading and len(row) >= 5:
            # ... Available, Use%, Mounted on
            kib = integer(row[-3], 0, _MOST_KIB)
            if kib is not None:
                return kib * 1024
        if heading[-1] == "Blksize" and len(row) >= 5:
            # ... Free, Blksize
            found = _SCALED.fullmatch(row[-2])
            if found:
                return round(float(found[1]) * _UNITS[found[2]])
    return Missing(reason=clean(text) or "df says nothing")
