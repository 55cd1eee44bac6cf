"""The energy of a launch, where it can be had honestly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from pocketbench.bench.records.conditions import Missing
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from pocketbench.bench.records.conditions import Battery, Conditions


class EnergyUsed(Value, frozen=True, kw_only=True):
    """What the whole device, not one program, used between two readings."""

    energy_uj: int
    elapsed_ms: int
    method: Literal["rails", "battery_current"]
    """`rails`: counters of power rails, an integral. `battery_current`: the mean of
    current times voltage at the two readings, times the time between; what happened
    in between it does not see, so it is a rough lower figure."""
    rails_uj: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def power_mw(self) -> float:
        """The mean power."""
        return self.energy_uj / self.elapsed_ms


def energy_used(before: Conditions, after: Conditions) -> EnergyUsed | Missing:
    """The energy between two readings, from rails or else from the battery."""
    by_rails = _from_rails(before, after)
    if isinstance(by_rails, EnergyUsed):
        return by_rails
    by_battery = _from_battery(before, after)
    if isinstance(by_battery, EnergyUsed):
        return by_battery
    return Missing(reason=f"{by_rails.reason}; {by_battery.reason}")


def _from_rails(before: Conditions, after: Conditions) -> EnergyUsed | Missing:
    if not before.energy or not after.energy:
        reading = before if not before.energy else after
        return Missing(reason=reading.missing.get("energy", "no power rails"))
    earlier = {m.device: m for m in before.energy}
    rails: dict[str, int] = {}
    elapsed_ms = 0
    for meter in after.energy:
        was = earlier.get(meter.device)
        if was is None or was.rails_uj.keys() != meter.rails_uj.keys():
            return Missing(reason=f"power rails of {meter.device} changed")
        if meter.at_ms <= was.at_ms:
            return Missing(reason=f"the counters of {meter.device} did not move")
        elapsed_ms = max(elapsed_ms, meter.at_ms - was.at_ms)
        for rail, value in meter.rails_uj.items():
            if value < was.rails_uj[rail]:
                return Missing(reason=f"power rail {rail} was reset")
            rails[f"{meter.device}/{rail}"] = value - was.rails_uj[rail]
    return EnergyUsed(
        energy_uj=sum(rails.values()),
        elapsed_ms=elapsed_ms,
        method="rails",
        rails_uj=rails,
    )


def _from_battery(before: Conditions, after: Conditions) -> EnergyUsed | Missing:
    if before.battery is None or after.battery is None:
        reading = before if before.battery is None else after
        return Missing(reason=reading.missing.get("battery", "no battery was read"))
    for battery in (before.battery, after.battery):
        if battery.is_fiction:
            return Missing(reason="the battery's values are pinned")
        if battery.is_charging is None:
            return Missing(reason="not known whether the battery was charging")
        if battery.is_charging:
            return Missing(reason="the phone was on power")
    powers = (_power_nw(before.battery), _power_nw(after.battery))
    if powers[0] is None or powers[1] is None:
        reading = before if powers[0] is None else after
        return Missing(
            reason=f"no battery current ({reading.missing['battery.current_ua']})"
            if "battery.current_ua" in reading.missing
            else "no battery current"
        )
    if powers[0] * powers[1] < 0:
        return Missing(reason="the battery current changed its sign")
    if before.uptime_s is None or after.uptime_s is None:
        return Missing(reason="no uptime")
    elapsed_ms = (after.uptime_s - before.uptime_s) * 1000
    energy_uj = abs(powers[0] + powers[1]) / 2 * elapsed_ms / 1e6
    if not math.isfinite(energy_uj):
        return Missing(reason="the uptime cannot be true")
    if round(elapsed_ms) <= 0:
        return Missing(reason="the phone restarted")
    return EnergyUsed(
        energy_uj=round(energy_uj),
        elapsed_ms=round(elapsed_ms),
        method="battery_current",
    )


def _power_nw(battery: Battery) -> int | None:
    if not battery.current_ua or not battery.voltage_mv:
        return None
    return battery.current_ua * battery.voltage_mv
