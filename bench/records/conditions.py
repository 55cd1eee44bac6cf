"""The state of a device around a launch: heat, clocks, battery, screen, memory."""

from __future__ import annotations

from typing import Literal

import msgspec

from pocketbench.bench.records.record import Value

TemperatureKind = Literal["cpu", "gpu", "battery", "skin", "npu", "other"]
ThermalSource = Literal["hal", "cached", "zones"]
BatteryStatus = Literal["unknown", "charging", "discharging", "not_charging", "full"]
PowerSource = Literal["ac", "usb", "wireless", "dock"]


class Missing(Value, frozen=True, kw_only=True):
    """Instead of a derived value: why there is none."""

    reason: str


class Temperature(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One sensor."""

    name: str
    """The vendor's: `SKIN`, `cpu-0-0-usr`, `BIG`."""
    kind: TemperatureKind
    value_c: float
    status: int | None = None
    """The sensor's own throttling status, 0 (none) to 6 (shutdown)."""


class SkinThresholds(Value, frozen=True, kw_only=True, omit_defaults=True):
    """From where on one skin sensor raises the thermal status."""

    name: str
    hot_c: tuple[float | None, ...]
    """By status: index 0 is no throttling, 1 light, 2 moderate, 3 severe, 4 critical,
    5 emergency, 6 shutdown; `None` where the phone states no temperature."""


class Thermal(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Heat as the phone sees it."""

    status: int | None = None
    """0 none, 1 light, 2 moderate, 3 severe, 4 critical, 5 emergency, 6 shutdown."""
    is_status_override: bool | None = None
    """Somebody pinned the status with `cmd thermalservice override-status`: it then
    says nothing about heat."""
    hal: str | None = None
    """What the thermal service talks to: `ThermalHAL 2.0`, `Sdhms` (Samsung)."""
    source: ThermalSource | None = None
    """Where the temperatures are from; `cached` ones may be hours old."""
    temperatures: tuple[Temperature, ...] = ()
    skin_thresholds: tuple[SkinThresholds, ...] = ()
    cooling: dict[str, int] = msgspec.field(default_factory=dict)
    """Cooling devices at work now, by name; the number is the vendor's step."""

    @property
    def is_cached(self) -> bool:
        """Whether the temperatures are stale ones."""
        return self.source == "cached"


class CpuPolicy(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One clock domain: cores that change frequency together."""

    id: int
    """The policy's number: its first core."""
    cpus: tuple[int, ...]
    current_frequency_khz: int | None = None
    min_frequency_khz: int | None = None
    max_frequency_khz: int | None = None
    """What it may reach now; below the hardware's maximum it is capped."""
    hardware_max_frequency_khz: int | None = None
    governor: str | None = None
    time_in_state_ticks: dict[int, int] | None = None
    """Since boot, in ticks of 10 ms, by frequency_khz, never more than one entry a
    frequency; idle time counts for the frequency the clock was left at."""

    @property
    def is_capped(self) -> bool | None:
        """Whether it is held below the hardware's maximum; `None`: not known."""
        if self.max_frequency_khz is None or self.hardware_max_frequency_khz is None:
            return None
        return self.max_frequency_khz < self.hardware_max_frequency_khz


class Battery(Value, frozen=True, kw_only=True, omit_defaults=True):
    """The battery and what is plugged in."""

    level: int | None = None
    scale: int | None = None
    """What `level` is of, nearly always 100."""
    status: BatteryStatus | None = None
    temperature_c: float | None = None
    voltage_mv: int | None = None
    plugged: tuple[PowerSource, ...] | None = None
    """`()`: nothing; `None`: not known."""
    max_charging_current_ua: int | None = None
    charge_counter_uah: int | None = None
    current_ua: int | None = None
    """As the phone signs it: vendors do not agree on what a minus means."""
    is_fiction: bool = False
    """Somebody froze it with `dumpsys battery set` or `unplug`."""

    @property
    def is_charging(self) -> bool | None:
        """Whether power comes in; `None`: not known.

        A full battery on a cable counts, for the cable then feeds the phone.
        """
        if self.status in ("charging", "full") or self.plugged:
            return True
        if self.max_charging_current_ua:
            return True
        if self.status in ("discharging", "not_charging") and self.plugged == ():
            return False
        return None


class Screen(Value, frozen=True, kw_only=True, omit_defaults=True):
    """The display and whether the phone is awake."""

    state: str | None = None
    """`ON`, `OFF`, `DOZE` ...: Android's words."""
    wakefulness: str | None = None
    """`Awake`, `Asleep`, `Dozing`, `Dreaming`."""

    @property
    def is_on(self) -> bool | None:
        """Whether the display shows something; `None`: not known."""
        return None if self.state is None else self.state.startswith("ON")


class MemoryState(Value, frozen=True, kw_only=True, omit_defaults=True):
    """The whole device's memory."""

    total_bytes: int | None = None
    available_bytes: int | None = None
    """The kernel's own estimate of what can be had without swapping."""
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None


class Build(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Whether this is a phone as it is sold."""

    fingerprint: str | None = None
    is_emulator: bool | None = None
    is_debug: bool | None = None
    """A userdebug or eng build: checks that a sold phone does not pay for."""


class EnergyMeter(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One chip that counts the energy of power rails (ODPM)."""

    device: str
    at_ms: int
    """The chip's own clock; two chips of one phone have two."""
    rails_uj: dict[str, int]
    """Counted up since boot, by rail."""


class Conditions(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that bends a number, read in one go before and after a launch.

    What could not be read is `None` and has its reason in `missing`.
    """

    thermal: Thermal | None = None
    cpu_policies: tuple[CpuPolicy, ...] | None = None
    online_cpus: tuple[int, ...] | None = None
    battery: Battery | None = None
    is_battery_saver: bool | None = None
    is_dozing: bool | None = None
    """Whether Android has put the phone to sleep, lightly or deeply (Doze)."""
    screen: Screen | None = None
    memory: MemoryState | None = None
    load_averages: tuple[float, float, float] | None = None
    """Over 1, 5 and 15 minutes."""
    cpuset: str | None = None
    """The scheduling group a program started from the shell gets: `/foreground`."""
    allowed_cpus: tuple[int, ...] | None = None
    """The cores such a program may run on."""
    is_fixed_performance: bool | None = None
    build: Build | None = None
    uptime_s: float | None = None
    energy: tuple[EnergyMeter, ...] | None = None
    missing: dict[str, str] = msgspec.field(default_factory=dict)
    """Why a part is not there, by its dotted name: `battery.current_ua`."""


def hottest_c(conditions: Conditions) -> dict[TemperatureKind, float]:
    """The hottest sensor of each kind as it is now; a stale value is no value."""
    found: dict[TemperatureKind, float] = {}
    thermal = conditions.thermal
    if thermal is None or thermal.is_cached:
        return found
    for sensor in thermal.temperatures:
        known = found.get(sensor.kind)
        if known is None or sensor.value_c > known:
            found[sensor.kind] = sensor.value_c
    return found


def temperature_c(conditions: Conditions, kind: TemperatureKind) -> float | None:
    """The hottest sensor of a kind as it is now."""
    return hottest_c(conditions).get(kind)


def skin_temperature_c(conditions: Conditions) -> float | None:
    """The hottest skin sensor as it is now."""
    return temperature_c(conditions, "skin")


def first_skin_threshold_c(conditions: Conditions) -> float | None:
    """The lowest skin temperature at which this phone says it throttles.

    The temperature stated for status 0 (none) does not count: phones list values as
    low as 25 C there, which a warm room reaches.
    """
    if conditions.thermal is None:
        return None
    stated = (
        value
        for thresholds in conditions.thermal.skin_thresholds
        for value in thresholds.hot_c[1:]
        if value is not None
    )
    return min(stated, default=None)
