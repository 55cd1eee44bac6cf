"""The texts a phone answers with, made from its profile and its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.devices.simulated.content import battery, cpu, energy, memory, thermal
from pocketbench.devices.simulated.content.properties import properties
from pocketbench.devices.simulated.phone import translator
from pocketbench.devices.simulated.phone.rootfs import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocketbench.devices.simulated.phone.state import State
    from pocketbench.devices.simulated.phone.tools import Tools
    from pocketbench.devices.simulated.profile import Profile

__all__ = ["changing_files", "fixed_files", "links", "unreadable"]


def fixed_files(profile: Profile, *, serial: str, tools: Tools) -> dict[str, str]:
    """What stays as it is, by path below the root."""
    found = properties(profile, serial=serial, tools=tools)
    listing = "".join(f"[{key}]: [{value}]\n" for key, value in sorted(found.items()))
    files = {f"{PRIVATE}/property/{key}": f"{value}\n" for key, value in found.items()}
    identity = profile.identity
    files |= {
        f"{PRIVATE}/properties": listing,
        f"{PRIVATE}/facts": _facts(profile),
        "etc/passwd": "shell:x:2000:2000:shell:/:/system/bin/sh\n",
        "etc/group": "shell:x:2000:\n",
        "proc/cpuinfo": cpu.cpuinfo(profile),
        "proc/version": (
            f"Linux version {identity.kernel} (build@{identity.brand}) #1 SMP PREEMPT\n"
        ),
    }
    if profile.fixed_performance:
        files[f"{PRIVATE}/fixed_performance"] = ""
    return files | cpu.fixed_files(profile)


def links(profile: Profile) -> dict[str, str]:
    """Symbolic links, by path below the root."""
    return cpu.links(profile)


def changing_files(
    profile: Profile,
    state: State,
    *,
    uptime_s: float,
    busy_s: float,
    seconds_at_khz: Mapping[int, Mapping[int, float]],
) -> dict[str, str]:
    """What moves with heat, load and time, by path below the root."""
    files = {
        "proc/meminfo": memory.meminfo(profile, state),
        "proc/sys/kernel/random/boot_id": f"{state.boot_id}\n",
        f"{PRIVATE}/dumpsys/battery": battery.battery_service(profile, state),
        f"{PRIVATE}/state": _state(profile, state),
    }
    if profile.identity.api_level >= thermal.FIRST_API_LEVEL:
        text = thermal.thermalservice(profile, state)
        files[f"{PRIVATE}/dumpsys/thermalservice"] = text
    files |= thermal.zone_files(profile, state)
    files |= battery.sysfs_files(profile, state)
    files |= cpu.changing_files(profile, state, seconds_at_khz)
    return files | energy.meter_files(profile, uptime_s, busy_s)


def unreadable(profile: Profile) -> tuple[str, ...]:
    """Paths that exist, and that the shell user may not read."""
    return (
        *cpu.unreadable(profile),
        *thermal.unreadable(profile),
        *battery.unreadable(profile),
    )


def _facts(profile: Profile) -> str:
    """For the phone's own commands, as assignments for its shell."""
    values = {
        "api_level": profile.identity.api_level,
        "core_count": profile.core_count,
        "kernel": profile.identity.kernel,
        "page_size": profile.memory.page_size_bytes,
        "machine": translator.machine_of(profile),
        "screen_size": profile.screen_size,
        "screen_density": profile.screen_density,
        "storage_device": profile.storage.device,
        "storage_total_kb": profile.storage.total_kb,
    }
    return "".join(f"{key}='{value}'\n" for key, value in values.items())


def _state(profile: Profile, state: State) -> str:
    free_kb = state.free_storage_kb
    if free_kb is None:
        free_kb = profile.storage.total_kb - profile.storage.used_kb
    values = {
        "storage_free_kb": free_kb,
        "screen_on": int(state.screen_on),
        "memory_available_kb": state.available_kb or profile.memory.available_kb,
    }
    return "".join(f"{key}='{value}'\n" for key, value in values.items())
