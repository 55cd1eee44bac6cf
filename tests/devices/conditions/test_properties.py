"""Whatever a phone prints, parsers do not raise and give nothing absurd."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketbench.bench.conditions.throttling import (
    clock_residency,
    clocks_fell,
    new_caps,
    status_rose,
)
from pocketbench.bench.judge.energy import energy_used
from pocketbench.bench.records.conditions import Conditions
from pocketbench.devices.conditions.probe import parse_probe

HERE = Path(__file__).parent
TOKEN = "@@0123456789abcdef"
PARTS = {
    "files": ("files_pixel", "files_old_kernel"),
    "thermal": tuple(sorted(p.stem for p in (HERE / "data").glob("thermal_*.txt"))),
    "battery": ("battery_pixel", "battery_samsung"),
    "power": ("power",),
    "build": ("build_pixel",),
}
ZONE = "/sys/class/thermal/thermal_zone0"
ZONES = f"{ZONE}/type=cpu0\n{ZONE}/temp=41000\n"


def text_of(name: str) -> str:
    return (HERE / "data" / f"{name}.txt").read_text()


def assemble(texts: dict[str, str]) -> str:
    return "".join(
        f"\n{TOKEN}+{name}\n{text}\n{TOKEN}-{name} 0\n" for name, text in texts.items()
    )


def check_sane(conditions: Conditions) -> None:
    """Every figure lies where a figure of its kind can lie, and it can be stored."""
    encoded = msgspec.json.encode(conditions)
    assert msgspec.json.decode(encoded, type=Conditions) == conditions
    assert all(0 < len(reason) <= 200 for reason in conditions.missing.values())
    thermal = conditions.thermal
    if thermal:
        assert thermal.status is None or 0 <= thermal.status <= 6
        limits = [v for s in thermal.skin_thresholds for v in s.hot_c if v is not None]
        for value_c in [*limits, *(t.value_c for t in thermal.temperatures)]:
            assert math.isfinite(value_c)
            assert -40 <= value_c <= 150
            assert value_c != 0
    for policy in conditions.cpu_policies or ():
        for khz in (
            policy.current_frequency_khz,
            policy.min_frequency_khz,
            policy.max_frequency_khz,
            policy.hardware_max_frequency_khz,
            *(policy.time_in_state_ticks or {}),
        ):
            assert khz is None or 10_000 <= khz <= 10_000_000
        assert all(n >= 0 for n in (policy.time_in_state_ticks or {}).values())
        assert all(0 <= cpu < 1024 for cpu in policy.cpus)
    battery = conditions.battery
    if battery:
        assert battery.level is None or 0 <= battery.level <= (battery.scale or 100)
        assert battery.temperature_c is None or -40 <= battery.temperature_c <= 150
        assert battery.voltage_mv is None or 1000 <= battery.voltage_mv <= 30_000
        assert battery.current_ua is None or abs(battery.current_ua) <= 20_000_000
    memory = conditions.memory
    if memory:
        for size in msgspec.to_builtins(memory).values():
            assert 0 <= size <= 2**44
    for load in conditions.load_averages or ():
        assert math.isfinite(load)
        assert load >= 0
    if conditions.uptime_s is not None:
        assert math.isfinite(conditions.uptime_s)
    for meter in conditions.energy or ():
        assert all(0 <= value <= 10**18 for value in meter.rails_uj.values())


HEALTHY = parse_probe(
    assemble({part: text_of(names[0]) for part, names in PARTS.items()}), TOKEN
)


def check_output(output: str) -> None:
    conditions = parse_probe(output, TOKEN)
    check_sane(conditions)
    for before, after in ((HEALTHY, conditions), (conditions, HEALTHY)):
        status_rose(before, after)
        new_caps(after, before)
        energy_used(before, after)
        residency = clock_residency(before, after)
        if isinstance(residency, tuple):
            clocks_fell(residency, residency)


NASTY = st.sampled_from(
    [
        *("", "\n", "\r", "\0", "\t", " ", "}", "{", "[", "]", "=", ":", ",", "-", "."),
        *("NaN", "inf", "-inf", "1e999", "9" * 30, "-1", "0", "0.0", "٣٨", "³", "1_0"),
        *("null", "true", "Permission denied", "\ud800", "\x1c", "\u2028", "é", "日本"),
        *(TOKEN, f"\n{TOKEN}+battery\n", f"\n{TOKEN}-thermal 0\n", f"\n{TOKEN}."),
        *("mName=", "mStatus=", "Thermal Status: ", "  level: ", "CH0[", "], 7\n"),
        *("Current temperatures from HAL:", "Cached temperatures:", "HAL connection:"),
    ]
)


@st.composite
def mutated_outputs(draw: st.DrawFn) -> str:
    """A probe's output with lines lost, repeated, moved, cut and overwritten."""
    texts = {}
    for part, names in PARTS.items():
        if draw(st.integers(0, 9)):
            texts[part] = text_of(draw(st.sampled_from(names)))
    texts["saver"] = draw(st.sampled_from(["0\n", "1\n", "null\n", "x"]))
    if draw(st.booleans()):
        texts["thermal"] = texts.get("thermal", "") + ZONES
    output = assemble(texts)
    for _ in range(draw(st.integers(1, 12))):
        start = draw(st.integers(0, len(output)))
        end = draw(st.integers(start, min(len(output), start + 60)))
        match draw(st.sampled_from(["overwrite", "drop", "repeat", "cut", "line"])):
            case "overwrite":
                output = (
                    output[:start] + draw(NASTY | st.text(max_size=9)) + output[end:]
                )
            case "drop":
                output = output[:start] + output[end:]
            case "repeat":
                output = output[:end] + output[start:]
            case "cut":
                output = output[:start]
            case "line":
                lines = output.split("\n")
                here = draw(st.integers(0, len(lines) - 1))
                lines.insert(here, lines.pop(draw(st.integers(0, len(lines) - 1))))
                output = "\n".join(lines)
    return output


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated_outputs())
def test_mutated_output_never_raises_and_never_gives_an_absurd_figure(output: str):
    check_output(output)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.sampled_from(sorted(PARTS)))
