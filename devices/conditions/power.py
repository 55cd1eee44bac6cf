"""Parse `dumpsys power` and the battery-saver setting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.bench.records.conditions import Screen
from pocketbench.devices.conditions.reading import Reading, clean, nothing

if TYPE_CHECKING:
    from pocketbench.devices.conditions.section import Section

_WAKEFULNESS = re.compile(r"^[ \t]*mWakefulness=([A-Za-z]{1,24})\s*$", re.M | re.A)
_DISPLAY = re.compile(r"^[ \t]*Display Power: state=([A-Z_]{1,24})\s*$", re.M | re.A)
_SAVER = re.compile(
    r"^[ \t]*(?:mLowPowerModeEnabled|mSettingBatterySaverEnabled)=(true|false)\s*$",
    re.M,
)
_DOZE = re.compile(r"^[ \t]*m(?:Light)?DeviceIdleMode=(true|false)\s*$", re.M | re.A)
KEYS = (
    "mWakefulness=",
    "Display Power: state=",
    "mLowPowerMode",
    "mSettingBatterySaver",
    "DeviceIdleMode=",
)
"""What is picked out of the dump on the phone: the whole is some hundred lines."""


def parse_screen(section: Section) -> Reading[Screen]:
    """The display's state and the phone's wakefulness."""
    state = _DISPLAY.search(section.stdout)
    wakefulness = _WAKEFULNESS.search(section.stdout)
    if state is None and wakefulness is None:
        return nothing(section.reason)
    missing = {}
    if state is None:
        missing["state"] = "not stated"
    if wakefulness is None:
        missing["wakefulness"] = "not stated"
    value = Screen(
        state=state[1] if state else None,
        wakefulness=wakefulness[1] if wakefulness else None,
    )
    return Reading(value, missing)


def parse_dozing(section: Section) -> Reading[bool]:
    """Whether the phone dozes: deeply since Android 6, or lightly since 7."""
    reported = _DOZE.findall(section.stdout)
    if reported:
        return Reading("true" in reported, {})
    has_other_lines = section.stdout.strip() and section.exit_code == 0
    return nothing("not stated" if has_other_lines else section.reason)


def parse_battery_saver(setting: Section, power: Section) -> Reading[bool]:
    """The global setting `low_power`; a phone where it was never set says `null`."""
    word = setting.stdout.strip()
    if setting.exit_code is not None and word in ("0", "1", "null"):
        return Reading(word == "1", {})
    if match := _SAVER.search(power.stdout):
        return Reading(match[1] == "true", {})
    if word and not setting.stderr.strip():
        return nothing(f"low_power: {clean(word)[:40]}")
    return nothing(setting.reason)
