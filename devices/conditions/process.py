"""/proc: load, uptime, and what a program started from the shell may use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.devices.conditions.reading import (
    Reading,
    clean,
    cpu_list,
    decimal,
    nothing,
)

if TYPE_CHECKING:
    from pocketbench.devices.conditions.section import Files

LOAD = "/proc/loadavg"
UPTIME = "/proc/uptime"
CPUSET = "/proc/self/cpuset"
STATUS = "/proc/self/status"
_ALLOWED = re.compile(r"^Cpus_allowed_list:\s*(\S.*)$", re.M)
_HIGHEST_LOAD = 100_000.0
_LONGEST_UPTIME_S = 1e9
_CPUSET = re.compile(r"/[\w./-]{0,100}", re.ASCII)


def parse_load(files: Files) -> Reading[tuple[float, float, float]]:
    """The three load averages."""
    text = files.text(LOAD)
    if text is None:
        return nothing(files.reason(LOAD))
    numbers = [decimal(word, 0, _HIGHEST_LOAD) for word in text.split()[:3]]
    if len(numbers) < 3:
        return nothing(f"not understood: {text[:40]}")
    one, five, fifteen = numbers
    if one is None or five is None or fifteen is None:
        return nothing(f"not understood: {text[:40]}")
    return Reading((one, five, fifteen), {})


def parse_uptime(files: Files) -> Reading[float]:
    """Seconds since boot, sleep included."""
    text = files.text(UPTIME)
    if text is None:
        return nothing(files.reason(UPTIME))
    value = decimal(text.split()[0], 0, _LONGEST_UPTIME_S)
    return (
        nothing(f"not understood: {text[:40]}") if value is None else Reading(value, {})
    )


def parse_cpuset(files: Files) -> Reading[str]:
    """The cpuset that the shell, and so a launched program, is in."""
    text = files.text(CPUSET)
    if text is None:
        return nothing(files.reason(CPUSET))
    if not _CPUSET.fullmatch(text):
        return nothing(f"not understood: {clean(text)[:40]}")
    return Reading(text, {})


def parse_allowed_cpus(files: Files) -> Reading[tuple[int, ...]]:
    """The cores that the shell, and so a launched program, may run on."""
    match = _ALLOWED.search(files.text(STATUS) or "")
    cpus = cpu_list(match[1]) if match else None
    if cpus is None:
        return nothing(files.reason(STATUS) if match is None else "not understood")
    return Reading(cpus, {})
