from __future__ import annotations

from collections.abc import Callable

import pytest

from pocketbench.bench.records.conditions import (
    Conditions,
    first_skin_threshold_c,
    skin_temperature_c,
    temperature_c,
)
from pocketbench.devices.conditions.section import Files, Section
from pocketbench.devices.conditions.thermal import (
    parse_thermal_zones,
    parse_thermalservice,
)

Said = Callable[[str], Section]


def sensors(section: Section) -> list[tuple[str, str, float]]:
    thermal = parse_thermalservice(section).value
    assert thermal is not None
    return [(t.kind, t.name, t.value_c) for t in thermal.temperatures]


def test_current_values_win_over_the_stale_cached_ones(said: Said):
    assert sensors(said("thermal_samsung")) == [
        ("cpu", "AP", 33.9),
        ("battery", "BAT", 26.4),
        ("skin", "SKIN", 29.3),
    ]
    thermal = parse_thermalservice(said("thermal_samsung")).value
    assert thermal is not None
    assert (thermal.status, thermal.is_status_override) == (0, False)
    assert (thermal.source, thermal.is_cached) == ("hal", False)
    assert thermal.hal == "ThermalHAL AIDL 1"


def test_currents_voltages_percentages_zeros_and_nan_are_no_temperatures(said: Said):
    assert sensors(said("thermal_pixel")) == [
        ("npu", "TPU", 27.0),
        ("gpu", "G3D", 28.0),
        ("cpu", "BIG", 29.0),
        ("cpu", "MID", 28.0),
        ("cpu", "LITTLE", 28.0),
        ("skin", "VIRTUAL-SKIN", 25.133),
        ("battery", "battery", 23.3),
    ]
    assert sensors(said("thermal_late_severe")) == [
        ("skin", "skin", 33.1),
        ("cpu", "CPU0", 36.0),
    ]


def test_samsungs_own_service_counts_its_kinds_from_one(said: Said):
    assert sensors(said("thermal_sdhms")) == [
        ("cpu", "TYPE_CPU", 25.2),
        ("battery", "TYPE_BATTERY", 24.9),
        ("skin", "TYPE_SKIN", 26.1),
    ]
    thermal = parse_thermalservice(said("thermal_sdhms")).value
    assert thermal is not None
    assert (thermal.hal, thermal.cooling) == ("Sdhms", {"TYPE_MODEM": 1})


def test_a_dump_that_lost_its_tabs_is_read_the_same(said: Said):
    assert sensors(said("thermal_no_tabs")) == [
        ("cpu", "cpu0-gold-usr", 31.9),
        ("cpu", "cpu0-silver-usr", 32.3),
        ("skin", "fps-therm-monitor", 28.348),
        ("battery", "maxfg", 25.7),
    ]


def test_a_throttled_phone_shows_its_status_and_cooling(said: Said):
    thermal = parse_thermalservice(said("thermal_throttled")).value
    assert thermal is not None
    assert thermal.status == 2
    assert thermal.cooling == {"thermal-cpufreq-6": 10, "thermal-cpufreq-0": 5}
    assert [t.status for t in thermal.temperatures if t.kind == "skin"] == [2]


@pytest.mark.parametrize(
    ("name", "first_c"),
    [
        ("thermal_samsung", 38.0),
        ("thermal_pixel", 39.0),
        ("thermal_throttled", 34.0),
        ("thermal_late_severe", 40.0),
        ("thermal_sdhms", None),
    ],
)
def test_the_first_threshold_is_the_first_above_no_throttling(
    said: Said, name: str, first_c: float | None
):
    reading = parse_thermalservice(said(name))
    assert first_skin_threshold_c(Conditions(thermal=reading.value)) == first_c
    assert ("skin_thresholds" in reading.missing) is (first_c is None)


def test_cached_values_are_marked_and_never_used_as_the_temperature_now(said: Said):
    thermal = parse_thermalservice(said("thermal_cached_only")).value
    assert thermal is not None
    assert thermal.is_cached
    assert [t.value_c for t in thermal.temperatures] == [52.0, 40.0]
    assert skin_temperature_c(Conditions(thermal=thermal)) is None


