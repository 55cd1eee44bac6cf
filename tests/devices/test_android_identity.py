"""Parse what phones report about themselves."""

from __future__ import annotations

import pytest

from pocketbench.devices.android.arm_cores import core_name
from pocketbench.devices.android.identity import (
    IDENTITY_SCRIPT,
    device_info,
    parse_clusters,
    parse_properties,
    parse_sections,
)

FLAGSHIP_CORES = [0xD46] * 4 + [0xD4D] * 4 + [0xD4E]


def cpuinfo(parts, *, implementer=0x41):
    return "\n".join(
        f"processor\t: {cpu}\nBogoMIPS\t: 49.15\nFeatures\t: fp asimd\n"
        f"CPU implementer\t: 0x{implementer:x}\nCPU architecture: 8\n"
        f"CPU variant\t: 0x1\nCPU part\t: 0x{part:x}\nCPU revision\t: 1\n"
        for cpu, part in enumerate(parts)
    )


def frequencies(khz_by_cpu):
    return "".join(
        f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/cpuinfo_max_freq:{khz}\n"
        for cpu, khz in khz_by_cpu.items()
    )


def printed(**sections):
    return "".join(
        f"==pocketbench== {name}\n{body}" for name, body in sections.items()
    ).encode()


def info_of(output, serial="0A1B2C3D", family="android"):
    return device_info(
        parse_sections(output),
        device_id=f"{family}:{serial}",
        family=family,
        serial=serial,
    )


def getprop(**properties):
    return "".join(
        f"[{key.replace('__', '.')}]: [{value}]\n" for key, value in properties.items()
    )


def test_a_flagship_is_read():
    info = info_of(
        printed(
            getprop=getprop(
                ro__product__manufacturer="Google",
                ro__product__model="Pixel 8",
                ro__soc__model="Tensor G3",
                ro__soc__manufacturer="Google",
                ro__product__cpu__abilist="arm64-v8a",
                ro__build__version__release="14",
                ro__build__version__sdk="34",
                ro__build__fingerprint="google/shiba/shiba:14/X/1:user/release-keys",
                ro__serialno="SECRET123",
            ),
            cpuinfo=cpuinfo(FLAGSHIP_CORES),
            present="0-8\n",
            frequencies=frequencies(
                dict.fromkeys(range(4), 1704000)
                | dict.fromkeys(range(4, 8), 2367000)
                | {8: 2914000}
            ),
            meminfo="MemTotal:        7739132 kB\nMemFree: 1 kB\n",
            pagesize="4096\n",
            kernel="5.15.110-android14\n",
        )
    )
    assert (info.name, info.soc, info.abis) == (
        "Pixel 8",
        "Google Tensor G3",
        ("arm64-v8a",),
    )
    assert (info.libc, info.api_level, info.core_count) == ("bionic", 34, 9)
    assert [(c.cpus, c.name, c.max_frequency_khz) for c in info.clusters] == [
        ((0, 1, 2, 3), "Cortex-A510", 1704000),
        ((4, 5, 6, 7), "Cortex-A715", 2367000),
        ((8,), "Cortex-X3", 2914000),
    ]
    assert info.ram_bytes == 7739132 * 1024
    assert info.page_size_bytes == 4096
    assert info.transport == "usb"
    assert (info.is_emulated, info.is_simulated) == (False, False)
    assert not info.shares_host_cpu
    assert "SECRET123" not in repr(info)


def test_an_old_phone_reports_less_and_with_carriage_returns():
    output = printed(
        getprop=getprop(
            ro__product__model="Nexus 5",
            ro__product__cpu__abi="armeabi-v7a",
            ro__product__cpu__abi2="armeabi",
            ro__board__platform="msm8974",
            ro__build__version__sdk="23",
        ),
        cpuinfo="Processor\t: ARMv7 Processor rev 0 (v7l)\nprocessor\t: 0\n"
        "BogoMIPS\t: 38.40\n\nprocessor\t: 1\nBogoMIPS\t: 38.40\n\n"
        "CPU implementer\t: 0x51\nCPU part\t: 0x06f\nHardware\t: Qualcomm MSM 8974\n",
        present="0-3\n",
        frequencies="sh: grep: not found\n",
        pagesize="KernelPageSize:        4 kB\n",
    ).replace(b"\n", b"\r\n")
    info = info_of(output)
    assert info.abis == ("armeabi-v7a", "armeabi")
    assert (info.soc, info.api_level) == ("msm8974", 23)
    assert info.core_count == 4
    (cluster,) = info.clusters
    assert (cluster.cpus, cluster.name) == ((0, 1), "Krait")
    assert cluster.max_frequency_khz is None
    assert info.page_size_bytes == 4096
    assert info.ram_bytes is None
    assert info.manufacturer is None


def test_a_phone_that_forbids_everything_is_still_a_phone():
    output = b"".join(
        f"==pocketbench== {part}\n".encode()
        for part in ("getprop", "cpuinfo", "present", "frequencies", "meminfo")
    )
    info = info_of(output)
    assert info.name == "android:0A1B2C3D"
    assert info.abis == info.clusters == ()
    assert info.core_count is info.ram_bytes is info.api_level is info.soc is None
    assert info.serial_hash is not None


