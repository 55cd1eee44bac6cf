"""`dumpsys thermalservice` and /sys/class/thermal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketbench.devices.simulated.phone.state import State
    from pocketbench.devices.simulated.profile import Profile
    from pocketbench.devices.simulated.profile_tables import Sensor

FIRST_API_LEVEL = 29
"""Android 10 brought the thermal service."""

_WORDS = {
    -1: "UNKNOWN",
    0: "CPU",
    1: "GPU",
    2: "BATTERY",
    3: "SKIN",
    4: "USB_PORT",
    5: "POWER_AMPLIFIER",
    6: "BCL_VOLTAGE",
    7: "BCL_CURRENT",
    8: "BCL_PERCENTAGE",
    9: "NPU",
}
_NO_THRESHOLDS = (math.nan,) * 7


def thermalservice(profile: Profile, state: State) -> str:
    """The dump, as Android's ThermalManagerService writes it."""
    thermal = profile.thermal
    status = state.thermal_status
    if status is None:
        skins = [
            _status(s, state) for s in thermal.sensors if s.type == thermal.skin_type
        ]
        status = max([thermal.status, *skins])
    lines = [
        "IsStatusOverride: false",
        "ThermalEventListeners:",
        "\tcallbacks: 4",
        "\tkilled: false",
        "\tbroadcasts count: -1",
        "ThermalStatusListeners:",
        "\tcallbacks: 3",
        "\tkilled: false",
        "\tbroadcasts count: -1",
        f"Thermal Status: {status}",
        "Cached temperatures:",
    ]
    lines += [
        _temperature(sensor, _value(sensor, thermal.cached_offset), 0)
        for sensor in reversed(thermal.sensors)
    ]
    lines.append(f"HAL Ready: {str(thermal.hal_ready).lower()}")
    if thermal.connection is None:
        return "\n".join(lines) + "\n"
    lines += ["HAL connection:", f"\t{thermal.connection}"]
    lines.append("Current temperatures from HAL:")
    if not thermal.cached_only:
        lines += [
            _temperature(sensor, _value(sensor, state.heat_c), _status(sensor, state))
            for sensor in thermal.sensors
        ]
    lines.append("Current cooling devices from HAL:")
    lines += [
        f"\tCoolingDevice{{mValue={item.value}, mType={item.type}, mName={item.name}}}"
        for item in thermal.cooling
    ]
    if thermal.threshold_style != "none":
        lines.append("Temperature static thresholds from HAL:")
        lines += [
            _threshold(sensor, hidl=thermal.threshold_style == "hidl")
            for sensor in thermal.sensors
            if sensor.hot_c is not None
        ]
    return "\n".join(lines) + "\n"


def zone_files(profile: Profile, state: State) -> dict[str, str]:
    """Every thermal zone's type and temperature; without the leading slash."""
    files = {}
    for number, zone in enumerate(profile.thermal.zones):
        folder = f"sys/class/thermal/thermal_zone{number}"
        files[f"{folder}/type"] = f"{zone.type}\n"
        files[f"{folder}/temp"] = f"{zone.raw + round(state.heat_c * zone.heats)}\n"
    return files


def unreadable(profile: Profile) -> tuple[str, ...]:
    """Folders that the shell user may not look into."""
    return () if profile.thermal.zones_readable else ("sys/class/thermal",)


def _value(sensor: Sensor, heat_c: float) -> float:
    return sensor.value + heat_c * sensor.heats


def _status(sensor: Sensor, state: State) -> int:
    """The highest status whose threshold the sensor has reached."""
    value = _value(sensor, state.heat_c)
    reached = [
        status for status, hot_c in enumerate(sensor.hot_c or ()) if value >= hot_c
    ]
    return max([sensor.status, *reached])


def _temperature(sensor: Sensor, value: float, status: int) -> str:
    return (
        f"\tTemperature{{mValue={round(value, 3)}, mType={sensor.type}, "
        f"mName={sensor.name}, mStatus={status}}}"
    )


def _threshold(sensor: Sensor, *, hidl: bool) -> str:
    hot = _numbers(sensor.hot_c or _NO_THRESHOLDS)
    cold = _numbers(_NO_THRESHOLDS)
    if hidl:
        return (
            f"\t{{.type = {_WORDS.get(sensor.type, 'UNKNOWN')}, "
            f".name = {sensor.name}, .hotThrottlingThresholds = [{hot}], "
            f".coldThrottlingThresholds = [{cold}], .vrThrottlingThreshold = NaN}}"
        )
    return (
        f"\tTemperatureThreshold{{mType={sensor.type}, mName={sensor.name}, "
        f"mHotThrottlingThresholds=[{hot}], mColdThrottlingThresholds=[{cold}]}}"
    )


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join("NaN" if math.isnan(value) else str(value) for value in values)
