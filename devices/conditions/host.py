"""This computer's conditions, read from /proc and /sys without a shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.bench.records.conditions import Conditions
from pocketbench.devices.conditions import cpufreq, memory, process
from pocketbench.devices.conditions.reading import Gathering
from pocketbench.devices.conditions.section import Files
from pocketbench.devices.conditions.thermal import parse_thermal_zones

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_READ = {
    **dict.fromkeys(
        ("screen", "is_battery_saver", "is_dozing", "is_fixed_performance", "build"),
        "Android only",
    ),
    "battery": "not read on a computer",
    "energy": "the processor's counters are for root only",
}
_SMALL_BYTES = 65_536


def read_host_conditions(root: Path = Path("/")) -> Conditions:
    """Read what a Linux computer shows without any right; elsewhere all is missing.

    Args:
        root: Stands for `/`, so that a test can bring a computer of its own.
    """
    files = _read_files(root)
    gathering = Gathering()
    gathering.missing.update(_NOT_READ)
    take = gathering.take
    return Conditions(
        thermal=take("thermal", parse_thermal_zones(files)),
        cpu_policies=take("cpu_policies", cpufreq.parse_cpufreq(files)),
        online_cpus=take("online_cpus", cpufreq.parse_online(files)),
        memory=take("memory", memory.parse_meminfo(files)),
        load_averages=take("load_averages", process.parse_load(files)),
        cpuset=take("cpuset", process.parse_cpuset(files)),
        allowed_cpus=take("allowed_cpus", process.parse_allowed_cpus(files)),
        uptime_s=take("uptime_s", process.parse_uptime(files)),
        missing=gathering.missing,
    )


def _read_files(root: Path) -> Files:
    texts: dict[str, str] = {}
    errors: dict[str, str] = {}
    for path in _paths(root):
        name = f"/{path.relative_to(root)}"
        try:
            with path.open("rb") as file:
                texts[name] = file.read(_SMALL_BYTES).decode("utf-8", "replace")
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                errors[name] = error.strerror or "cannot be read"
    return Files(texts, errors)


def _paths(root: Path) -> Iterator[Path]:
    names = (
        memory.PATH,
        process.LOAD,
        process.UPTIME,
        process.CPUSET,
        process.STATUS,
        f"{cpufreq.ROOT}/online",
    )
    for name in names:
        yield root / name[1:]
    for policy in root.glob(f"{cpufreq.ROOT[1:]}/cpufreq/policy*"):
        for name in cpufreq.NAMES:
            yield policy / name
    for zone in root.glob("sys/class/thermal/thermal_zone*"):
        yield zone / "type"
        yield zone / "temp"