def test_cores_that_are_switched_off_are_counted():
    info = info_of(
        printed(cpuinfo=cpuinfo([0xD03] * 4), present="0-7\n", getprop="[a]: [b]\n")
    )
    assert info.core_count == 8
    assert info.clusters[0].cpus == (0, 1, 2, 3)


def test_capacities_are_read_and_report_cores_of_equal_clocks_apart():
    root = "/sys/devices/system/cpu"
    clocks = "".join(
        f"{root}/cpu{n}/cpufreq/cpuinfo_max_freq:1989000\n" for n in range(4)
    )
    sizes = "".join(
        f"{root}/cpu{n}/cpu_capacity:{430 if n < 2 else 1024}\n" for n in range(4)
    )
    clusters = parse_clusters("", clocks, sizes)
    assert [(c.cpus, c.capacity) for c in clusters] == [((0, 1), 430), ((2, 3), 1024)]


def test_equal_cores_with_other_clocks_are_two_clusters():
    clusters = parse_clusters(
        cpuinfo([0xD05] * 4), frequencies({0: 1800000, 1: 1800000, 2: 2400000, 3: 1})
    )
    assert [cluster.cpus for cluster in clusters] == [(0, 1), (2,), (3,)]


def test_property_values_hold_brackets_commas_and_lines():
    text = (
        "[a.b]: [x,y]\n[empty]: []\n[brackets]: [one [two] three]\n"
        "[lines]: [first\nsecond]\n[last]: [end]\n"
    )
    assert parse_properties(text) == {
        "a.b": "x,y",
        "empty": "",
        "brackets": "one [two] three",
        "lines": "first\nsecond",
        "last": "end",
    }


@pytest.mark.parametrize(
    "properties",
    [
        {"ro__kernel__qemu": "1"},
        {"ro__boot__qemu": "1"},
        {"ro__hardware": "ranchu"},
        {"ro__hardware": "cutf_cvm"},
    ],
)
def test_an_emulator_is_known_and_two_of_them_are_reported_apart(properties):
    output = printed(getprop=getprop(ro__serialno="EMULATOR36X1", **properties))
    first, second = (info_of(output, f"emulator-{port}") for port in (5554, 5556))
    assert first.is_emulated
    assert first.shares_host_cpu
    assert first.transport == "emulator 5554"
    assert first.serial_hash != second.serial_hash


@pytest.mark.parametrize(
    "serial", ["localhost:5555", "127.0.0.1:6555", "172.17.0.2:5555"]
)
def test_an_emulator_at_a_host_and_port_needs_the_cpu_lease(serial):
    output = printed(getprop=getprop(ro__hardware="ranchu"))
    info = info_of(output, serial)
    assert info.shares_host_cpu
    assert info.transport == f"tcp {serial}"


def test_a_phone_at_a_host_and_port_needs_no_lease():
    output = printed(getprop=getprop(ro__hardware="qcom"))
    assert not info_of(output, "192.168.0.7:5555").shares_host_cpu


def test_phones_of_one_serial_have_a_hash_each():
    output = printed(getprop=getprop(ro__serialno="0123456789ABCDEF"))
    first, second = (info_of(output, port) for port in ("usb:1-1", "3-2.1"))
    assert first.serial_hash != second.serial_hash
    assert (first.transport, second.transport) == ("usb 1-1", "usb 3-2.1")


@pytest.mark.parametrize(
    ("properties", "hardware", "soc"),
    [
        ({"ro__soc__model": "unknown", "ro__board__platform": "rk3588"}, "", "rk3588"),
        ({"ro__hardware__chipname": "exynos9810"}, "", "exynos9810"),
        ({"ro__mediatek__platform": "MT6781"}, "", "MT6781"),
        ({"ro__boot__hardware": "rpi4"}, "", "rpi4"),
        ({}, "Hardware\t: Amlogic\n", "Amlogic"),
        ({}, "", None),
    ],
)
def test_a_board_without_a_soc_model_is_named_by_what_it_has(properties, hardware, soc):
    output = printed(getprop=getprop(**properties), cpuinfo=hardware)
    assert info_of(output).soc == soc


def test_the_name_people_know_is_preferred_to_the_model_number():
    output = printed(
        getprop=getprop(
            ro__product__model="24094RAD4G", ro__product__marketname="Redmi Note 14 5G"
        )
    )
    info = info_of(output)
    assert (info.name, info.model) == ("Redmi Note 14 5G", "24094RAD4G")


@pytest.mark.parametrize(
    ("serial", "transport"),
    [
        ("R58N123", "usb"),
        ("192.168.1.5:5555", "tcp 192.168.1.5:5555"),
        (
            "adb-R58N123-abcdef._adb-tls-connect._tcp",
            "tcp adb-R58N123-abcdef._adb-tls-connect._tcp",
        ),
    ],
)
def test_how_a_phone_is_reached_is_reported_by_adbs_name_for_it(serial, transport):
    assert info_of(printed(getprop="[a]: [b]\n"), serial).transport == transport


def test_an_unknown_core_is_named_by_its_numbers():
    assert core_name(0x41, 0xFFE) == "Arm part 0xffe"
    assert core_name(0x99, 0x001) == "implementer 0x99 part 0x001"


def test_the_script_needs_no_quoting():
    assert "'" not in IDENTITY_SCRIPT
