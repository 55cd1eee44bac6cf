from __future__ import annotations

from collections.abc import Callable

import pytest

from pocketbench.devices.conditions.battery import parse_battery
from pocketbench.devices.conditions.section import Files, Section

Said = Callable[[str], Section]
CURRENT = "/sys/class/power_supply/battery/current_now"
NO_FILES = Files({}, {})


def test_a_charging_phone_is_read_whole(said: Said):
    battery, missing = parse_battery(
        said("battery_pixel"), Files({CURRENT: "-312500"}, {})
    )
    assert battery is not None
    assert (battery.level, battery.scale, battery.status) == (71, 100, "charging")
    assert (battery.temperature_c, battery.voltage_mv) == (27.4, 4121)
    assert battery.plugged == ("usb",)
    assert battery.max_charging_current_ua == 500_000
    assert battery.charge_counter_uah == 3_011_000
    assert battery.current_ua == -312_500
    assert battery.is_charging
    assert missing == {}


def test_the_vendors_later_lines_do_not_win(said: Said):
    battery, _ = parse_battery(said("battery_samsung"), NO_FILES)
    assert battery is not None
    assert (battery.level, battery.temperature_c) == (96, 30.5)
    assert battery.charge_counter_uah == 2_871_000
    assert battery.current_ua == -842_000
    assert battery.is_charging is False


@pytest.mark.parametrize("number", ["-975", "412", "0", "19999"])
def test_a_current_that_may_be_milliamperes_is_not_used(said: Said, number: str):
    battery, missing = parse_battery(
        said("battery_pixel"), Files({CURRENT: number}, {})
    )
    assert battery is not None
    assert battery.current_ua is None
    assert missing["current_ua"] == f"current_now says {number}, which may be mA or uA"


@pytest.mark.parametrize("number", ["1", "28", "99"])
def test_a_temperature_that_may_be_whole_degrees_is_not_used(said: Said, number: str):
    text = said("battery_pixel").stdout
    text = text.replace("temperature: 274", f"temperature: {number}")
    battery, missing = parse_battery(Section(text, "", 0), NO_FILES)
    assert battery is not None
    assert battery.temperature_c is None
    assert missing["temperature_c"] == (
        f"temperature says {number}, which may be C or 0.1 C"
    )


def test_a_denied_current_says_so(said: Said):
    _, missing = parse_battery(
        said("battery_pixel"), Files({}, {CURRENT: "Permission denied"})
    )
    assert missing == {"current_ua": "Permission denied"}


def test_a_frozen_battery_is_fiction(said: Said):
    text = said("battery_samsung").stdout.replace(
        "state:\n", "state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n"
    )
    battery, _ = parse_battery(Section(text, "", 0), NO_FILES)
    assert battery is not None
    assert battery.is_fiction


def test_a_full_battery_on_a_cable_counts_as_charging(said: Said):
    text = said("battery_pixel").stdout.replace("status: 2", "status: 5")
    battery, _ = parse_battery(Section(text, "", 0), NO_FILES)
    assert battery is not None
    assert battery.is_charging


def test_without_the_powered_lines_it_is_not_known_whether_it_charges(said: Said):
    lines = said("battery_samsung").stdout.split("\n")
    text = "\n".join(line for line in lines if "powered" not in line)
    battery, missing = parse_battery(Section(text, "", 0), NO_FILES)
    assert battery is not None
    assert battery.is_charging is None
    assert missing["plugged"] == "not stated"


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("temperature: 274", "temperature: 27.4", "temperature_c"),
        ("temperature: 274", "temperature: 0", "temperature_c"),
        ("temperature: 274", "temperature: -2731", "temperature_c"),
        ("level: 71", "level: 710", "level"),
        ("level: 71", "Ladezustand: 71", "level"),
        ("status: 2", "status: 9", "status"),
        ("voltage: 4121", "voltage: 4", "voltage_mv"),
        ("scale: 100", "scale: 0", "scale"),
    ],
)
def test_an_absurd_line_costs_its_own_field(said: Said, old: str, new: str, name: str):
    text = said("battery_pixel").stdout.replace(old, new)
    battery, missing = parse_battery(
        Section(text, "", 0), Files({CURRENT: "-312500"}, {})
    )
    assert battery is not None
    assert getattr(battery, name) is None
    assert list(missing) == [name]


def test_no_battery_service_gives_the_reason():
    section = Section("", "Can't find service: battery\n", 0)
    assert parse_battery(section, NO_FILES) == (
        None,
        {"": "Can't find service: battery"},
    )