def test_below_an_empty_header_only_cached_values_are_left_and_marked(said: Said):
    thermal = parse_thermalservice(said("thermal_empty_current")).value
    assert thermal is not None
    assert thermal.is_cached
    assert thermal.temperatures
    assert skin_temperature_c(Conditions(thermal=thermal)) is None


def test_an_empty_header_without_cached_values_says_that_there_are_none(said: Said):
    text = "\n".join(
        line
        for line in said("thermal_empty_current").stdout.splitlines()
        if "Temperature{" not in line
    )
    thermal, missing = parse_thermalservice(Section(text, "", 0))
    assert thermal is not None
    assert (thermal.temperatures, thermal.source) == ((), None)
    assert missing["temperatures"] == "the thermal HAL gives none"


def test_a_header_that_names_a_vendors_service_is_read(said: Said):
    text = said("thermal_samsung").stdout.replace("s from HAL:", "s from Sdhms:")
    assert sensors(Section(text, "", 0)) == sensors(said("thermal_samsung"))


def test_a_hal_that_is_not_ready_leaves_the_status(said: Said):
    thermal, missing = parse_thermalservice(said("thermal_not_ready"))
    assert thermal is not None
    assert thermal.status == 0
    assert missing["temperatures"] == "the thermal HAL is not ready"


def test_a_pinned_status_is_reported(said: Said):
    text = said("thermal_samsung").stdout.replace("Override: false", "Override: true")
    thermal = parse_thermalservice(Section(text, "", 0)).value
    assert thermal is not None
    assert thermal.is_status_override


def test_a_phone_without_the_service_says_so_in_its_own_words():
    reading = parse_thermalservice(
        Section("", "Can't find service: thermalservice\n", 0)
    )
    assert reading == (None, {"": "Can't find service: thermalservice"})


def test_a_dump_that_is_refused_says_so_in_the_phones_words():
    words = "Permission Denial: can't dump thermalservice from pid=1, uid=2000"
    reading = parse_thermalservice(Section(words + "\n", exit_code=0))
    assert reading.missing == {"": words}


@pytest.mark.parametrize("word", ["7", "-1", "two", "٢", "", "1e0"])
def test_a_status_out_of_its_range_costs_the_status_alone(said: Said, word: str):
    text = said("thermal_samsung").stdout.replace("Status: 0\n", f"Status: {word}\n")
    thermal, missing = parse_thermalservice(Section(text, "", 0))
    assert thermal is not None
    assert thermal.status is None
    assert "status" in missing
    assert len(thermal.temperatures) == 3


def test_a_decimal_comma_costs_that_one_sensor(said: Said):
    text = said("thermal_samsung").stdout.replace("mValue=33.9,", "mValue=33,9,")
    assert [name for _, name, _ in sensors(Section(text, "", 0))] == ["BAT", "SKIN"]


def test_zones_stand_in_with_units_reported_by_size():
    folder = "/sys/class/thermal/thermal_zone"
    zones = {
        0: ("cpu-0-0-usr", "41300"),
        1: ("battery", "301"),
        2: ("BIG", "45"),
        3: ("lmh-dcvs-00", "0"),
        4: ("pm8998_tz", "-274000"),
        5: ("gpuss-0-usr", "38900"),
        6: ("skin-therm", "33500"),
        7: ("vbat", "garbage"),
        8: ("xo-therm", "36000"),
    }
    texts = {}
    for number, (name, temp) in zones.items():
        texts[f"{folder}{number}/type"] = name
        texts[f"{folder}{number}/temp"] = temp
    thermal = parse_thermal_zones(Files(texts, {})).value
    assert thermal is not None
    assert thermal.source == "zones"
    assert [(t.kind, t.value_c) for t in thermal.temperatures] == [
        ("cpu", 41.3),
        ("battery", 30.1),
        ("cpu", 45.0),
        ("gpu", 38.9),
        ("skin", 33.5),
        ("other", 36.0),
    ]
    assert temperature_c(Conditions(thermal=thermal), "cpu") == 45.0


def test_denied_zones_give_the_kernels_word():
    path = "/sys/class/thermal/thermal_zone0/temp"
    assert parse_thermal_zones(Files({}, {path: "Permission denied"})) == (
        None,
        {"": "Permission denied"},
    )
