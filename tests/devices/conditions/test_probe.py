from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from pocketbench.bench.records.conditions import Conditions
from pocketbench.devices.conditions.probe import compose_probe, new_token, parse_probe

SHELLS = ("mksh", "dash", "bash")
needs = pytest.mark.needs("bubblewrap", "mksh")
DATA_FILES = ("thermal_pixel", "battery_pixel", "power", "build_pixel")


def furnish(fake_phone: Any, said: Any) -> None:
    """A phone of three clock domains, one limit of which the shell may not read."""
    cat = {name: said(name).stdout for name in DATA_FILES}
    for name, text in cat.items():
        fake_phone.file(f"bin/{name}.txt", text)
    fake_phone.command(
        "dumpsys",
        "case $1 in thermalservice) cat /mnt/thermal_pixel.txt;;"
        " battery) cat /mnt/battery_pixel.txt;;"
        " power) cat /mnt/power.txt; seq 1 300;;"
        ' *) echo "Can\'t find service: $1" >&2;; esac',
    )
    fake_phone.command("getprop", "cat /mnt/build_pixel.txt; echo '[sys.a]: [b]'")
    fake_phone.command("cmd", "if [ $1 = settings ]; then echo 0; else exit 20; fi")
    for number, cpus, top in ((0, "0 1 2 3", 1704000), (4, "4 5", 2367000)):
        fake_phone.policy(
            number,
            related_cpus=f"{cpus}\n",
            scaling_cur_freq="1197000\n",
            scaling_min_freq="324000\n",
            scaling_max_freq=f"{top - 100000}\n",
            cpuinfo_max_freq=f"{top}\n",
            scaling_governor="walt\n",
            stats_time_in_state=f"324000 10\n{top} 5\n",
        )
    fake_phone.file("sys/devices/system/cpu/online", "0-5\n")
    fake_phone.file(
        "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq", "1", mode=0o000
    )
    fake_phone.file(
        "sys/bus/iio/devices/iio:device0/energy_value",
        "t=100\nCH0(T=100)[S2M_CPU], 7\n",
    )
    fake_phone.file("sys/class/power_supply/battery/current_now", "-312000\n")


def read(fake_phone: Any, shell: str) -> tuple[Conditions, str]:
    token = new_token()
    result = fake_phone.run(shell, compose_probe(token))
    assert result.stderr == ""
    assert result.stdout.endswith(f"{token}.\n")
    return parse_probe(result.stdout, token), result.stdout


@needs
@pytest.mark.parametrize("shell", SHELLS)
def test_one_command_reads_everything_in_a_real_shell(
    fake_phone: Any, said: Any, shell: str
):
    furnish(fake_phone, said)
    conditions, _ = read(fake_phone, shell)
    assert conditions.thermal is not None
    assert conditions.thermal.status == 0
    assert conditions.cpu_policies is not None
    little, big = conditions.cpu_policies
    assert (little.cpus, little.max_frequency_khz) == ((0, 1, 2, 3), None)
    assert big.time_in_state_ticks == {324000: 10, 2367000: 5}
    assert big.is_capped
    assert conditions.battery is not None
    assert conditions.battery.level == 71
    assert conditions.is_battery_saver is False
    assert conditions.is_dozing is False
    assert conditions.screen is not None
    assert conditions.screen.is_on
    assert conditions.memory is not None
    assert conditions.memory.available_bytes
    assert conditions.load_averages is not None
    assert conditions.allowed_cpus
    assert conditions.uptime_s
    assert conditions.build is not None
    assert conditions.build.is_debug is False
    assert conditions.energy is not None
    assert conditions.energy[0].rails_uj == {"S2M_CPU": 7}
    denied = conditions.missing.pop("cpu_policies.0.max_frequency_khz")
    assert denied == "Permission denied"
    conditions.missing.pop("memory.available_bytes", None)
    assert set(conditions.missing) == {"is_fixed_performance"}


@needs
@pytest.mark.parametrize("shell", SHELLS)
def test_a_phone_that_knows_nothing_gives_reasons_in_its_own_words(
    fake_phone: Any, shell: str
):
    fake_phone.command("dumpsys", 'echo "Can\'t find service: $1" >&2')
    fake_phone.command("getprop", "exit 3")
    fake_phone.command("settings", "echo 'cmd: Failure' >&2; exit 1")
    conditions, _ = read(fake_phone, shell)
    missing = conditions.missing
    assert missing["thermal"] == "Can't find service: thermalservice"
    assert missing["battery"] == "Can't find service: battery"
    assert missing["screen"] == "Can't find service: power"
    assert missing["is_battery_saver"] == "cmd: Failure"
    assert missing["cpu_policies"] == "no readable clock domain"
    assert missing["energy"].startswith("no power rails")
    assert conditions.memory is not None


