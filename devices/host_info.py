"""What this computer is, in the words used for phones."""

from __future__ import annotations

import ctypes
import glob
import os
import platform
import re
import sys
from pathlib import Path

from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.records.device import CoreCluster, DeviceInfo

ABI_BY_MACHINE = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "i386": "x86",
    "i686": "x86",
    "aarch64": "arm64-v8a",
    "arm64": "arm64-v8a",
    "armv7l": "armeabi-v7a",
    "armv8l": "armeabi-v7a",
    "riscv64": "riscv64",
}
"""Android's name of an ABI for what `platform.machine()` calls it."""

_CPUS = Path("/sys/devices/system/cpu")


def describe_host() -> DeviceInfo:
    """Describe this computer; what cannot be read is `None`."""
    machine = platform.machine().lower()
    cpu = cpu_name()
    os_name, os_version = _system()
    return DeviceInfo(
        id="host",
        family="host",
        name=f"this computer ({cpu or machine})",
        model=cpu,
        abis=(ABI_BY_MACHINE.get(machine, machine),),
        libc=c_library(),
        clusters=_clusters(cpu),
        core_count=os.cpu_count(),
        ram_bytes=_ram_bytes(),
        page_size_bytes=os.sysconf("SC_PAGE_SIZE"),
        os_name=os_name,
        os_version=os_version,
        build_fingerprint=f"{platform.system()} {platform.release()}",
        shares_host_cpu=True,
    )


def c_library() -> str:
    """The C library that programs of this computer are linked against."""
    if sys.platform == "darwin":
        return "darwin"
    # Asked of the running process: the version string exists in glibc alone.
    if hasattr(ctypes.CDLL(None), "gnu_get_libc_version"):
        return "glibc"
    return "musl" if glob.glob("/lib/ld-musl-*.so.1") else "unknown"


def cpu_name() -> str | None:
    """The marketing name of the processor, shortened."""
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string")
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return None
    # x86 says `model name`; small ARM boards say `Hardware` or `Model`.
    found = re.search(r"^(?:model name|Hardware|Model)\s*:\s*(.+)$", text, re.M)
    return _short(found[1]) if found else None


def _short(name: str) -> str:
    name = re.sub(r"\((?:R|TM|tm|r)\)", "", name)
    name = re.sub(r"\s+(?:CPU\b|\d+-Core Processor|Processor)", "", name)
    return " ".join(name.split("@")[0].split())


def _sysctl(key: str) -> str | None:
    done = run_to_end("sysctl", "-n", key, timeout_s=20)
    return done.stdout.strip() or None


def _system() -> tuple[str, str]:
    if sys.platform == "darwin":
        return "macOS", platform.mac_ver()[0]
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.system(), platform.release()
    return release["NAME"], release.get("VERSION_ID", "rolling")


def _ram_bytes() -> int | None:
    if sys.platform == "darwin":
        text = _sysctl("hw.memsize")
        return int(text) if text else None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _clusters(cpu: str | None) -> tuple[CoreCluster, ...]:
    """Group the cores by their highest frequency, slowest first."""
    groups: dict[int | None, list[int]] = {}
    for number in range(os.cpu_count() or 1):
        path = _CPUS / f"cpu{number}/cpufreq/cpuinfo_max_freq"
        try:
            frequency_khz = int(path.read_text())
        except (OSError, ValueError):
            frequency_khz = None
        groups.setdefault(frequency_khz, []).append(number)
    return tuple(
        CoreCluster(cpus=tuple(cpus), name=cpu, max_frequency_khz=frequency_khz)
        for frequency_khz, cpus in sorted(groups.items(), key=lambda kv: kv[0] or 0)
    )
