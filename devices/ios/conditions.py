"""The conditions that the measuring app reports around each launch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pocketbench.bench.records.conditions import Battery, Conditions, Thermal

if TYPE_CHECKING:
    from pocketbench.bench.records.conditions import BatteryStatus

_PREFIX = "conditions "
_THERMAL_STATUS = {0: 0, 1: 1, 2: 3, 3: 4}
"""ProcessInfo.ThermalState nominal, fair, serious, critical as Android's none, light,
severe, critical: both vendors describe the same consequences for an app."""
_BATTERY_STATUS: dict[int, BatteryStatus] = {
    0: "unknown",
    1: "discharging",
    2: "charging",
    3: "full",
}
"""UIDevice.BatteryState unknown, unplugged, charging, full."""
_UNAVAILABLE = "iOS does not give it to apps"


class AppConditions(NamedTuple):
    """What one launch reported."""

    before: Conditions | None = None
    after: Conditions | None = None
    device_model: str | None = None
    """Apple's identifier: `iPhone17,2`."""


def read_conditions(stdout: bytes) -> AppConditions:
    """Read the app's `conditions {...}` lines; what is garbled is not there."""
    found: dict[str, Conditions] = {}
    model = None
    for line in stdout.decode("utf-8", "replace").splitlines():
        if not line.startswith(_PREFIX):
            continue
        try:
            parsed = json.loads(line.removeprefix(_PREFIX))
        except ValueError:
            continue
        if isinstance(parsed, dict) and parsed.get("when") in ("before", "after"):
            found[parsed["when"]] = _conditions(parsed)
            if isinstance(parsed.get("device_model"), str):
                model = parsed["device_model"]
    return AppConditions(found.get("before"), found.get("after"), model)


def _conditions(parsed: dict[str, Any]) -> Conditions:
    missing = dict.fromkeys(
        ("thermal.temperatures", "cpu_policies", "load_averages", "energy"),
        _UNAVAILABLE,
    )
    thermal = _integer(parsed, "thermal_state")
    status = _THERMAL_STATUS.get(thermal) if thermal is not None else None
    if status is None:
        missing["thermal"] = "the app did not report it"
    saver = parsed.get("low_power_mode")
    return Conditions(
        thermal=Thermal(status=status, hal="ProcessInfo.thermalState")
        if status is not None
        else None,
        battery=_battery(parsed),
        is_battery_saver=saver if isinstance(saver, bool) else None,
        missing=missing,
    )


def _battery(parsed: dict[str, Any]) -> Battery | None:
    level, state = (
        _integer(parsed, "battery_percent"),
        _integer(parsed, "battery_state"),
    )
    if level is None and state is None:
        return None
    return Battery(
        level=level if level is not None and 0 <= level <= 100 else None,
        scale=100,
        status=_BATTERY_STATUS.get(state) if state is not None else None,
    )


def _integer(parsed: dict[str, Any], key: str) -> int | None:
    value = parsed.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