@needs
def test_zones_stand_in_for_a_missing_thermal_service(fake_phone: Any):
    fake_phone.file("sys/class/thermal/thermal_zone0/type", "cpu-0-0-usr\n")
    fake_phone.file("sys/class/thermal/thermal_zone0/temp", "41300\n")
    conditions, _ = read(fake_phone, "mksh")
    assert conditions.thermal is not None
    assert conditions.thermal.source == "zones"
    assert [t.value_c for t in conditions.thermal.temperatures] == [41.3]
    assert conditions.missing["thermal.status"].endswith("not found")


@needs
def test_zones_stand_in_for_stale_values_and_are_not_read_beside_current_ones(
    fake_phone: Any, said: Any
):
    fake_phone.file("sys/class/thermal/thermal_zone0/type", "cpu-0-0-usr\n")
    fake_phone.file("sys/class/thermal/thermal_zone0/temp", "41300\n")
    fake_phone.file("bin/dump.txt", said("thermal_cached_only").stdout)
    fake_phone.command("dumpsys", "cat /mnt/dump.txt")
    stale, _ = read(fake_phone, "mksh")
    assert stale.thermal is not None
    assert (stale.thermal.status, stale.thermal.source) == (1, "zones")
    assert "thermal.temperatures" not in stale.missing
    (fake_phone.root / "bin/dump.txt").chmod(0o644)
    fake_phone.file("bin/dump.txt", said("thermal_pixel").stdout)
    current, output = read(fake_phone, "mksh")
    assert current.thermal is not None
    assert current.thermal.source == "hal"
    assert "thermal_zone0" not in output


@needs
def test_the_settings_record_on_the_phone_is_read(fake_phone: Any):
    fake_phone.file("data/pocketbench/settings", "fixed_performance=false\n")
    conditions, _ = read(fake_phone, "mksh")
    assert conditions.is_fixed_performance is True


@needs
def test_output_cut_anywhere_loses_only_what_did_not_come(fake_phone: Any, said: Any):
    furnish(fake_phone, said)
    token = new_token()
    output = fake_phone.run("mksh", compose_probe(token)).stdout
    whole = parse_probe(output, token)
    facts = flat(whole)
    for length in range(0, len(output), 7):
        for path, value in flat(parse_probe(output[:length], token)).items():
            if not path.startswith((".thermal.temperatures", ".thermal.source")):
                assert facts[path] == value, (length, path)


def flat(conditions: Conditions) -> dict[str, Any]:
    """Every figure by its path, reasons left out."""
    found: dict[str, Any] = {}

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(f"{path}.{key}", item)
        elif isinstance(value, (list, tuple)):
            for index, item in enumerate(value):
                walk(f"{path}.{index}", item)
        else:
            found[path] = value

    facts = msgspec.to_builtins(conditions)
    facts.pop("missing", None)
    walk("", facts)
    return found


def test_lines_that_look_like_the_probes_own_do_not_end_a_part(said: Any):
    token = new_token()
    text = said("battery_pixel").stdout
    forged = f"  level: 3\n@@0123456789abcdef-battery 0\n{text}"
    output = f"\n{token}+battery\n{forged}\n{token}-battery 0\n\n{token}.\n"
    conditions = parse_probe(output, token)
    assert conditions.battery is not None
    assert conditions.battery.status == "charging"


def test_carriage_returns_of_an_old_shell_do_no_harm(said: Any):
    token = new_token()
    parts = {"battery": "battery_pixel", "files": "files_pixel"}
    output = "".join(
        f"\n{token}+{part}\n{said(name).stdout}\n{token}-{part} 0\n"
        for part, name in parts.items()
    )
    plain = parse_probe(output, token)
    assert parse_probe(output.replace("\n", "\r\n"), token) == plain
    assert plain.battery is not None


def test_a_part_that_is_not_there_says_so():
    assert parse_probe("", "@@x").missing["battery"] == (
        "the probe's output has no such part"
    )
    assert parse_probe("error: closed", "@@x").cpu_policies is None


def test_each_probe_has_a_token_of_its_own():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"@@[0-9a-f]{16}", token) for token in tokens)


@needs
def test_the_probe_starts_few_processes(fake_phone: Any, said: Any):
    furnish(fake_phone, said)
    for name in ("dumpsys", "getprop", "cmd", "settings"):
        path = fake_phone.root / "bin" / name
        if path.exists():
            script = path.read_text().replace(
                "#!/bin/sh\n", f"#!/bin/sh\necho {name} >>/data/local/tmp/started\n"
            )
            path.write_text(script)
    fake_phone.command(
        "grep", 'echo grep >>/data/local/tmp/started; exec /bin/grep "$@"'
    )
    read(fake_phone, "mksh")
    started = sorted((fake_phone.root / "data/started").read_text().split())
    assert started == [
        "cmd",
        "dumpsys",
        "dumpsys",
        "dumpsys",
        "getprop",
    ]
