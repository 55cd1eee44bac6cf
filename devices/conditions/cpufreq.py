"""Clock domains from /sys/devices/system/cpu: limits, governor, time in state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.bench.records.conditions import CpuPolicy
from pocketbench.devices.conditions.reading import Reading, clean, cpu_list, integer

if TYPE_CHECKING:
    from pocketbench.devices.conditions.section import Files

ROOT = "/sys/devices/system/cpu"
NAMES = (
    "related_cpus",
    "scaling_cur_freq",
    "scaling_min_freq",
    "scaling_max_freq",
    "cpuinfo_max_freq",
    "scaling_governor",
    "stats/time_in_state",
)
"""The files read of each clock domain."""

_FOLDER = re.compile(
    rf"({re.escape(ROOT)}/(?:cpufreq/policy|cpu)([0-9]{{1,4}})(?:/cpufreq)?)/(.+)"
)
_SLOWEST_KHZ, _FASTEST_KHZ = 10_000, 10_000_000
_MOST_TICKS = 10**12
_GOVERNOR = re.compile(r"[\w.-]{1,32}", re.ASCII)


def parse_cpufreq(files: Files) -> Reading[tuple[CpuPolicy, ...]]:
    """One value per clock domain, in the order of their cores.

    Old kernels have no policy folders and repeat a domain under each of its cores;
    the first core stands for it.
    """
    missing: dict[str, str] = {}
    policies: list[CpuPolicy] = []
    seen: set[int] = set()
    for number, folder in sorted(_folders(files).items()):
        if number in seen:
            continue
        policy = _policy(files, folder, number, missing)
        seen.update(policy.cpus)
        policies.append(policy)
    if not policies:
        return Reading(None, {"": _why_none(files)})
    return Reading(tuple(policies), missing)


def parse_online(files: Files) -> Reading[tuple[int, ...]]:
    """The cores that are switched on."""
    path = f"{ROOT}/online"
    cpus = cpu_list(files.text(path) or "")
    return Reading(cpus, {} if cpus else {"": files.reason(path)})


def _folders(files: Files) -> dict[int, str]:
    found: dict[int, str] = {}
    for path in files.texts:
        match = _FOLDER.fullmatch(path)
        if match and match[3] in NAMES:
            found.setdefault(int(match[2]), match[1])
    return found


def _policy(
    files: Files, folder: str, number: int, missing: dict[str, str]
) -> CpuPolicy:
    def khz(file: str, name: str) -> int | None:
        text = files.text(f"{folder}/{file}")
        value = integer(text or "", _SLOWEST_KHZ, _FASTEST_KHZ)
        if value is None:
            missing[f"{number}.{name}"] = (
                f"{file}: {clean(text)[:40]}"
                if text
                else files.reason(f"{folder}/{file}")
            )
        return value

    governor = files.text(f"{folder}/scaling_governor")
    if governor is None or not _GOVERNOR.fullmatch(governor):
        missing[f"{number}.governor"] = files.reason(f"{folder}/scaling_governor")
        governor = None
    ticks = _time_in_state(files.text(f"{folder}/stats/time_in_state") or "")
    if ticks is None:
        missing[f"{number}.time_in_state_ticks"] = files.reason(
            f"{folder}/stats/time_in_state"
        )
    cpus = cpu_list(files.text(f"{folder}/related_cpus") or "")
    if cpus is None:
        missing[f"{number}.cpus"] = files.reason(f"{folder}/related_cpus")
    return CpuPolicy(
        id=number,
        cpus=cpus or (number,),
        current_frequency_khz=khz("scaling_cur_freq", "current_frequency_khz"),
        min_frequency_khz=khz("scaling_min_freq", "min_frequency_khz"),
        max_frequency_khz=khz("scaling_max_freq", "max_frequency_khz"),
        hardware_max_frequency_khz=khz(
            "cpuinfo_max_freq", "hardware_max_frequency_khz"
        ),
        governor=governor,
        time_in_state_ticks=ticks,
    )


def _time_in_state(text: str) -> dict[int, int] | None:
    """Lines `frequency_khz ticks`, in either order of frequency.

    One bad line spoils the counters: a difference of what is left would be wrong.
    """
    ticks: dict[int, int] = {}
    for line in text.split("\n"):
        words = line.split()
        if not words:
            continue
        if len(words) != 2:
            return None
        khz = integer(words[0], _SLOWEST_KHZ, _FASTEST_KHZ)
        count = integer(words[1], 0, _MOST_TICKS)
        if khz is None or count is None or khz in ticks:
            return None
        ticks[khz] = count
    return ticks or None


def _why_none(files: Files) -> str:
    if files.absence != "no such file":
        return files.absence
    denied = (e for p, e in files.errors.items() if _FOLDER.fullmatch(p))
    return next(denied, "no readable clock domain")