def test_any_text_in_a_part_costs_that_part_alone(text: str, part: str):
    texts = {name: text_of(names[0]) for name, names in PARTS.items()}
    texts[part] = text.replace(TOKEN, "")
    conditions = parse_probe(assemble(texts), TOKEN)
    check_sane(conditions)
    untouched = {
        "thermal": ("thermal",),
        "files": ("cpu_policies", "memory", "load_averages", "energy", "uptime_s"),
        "battery": ("battery",),
        "power": ("screen", "is_dozing"),
        "build": ("build",),
    }
    for other, fields in untouched.items():
        # The battery's current comes from a file, so it goes with the files.
        if other != part and not (other == "battery" and part == "files"):
            for field in fields:
                assert getattr(conditions, field) == getattr(HEALTHY, field)


@pytest.mark.parametrize("part", sorted(PARTS))
@pytest.mark.parametrize(
    "unit",
    ["\n", " ", "0-1023,", "[ro.a]: [", "a" * 99 + "\n", "\tTemperature{mValue="],
)
def test_a_flood_of_output_is_read_in_linear_time(part: str, unit: str):
    texts = {name: text_of(names[0]) for name, names in PARTS.items()}
    status = "/proc/self/status=Cpus_allowed_list:\t"
    texts[part] += (status if part == "files" else "") + unit * (500_000 // len(unit))
    begin = time.process_time()
    check_output(assemble(texts))
    assert time.process_time() - begin < 5


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="needs atheris (pip install)"
)
def test_coverage_guided_mutation_finds_no_raising_parser(tmp_path: Path):
    script = HERE / "fuzz_conditions.py"
    result = subprocess.run(
        [sys.executable, str(script), "-runs=20000", "-seed=7"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert "Done 20000 runs" in result.stderr
