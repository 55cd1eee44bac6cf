"""`dumpsys battery`, and the fuel gauge's own files where they can be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.bench.records.conditions import Battery, BatteryStatus, PowerSource
from pocketbench.devices.conditions.reading import Reading, integer, nothing

if TYPE_CHECKING:
    from pocketbench.devices.conditions.section import Files, Section

# android.os.BatteryManager
_STATUSES: dict[int, BatteryStatus] = {
    1: "unknown",
    2: "charging",
    3: "discharging",
    4: "not_charging",
    5: "full",
}
_SOURCES: tuple[tuple[str, PowerSource], ...] = (
    ("AC powered", "ac"),
    ("USB powered", "usb"),
    ("Wireless powered", "wireless"),
    ("Dock powered", "dock"),
)
_LINE = re.compile(r"^  ([A-Za-z][A-Za-z ]*): ?(.*)$")
"""Standard lines are indented by exactly two blanks; vendors put their own between."""

_FOLDER = "/sys/class/power_supply/battery"
_MOST_UA = 20_000_000
_LEAST_UA = 20_000
"""Below this a number may be milliamperes: a running phone draws more than 20 mA, and
never 20 A."""

_LEAST_DECI_C = 100
"""Below this a number may be whole degrees, which some phones state instead of tenths:
a battery in use is warmer than 10 C, and never has 100."""


def parse_battery(section: Section, files: Files) -> Reading[Battery]:
    """The first line of each standard key; later vendor lines do not win."""
    facts: dict[str, str] = {}
    for line in section.stdout.split("\n"):
        if match := _LINE.match(line.rstrip("\r")):
            facts.setdefault(match[1], match[2].strip())
    if not facts:
        return nothing(section.reason)
    missing: dict[str, str] = {}

    def figure(key: str, name: str, low: int, high: int) -> int | None:
        value = integer(facts[key], low, high) if key in facts else None
        if value is None:
            missing[name] = (
                f"{key}: {facts[key][:40]}" if key in facts else "not stated"
            )
        return value

    status = figure("status", "status", 1, 5)
    scale = figure("scale", "scale", 1, 1000)
    deci_c = figure("temperature", "temperature_c", -400, 1500)
    if deci_c == 0:
        deci_c, missing["temperature_c"] = None, "0.0: no sensor"
    elif deci_c is not None and 0 < deci_c < _LEAST_DECI_C:
        missing["temperature_c"] = f"temperature says {deci_c}, which may be C or 0.1 C"
        deci_c = None
    current_ua, why = _current_ua(facts, files)
    if why:
        missing["current_ua"] = why
    plugged = _plugged(facts)
    if plugged is None:
        missing["plugged"] = "not stated"
    value = Battery(
        level=figure("level", "level", 0, scale or 100),
        scale=scale,
        status=None if status is None else _STATUSES[status],
        temperature_c=None if deci_c is None else deci_c / 10,
        voltage_mv=figure("voltage", "voltage_mv", 1000, 30_000),
        plugged=plugged,
        max_charging_current_ua=integer(
            facts.get("Max charging current", ""), 0, _MOST_UA
        ),
        charge_counter_uah=integer(facts.get("Charge counter", ""), 1, 100_000_000),
        current_ua=current_ua,
        is_fiction="UPDATES STOPPED" in section.stdout,
    )
    return Reading(value, missing)


def _plugged(facts: dict[str, str]) -> tuple[PowerSource, ...] | None:
    words = [(facts.get(key), source) for key, source in _SOURCES]
    if not any(word in ("true", "false") for word, _ in words):
        return None
    return tuple(source for word, source in words if word == "true")


def _current_ua(facts: dict[str, str], files: Files) -> tuple[int | None, str | None]:
    """The current and, when there is none, why.

    Samsung's dump says milliamperes. The kernel's file should say microamperes, and
    on some phones does not: a number that could be either is not used.
    """
    if "current now" in facts:
        milliamperes = integer(facts["current now"], -20_000, 20_000)
        if milliamperes is not None:
            return milliamperes * 1000, None
    path = f"{_FOLDER}/current_now"
    text = files.text(path)
    if text is None:
        return None, files.reason(path)
    raw = integer(text, -_MOST_UA, _MOST_UA)
    if raw is None:
        return None, f"current_now: {text[:40]}"
    if abs(raw) < _LEAST_UA:
        return None, f"current_now says {raw}, which may be mA or uA"
    return raw, None
