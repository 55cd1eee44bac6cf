"""The power meters of Pixel phones below /sys/bus/iio."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketbench.devices.simulated.profile import Profile


def meter_files(profile: Profile, uptime_s: float, busy_s: float) -> dict[str, str]:
    """Counters in uWs since boot, one file per chip; without the leading slash."""
    at_ms = int(uptime_s * 1000)
    files = {}
    for chip, rails in enumerate(profile.meters):
        folder = f"sys/bus/iio/devices/iio:device{chip}"
        lines = [f"t={at_ms}"]
        for channel, rail in enumerate(rails):
            idle_s = uptime_s - busy_s
            energy_uws = int(rail.idle_uw * idle_s + rail.busy_uw * busy_s)
            lines.append(f"CH{channel}(T={at_ms})[{rail.name}], {energy_uws}")
        files[f"{folder}/energy_value"] = "\n".join(lines) + "\n"
        files[f"{folder}/enabled_rails"] = "".join(
            f"CH{channel}[{rail.name}]\n" for channel, rail in enumerate(rails)
        )
    return files
