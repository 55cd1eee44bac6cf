"""The probe through the real adb server, on phones of different makes and ages."""

from __future__ import annotations

from typing import Any

import pytest

from pocketbench.bench.records.conditions import (
    Conditions,
    first_skin_threshold_c,
    skin_temperature_c,
)
from pocketbench.devices.conditions.probe import compose_probe, new_token, parse_probe

pytestmark = pytest.mark.needs("namespaces", "mksh", "toybox")


def read(phone: Any, open_phone: Any) -> tuple[Conditions, int]:
    device = open_phone(phone)
    token = new_token()
    phone.ask("reset_statistics")
    result = device.run(["sh", "-c", compose_probe(token)], timeout_s=60)
    round_trips = phone.statistics()["streams"]
    return parse_probe(result.stdout.decode("utf-8", "replace"), token), round_trips


def test_a_pixel_reports_everything_in_one_round_trip(phone_factory, open_phone):
    conditions, round_trips = read(phone_factory("pixel-8"), open_phone)
    assert round_trips == 1
    assert conditions.thermal is not None
    assert conditions.thermal.source == "hal"
    assert skin_temperature_c(conditions)
    assert first_skin_threshold_c(conditions) == 39.0
    assert conditions.cpu_policies is not None
    assert [p.cpus for p in conditions.cpu_policies] == [
        (0, 1, 2, 3),
        (4, 5, 6, 7),
        (8,),
    ]
    assert conditions.energy is not None
    assert set(conditions.missing) <= {
        "cpu_policies.0.max_frequency_khz",
        "is_fixed_performance",
    }


def test_a_phone_that_dozes_says_so(phone_factory, open_phone):
    phone = phone_factory("pixel-8")
    device = open_phone(phone)
    assert device.conditions().is_dozing is False
    phone.shell("dumpsys deviceidle force-idle")
    assert device.conditions().is_dozing


def test_a_phone_without_a_thermal_hal_is_read_by_its_zones(phone_factory, open_phone):
    conditions, round_trips = read(phone_factory("redmi-note-11s"), open_phone)
    assert round_trips == 1
    assert conditions.thermal is not None
    assert conditions.thermal.source == "zones"
    assert conditions.thermal.status == 0
    assert conditions.missing["battery.current_ua"] == "Permission denied"


def test_a_phone_older_than_the_thermal_service_gives_reasons(
    phone_factory, open_phone
):
    conditions, _ = read(phone_factory("nexus-5"), open_phone)
    assert conditions.missing["thermal.status"].startswith("Can't find service")
    assert conditions.battery is not None
    assert conditions.battery.level == 92
    assert conditions.cpu_policies is not None
    assert conditions.memory is not None
