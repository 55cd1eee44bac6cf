"""The parsers of what is read from /proc and /sys, and of getprop and power."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pocketbench.bench.records.conditions import Build, MemoryState, Screen
from pocketbench.devices.conditions.build import parse_build
from pocketbench.devices.conditions.cpufreq import parse_cpufreq, parse_online
from pocketbench.devices.conditions.energy import parse_energy
from pocketbench.devices.conditions.memory import parse_meminfo
from pocketbench.devices.conditions.power import (
    parse_battery_saver,
    parse_dozing,
    parse_screen,
)
from pocketbench.devices.conditions.process import (
    parse_allowed_cpus,
    parse_cpuset,
    parse_load,
    parse_uptime,
)
from pocketbench.devices.conditions.reading import cpu_list, decimal, integer
from pocketbench.devices.conditions.section import Files, Section, parse_files
from pocketbench.devices.conditions.settings_record import (
    parse_fixed_performance,
    parse_record,
)

Said = Callable[[str], Section]
CPU = "/sys/devices/system/cpu"


def test_each_clock_domain_is_read_and_a_hidden_limit_has_its_reason(said: Said):
    policies, missing = parse_cpufreq(parse_files(said("files_pixel")))
    assert policies is not None
    little, mid, big = policies
    assert little.cpus == (0, 1, 2, 3)
    assert little.max_frequency_khz is None
    assert little.is_capped is None
    assert missing == {"0.max_frequency_khz": "no such file"}
    assert (mid.current_frequency_khz, mid.min_frequency_khz) == (2130000, 402000)
    assert mid.is_capped
    assert mid.time_in_state_ticks == {402000: 90000, 2130000: 300, 2367000: 700}
    assert (big.id, big.cpus, big.governor) == (8, (8,), "sched_pixel")
    assert big.is_capped is False


def test_a_phone_with_an_old_kernel_and_half_its_files_is_read(said: Said):
    files = parse_files(said("files_old_kernel"))
    policies, missing = parse_cpufreq(files)
    assert policies is not None
    assert [(p.cpus, p.is_capped, p.governor) for p in policies] == [
        ((0, 1, 2, 3), None, None),
        ((4, 5, 6, 7), True, "interactive"),
    ]
    assert missing["0.governor"] == "no such file"
    assert parse_online(files).value == (0, 1, 2, 3, 4, 5)
    assert parse_allowed_cpus(files).value == (0, 1, 2, 3)
    assert parse_cpuset(files).value == "/system-background"
    assert parse_fixed_performance(files).value is True


def test_old_kernels_repeat_a_domain_under_each_core_and_it_is_read_once():
    texts = {}
    for cpu in range(4):
        folder = f"{CPU}/cpu{cpu}/cpufreq"
        texts[f"{folder}/related_cpus"] = "0 1" if cpu < 2 else "2 3"
        texts[f"{folder}/scaling_max_freq"] = "793000"
        texts[f"{folder}/cpuinfo_max_freq"] = "1989000"
        texts[f"{folder}/stats/time_in_state"] = "1989000 5369\n793000 926"
    policies, _ = parse_cpufreq(Files(texts, {}))
    assert policies is not None
    assert [(p.id, p.cpus, p.is_capped) for p in policies] == [
        (0, (0, 1), True),
        (2, (2, 3), True),
    ]


@pytest.mark.parametrize("text", ["1704000 -3", "1704000", "fast 3", "0 1\n0 2"])
def test_one_bad_line_spoils_the_counters_of_its_domain_alone(said: Said, text: str):
    files = parse_files(said("files_pixel"))
    files.texts[f"{CPU}/cpufreq/policy8/stats/time_in_state"] = text
    policies, missing = parse_cpufreq(files)
    assert policies is not None
    assert policies[2].time_in_state_ticks is None
    assert policies[1].time_in_state_ticks is not None
    assert "8.time_in_state_ticks" in missing


def test_denied_clocks_give_the_kernels_word():
    files = Files({}, {f"{CPU}/cpufreq/policy0/scaling_cur_freq": "Permission denied"})
    assert parse_cpufreq(files) == (None, {"": "Permission denied"})


def test_memory_load_uptime_and_cores_are_read(said: Said):
    files = parse_files(said("files_pixel"))
    assert parse_meminfo(files).value == MemoryState(
        total_bytes=7812352 * 1024,
        available_bytes=2904112 * 1024,
        swap_total_bytes=3906172 * 1024,
        swap_free_bytes=3121004 * 1024,
    )
    assert parse_load(files).value == (3.14, 2.71, 1.41)
    assert parse_uptime(files).value == 10427.33
    assert parse_cpuset(files).value == "/foreground"
    assert parse_allowed_cpus(files).value == (0, 1, 2, 3, 4, 5, 6)
    assert parse_online(files).value == tuple(range(9))


def test_a_kernel_without_memavailable_costs_that_figure(said: Said):
    files = parse_files(said("files_pixel"))
    text = files.texts["/proc/meminfo"].replace("MemAvailable", "MemFree")
    files.texts["/proc/meminfo"] = text
    memory, missing = parse_meminfo(files)
    assert memory is not None
    assert memory.available_bytes is None
    assert missing == {"available_bytes": "not stated"}


def test_the_rails_of_both_chips_are_read_each_with_its_own_clock(said: Said):
    meters = parse_energy(parse_files(said("files_pixel"))).value
    assert meters is not None
    assert [(m.device, m.at_ms, len(m.rails_uj)) for m in meters] == [
        ("iio:device0", 198020111, 2),
        ("iio:device1", 198020207, 3),
    ]
    assert meters[1].rails_uj["S2M_VDD_CPUCL2"] == 30418220


def test_no_rails_is_reported_apart_from_denied_rails():
    path = "/sys/bus/iio/devices/iio:device0/energy_value"
    assert parse_energy(Files({}, {})).missing[""].startswith("no power rails")
    assert parse_energy(Files({}, {path: "Permission denied"})).missing == {
        "": "Permission denied"
    }


def test_the_screen_and_the_saver_are_read(said: Said):
    power = said("power")
    assert parse_screen(power).value == Screen(state="ON", wakefulness="Awake")
    silent = Section("", "cmd: Can't find service: settings\n", 20)
    for word, answer in (("1", True), ("0", False), ("null", False)):
        assert parse_battery_saver(Section(word + "\n", "", 0), power).value is answer
    assert parse_battery_saver(silent, power).value is False
    assert parse_battery_saver(silent, silent).missing == {
        "": "cmd: Can't find service: settings"
    }


def test_a_dozing_phone_is_not_on():
    text = "  mWakefulness=Dozing\nDisplay Power: state=DOZE_SUSPEND\n"
    screen = parse_screen(Section(text, "", 0)).value
    assert screen is not None
    assert (screen.wakefulness, screen.is_on) == ("Dozing", False)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("  mLightDeviceIdleMode=false\n  mDeviceIdleMode=false\n", False),
        ("  mLightDeviceIdleMode=true\n  mDeviceIdleMode=false\n", True),
        ("  mDeviceIdleMode=true\n", True),
        ("  mDeviceIdleWhitelist=[2000, 10104]\n  mDeviceIdleMode=yes\n", None),
    ],
)
def test_sleep_is_read_light_or_deep(text: str, answer: bool | None):
    assert parse_dozing(Section(text, "", 0)).value is answer


def test_a_sold_phone_a_debug_build_and_an_emulator_are_reported_apart(said: Said):
    assert parse_build(said("build_pixel")).value == Build(
        fingerprint="google/shiba/shiba:15/TEST.250101.001/1000001:user/release-keys",
        is_emulator=False,
        is_debug=False,
    )
    text = "[ro.build.type]: [userdebug]\n[ro.kernel.qemu]: [1]\n"
    build = parse_build(Section(text, "", 0))
    assert build.value == Build(is_emulator=True, is_debug=True)
    assert build.missing == {"fingerprint": "not stated"}
    phone = "[ro.kernel.qemu]: [0]\n[ro.hardware]: [shiba]\n[ro.debuggable]: [1]\n"
    assert parse_build(Section(phone, "", 0)).value == Build(
        is_emulator=False, is_debug=True
    )


def test_fixed_performance_is_what_pocketbench_has_on_record_since_the_boot():
    path, boot = (
        "/data/local/tmp/pocketbench/settings",
        "/proc/sys/kernel/random/boot_id",
    )
    record = "boot_id=aa-1\nfixed_performance=false\nanimation=1.0\nanimation=0"
    assert parse_record(record)["animation"] == "1.0"
    assert parse_fixed_performance(Files({path: record, boot: "aa-1"}, {})).value
    after = parse_fixed_performance(Files({path: record, boot: "bb-2"}, {}))
    assert after.value is False
    assert parse_fixed_performance(Files({}, {})).value is None


@pytest.mark.parametrize("text", ["٣٨", "1_000", "0x10", "", "nan", "1e999", "--1"])
def test_figures_are_ascii_finite_and_plain(text: str):
    assert integer(text, -(10**6), 10**6) is None
    assert decimal(text, -1e9, 1e9) is None


def test_core_lists_are_read_in_both_of_the_kernels_styles():
    assert cpu_list("0-3,8") == (0, 1, 2, 3, 8)
    assert cpu_list("0 1 2 3\n") == (0, 1, 2, 3)
    assert cpu_list("0-99999") is None
    assert cpu_list("-") is None
