"""The profiles: every one starts, and answers as it says."""

from __future__ import annotations

import time

import pytest

from pocketbench.devices.simulated import profile

ALL = profile.names()
STARTED = [
    pytest.param(name, marks=pytest.mark.needs("qemu"))
    if profile.load(name).translated_abi
    else name
    for name in ALL
]


def test_there_are_at_least_eight():
    assert len(ALL) >= 8


@pytest.mark.parametrize("name", ALL)
def test_its_numbers_fit_together(name):
    found = profile.load(name)
    cpus = [cpu for cluster in found.clusters for cpu in cluster.cpus]
    assert sorted(cpus) == list(range(len(cpus)))
    assert found.memory.available_kb < found.memory.total_kb
    assert found.storage.used_kb < found.storage.total_kb
    for cluster in found.clusters:
        if cluster.max_frequency_khz is not None:
            assert cluster.min_frequency_khz < cluster.max_frequency_khz
            assert max(cluster.frequencies_khz) < cluster.max_frequency_khz
    for sensor in found.thermal.sensors:
        assert sensor.hot_c is None or len(sensor.hot_c) == 7


@pytest.mark.parametrize("name", STARTED)
def test_every_phone_answers_as_its_profile_says(phone_factory, name):
    found = profile.load(name)
    phone = phone_factory(name)

    def answer(command):
        return phone.shell(command).stdout.replace("\r", "")

    assert answer("getprop ro.build.fingerprint") == f"{found.identity.fingerprint}\n"
    assert answer("getprop ro.pocketbench.simulated") == "1\n"
    assert answer("cat /proc/cpuinfo").count("processor\t") == found.core_count
    assert f"{found.memory.total_kb} kB" in answer("cat /proc/meminfo")
    assert f"level: {found.battery.level}\n" in answer("dumpsys battery")
    assert "mWakefulness=Awake\n" in answer("dumpsys power")
    assert answer("uname -r") == f"{found.identity.kernel}\n"
    assert "/data\n" in answer("df -k /data/local/tmp")
    thermal = phone.shell("dumpsys thermalservice")
    if found.identity.api_level < 29:
        assert "Can't find service" in thermal.stdout + thermal.stderr
    else:
        assert "Thermal Status: 0\n" in thermal.stdout
    missing = answer("sha256sum /dev/null 2>&1; echo $?").endswith("127\n")
    assert missing == (found.identity.api_level < 26)


def test_a_misspelt_key_is_an_error(tmp_path):
    import msgspec

    text = b'name = "x"\ntitel = "x"\n'
    with pytest.raises(msgspec.ValidationError):
        msgspec.toml.decode(text, type=profile.Profile)


def test_heat_moves_sensors_status_and_battery(phone):
    phone.ask("state", heat_c=15.0)
    dump = phone.shell("dumpsys thermalservice").stdout
    assert "Thermal Status: 2\n" in dump
    assert "mValue=43.9, mType=3, mName=VIRTUAL-SKIN, mStatus=2" in dump
    assert "temperature: 349\n" in phone.shell("dumpsys battery").stdout


def test_a_cap_shows_and_counts_in_time_in_state(phone):
    folder = "/sys/devices/system/cpu/cpufreq/policy8"

    def seconds_at(khz):
        text = phone.shell(f"cat {folder}/stats/time_in_state").stdout
        table = dict(line.split() for line in text.splitlines())
        return int(table[str(khz)]) / 100

    phone.ask("state", capped_khz={"8": 1164000})
    assert phone.shell(f"cat {folder}/scaling_max_freq").stdout == "1164000\n"
    began = time.monotonic()
    before = seconds_at(1164000)
    phone.shell("sleep 0.5")
    loaded_s = time.monotonic() - began
    # The clock rests while nothing runs.
    time.sleep(2 * loaded_s)
    assert 0.4 < seconds_at(1164000) - before < loaded_s + 0.3


def test_energy_meters_count_on(phone):
    def read():
        text = phone.shell("cat /sys/bus/iio/devices/iio:device1/energy_value").stdout
        rows = [line.rpartition(", ") for line in text.splitlines()[1:]]
        return {head.partition("[")[2]: int(uws) for head, _, uws in rows}

    before = read()
    phone.shell("sleep 0.3")
    after = read()
    assert after["S2M_VDD_CPUCL2]"] - before["S2M_VDD_CPUCL2]"] > 0.3 * 1_000_000


def test_settings_and_screen_are_remembered(phone):
    phone.shell("settings put global window_animation_scale 0.5")
    assert phone.shell("settings get global window_animation_scale").stdout == "0.5\n"
    assert phone.shell("settings delete global nothing").stdout == "Deleted 0 rows\n"
    assert phone.shell("settings get global nothing").stdout == "null\n"
    phone.shell("svc power stayon usb")
    assert "stay_on_while_plugged_in=2" in phone.shell("settings list global").stdout
    phone.shell("input keyevent KEYCODE_SLEEP")
    assert "Display Power: state=OFF" in phone.shell("dumpsys power").stdout


def test_a_frozen_thermal_status_and_battery_say_so(phone):
    phone.shell("cmd thermalservice override-status 3; dumpsys battery unplug")
    dump = phone.shell("dumpsys thermalservice").stdout
    assert "IsStatusOverride: true\n" in dump
    assert "Thermal Status: 3\n" in dump
    assert "(UPDATES STOPPED" in phone.shell("dumpsys battery").stdout
    phone.shell("cmd thermalservice reset; dumpsys battery reset")
    assert "IsStatusOverride: false" in phone.shell("dumpsys thermalservice").stdout
    assert "UPDATES STOPPED" not in phone.shell("dumpsys battery").stdout
    wrong = phone.shell("cmd thermalservice override-status 9")
    assert (wrong.stderr, wrong.returncode) == ("Invalid status: 9\n", 255)


def test_masks_are_of_the_phones_cores(phone):
    assert phone.shell("taskset 1f0 echo ran").stdout == "ran\n"
    refused = phone.shell("taskset e00 echo ran")
    assert (refused.stdout, refused.returncode) == ("", 1)
