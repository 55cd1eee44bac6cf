"""`dumpsys battery` and /sys/class/power_supply/battery."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketbench.devices.simulated.phone.state import State
    from pocketbench.devices.simulated.profile import Profile

_STATUS = ("unknown", "charging", "discharging", "not_charging", "full")
"""android.os.BatteryManager counts them from 1."""

_HAS_DOCK_SINCE = 31
_HAS_CAPACITY_LEVEL_SINCE = 34


def battery_service(profile: Profile, state: State) -> str:
    """The dump, as Android's BatteryService writes it, and the vendor's lines."""
    battery = profile.battery
    plugged, status = _power(profile, state)
    charging = plugged is not None
    lines = [
        "Current Battery Service state:",
        f"  AC powered: {_word(plugged == 'ac')}",
        f"  USB powered: {_word(plugged == 'usb')}",
        f"  Wireless powered: {_word(plugged == 'wireless')}",
    ]
    if profile.identity.api_level >= _HAS_DOCK_SINCE:
        lines.append("  Dock powered: false")
    lines += [
        f"  Max charging current: {battery.max_charging_current_ua * charging}",
        f"  Max charging voltage: {battery.max_charging_voltage_uv * charging}",
        f"  Charge counter: {battery.charge_counter_uah}",
        f"  status: {_STATUS.index(status) + 1}",
        "  health: 2",
        "  present: true",
        f"  level: {_level(profile, state)}",
        "  scale: 100",
        f"  voltage: {battery.voltage_mv}",
        f"  temperature: {_tenths(profile, state)}",
        "  technology: Li-ion",
    ]
    if profile.identity.api_level >= _HAS_CAPACITY_LEVEL_SINCE:
        lines += ["  Charging state: 0", "  Charging policy: 0", "  Capacity level: -1"]
    return "\n".join([*lines, *battery.vendor_lines]) + "\n"


def sysfs_files(profile: Profile, state: State) -> dict[str, str]:
    """The kernel's view; without the leading slash."""
    battery = profile.battery
    plugged, status = _power(profile, state)
    current = battery.current_ua
    if state.charging is not None and (plugged is None) != (battery.plugged is None):
        current = -current
    texts = {
        "type": "Battery",
        "present": "1",
        "health": "Good",
        "technology": "Li-ion",
        "capacity": _level(profile, state),
        "status": status.replace("_", " ").title().replace("Not C", "Not c"),
        "temp": _tenths(profile, state),
        "voltage_now": battery.voltage_mv * 1000,
        "current_now": current,
        "charge_counter": battery.charge_counter_uah,
    }
    folder = "sys/class/power_supply/battery"
    return {f"{folder}/{name}": f"{value}\n" for name, value in texts.items()}


def unreadable(profile: Profile) -> tuple[str, ...]:
    """Folders that the shell user may not look into."""
    return () if profile.battery.sysfs_readable else ("sys/class/power_supply",)


def _power(profile: Profile, state: State) -> tuple[str | None, str]:
    if state.charging is None:
        return profile.battery.plugged, profile.battery.status
    if state.charging:
        return profile.battery.plugged or "usb", "charging"
    return None, "discharging"


def _level(profile: Profile, state: State) -> int:
    level = state.battery_level
    return profile.battery.level if level is None else level


def _tenths(profile: Profile, state: State) -> int:
    # A battery feels about half of what the processor's surroundings gain.
    return round((profile.battery.temperature_c + state.heat_c / 2) * 10)


def _word(value: bool) -> str:
    return "true" if value else "false"
