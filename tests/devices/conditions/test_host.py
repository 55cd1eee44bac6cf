from __future__ import annotations

import os
from pathlib import Path

import pytest

from pocketbench.devices.conditions.host import read_host_conditions


def lay(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="needs Linux's /proc")
def test_this_computer_reports_its_load_memory_and_cores():
    conditions = read_host_conditions()
    assert conditions.load_averages is not None
    assert conditions.memory is not None
    assert conditions.memory.available_bytes
    assert conditions.allowed_cpus is not None
    assert set(conditions.allowed_cpus) == os.sched_getaffinity(0)
    assert conditions.uptime_s
    for part in ("thermal", "cpu_policies", "battery", "screen"):
        assert (getattr(conditions, part) is None) == (part in conditions.missing)


def test_a_computer_with_clocks_and_zones_reports_them(tmp_path: Path):
    policy = "sys/devices/system/cpu/cpufreq/policy0"
    lay(
        tmp_path,
        {
            f"{policy}/related_cpus": "0\n",
            f"{policy}/scaling_max_freq": "2000000\n",
            f"{policy}/cpuinfo_max_freq": "3500000\n",
            f"{policy}/scaling_governor": "powersave\n",
            "sys/class/thermal/thermal_zone0/type": "x86_pkg_temp\n",
            "sys/class/thermal/thermal_zone0/temp": "47000\n",
            "sys/class/thermal/thermal_zone1/type": "acpitz\n",
            "sys/class/thermal/thermal_zone1/temp": "27800\n",
        },
    )
    conditions = read_host_conditions(tmp_path)
    assert conditions.cpu_policies is not None
    assert conditions.cpu_policies[0].is_capped
    assert conditions.thermal is not None
    assert [(t.kind, t.value_c) for t in conditions.thermal.temperatures] == [
        ("cpu", 47.0),
        ("other", 27.8),
    ]
    assert conditions.missing["memory"] == "no such file"
    assert conditions.missing["cpu_policies.0.current_frequency_khz"] == "no such file"


def test_a_computer_without_proc_has_nothing_but_reasons(tmp_path: Path):
    conditions = read_host_conditions(tmp_path)
    assert conditions.cpu_policies is None
    assert set(conditions.missing) == {
        *("thermal", "cpu_policies", "online_cpus", "battery", "is_battery_saver"),
        *("screen", "memory", "load_averages", "cpuset", "allowed_cpus"),
        *("is_fixed_performance", "build", "uptime_s", "energy", "is_dozing"),
    }
