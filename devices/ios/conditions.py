"""The conditions that the measuring app tells around each launch."""

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
_NOT_TOLD = "iOS does not tell an app"


class Told(NamedTuple):
    """What one launch told."""

    before: Conditions | None = None
    after: Conditions | None = None
    device_model: str | None = None
    """Apple's identifier: `iPhone17,2`."""


def read_conditions(stdout: bytes) -> Told:
    """Read the app's `conditions {...}` lines; what is garbled is not there."""
    found: dict[str, Conditions] = {}
    model = None
    for line in stdout.decode("utf-8", "replace").splitlines():
        if not line.startswith(_PREFIX):
            continue
        try:
            told = json.loads(line.removeprefix(_PREFIX))
        except ValueError:
            continue
        if isinstance(told, dict) and told.get("when") in ("before", "after"):
            found[told["when"]] = _conditions(told)
            if isinstance(told.get("device_model"), str):
                model = told["device_model"]
    return Told(found.get("before"), found.get("after"), model)


def _conditions(told: dict[str, Any]) -> Conditions:
    missing = dict.fromkeys(
        ("thermal.temperatures", "cpu_policies", "load_averages", "energy"), _NOT_TOLD
    )
    thermal = _integer(told, "thermal_state")
    status = _THERMAL_STATUS.get(thermal) if thermal is not None else None
    if status is None:
        missing["thermal"] = "the app did not tell it"
    saver = told.get("low_power_mode")
    return Conditions(
        thermal=Thermal(status=status, hal="ProcessInfo.thermalState")
        if status is not None
        else None,
        battery=_battery(told),
        is_battery_saver=saver if isinstance(saver, bool) else None,
        missing=missing,
    )


def _battery(told: dict[str, Any]) -> Battery | None:
    level, state = _integer(told, "battery_percent"), _integer(told, "battery_state")
    if level is None and state is None:
        return None
    return Battery(
        level=level if level is not None and 0 <= level <= 100 else None,
        scale=100,
        status=_BATTERY_STATUS.get(state) if state is not None else None,
    )


def _integer(told: dict[str, Any], key: str) -> int | None:
    value = told.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
