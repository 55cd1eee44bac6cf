"""/proc/meminfo."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketbench.devices.simulated.phone.state import State
    from pocketbench.devices.simulated.profile import Profile


def meminfo(profile: Profile, state: State) -> str:
    """The kernel's lines; every state's text has the same length."""
    memory = profile.memory
    available = memory.available_kb
    if state.available_kb is not None:
        available = min(state.available_kb, memory.total_kb)
    # What is available is mostly file cache, as on any phone that has been on a while.
    free = available // 6
    cached = available - free
    values = {
        "MemTotal": memory.total_kb,
        "MemFree": free,
        "MemAvailable": available,
        "Buffers": cached // 200,
        "Cached": cached,
        "SwapCached": (memory.swap_total_kb - memory.swap_free_kb) // 40,
        "Active": memory.total_kb // 4,
        "Inactive": memory.total_kb // 5,
        "SwapTotal": memory.swap_total_kb,
        "SwapFree": memory.swap_free_kb,
        "Dirty": 96,
        "Writeback": 0,
        "AnonPages": memory.total_kb // 5,
        "Mapped": memory.total_kb // 12,
        "Slab": memory.total_kb // 30,
    }
    return "".join(f"{key + ':':<16}{value:>8} kB\n" for key, value in values.items())
