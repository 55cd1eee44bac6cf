"""Whatever a phone prints of itself, reading it does not raise or give the absurd."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketbench.bench.records.conditions import Missing
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.devices.android.identity import device_info, parse_sections
from pocketbench.devices.android.push.free_space import parse_free_space

FUZZ = Path(__file__).with_name("fuzz_identity.py")
ROOT = "/sys/devices/system/cpu"
HEALTHY = {
    "getprop": "[ro.product.model]: [Phone]\n[ro.serialno]: [0A1B]\n"
    "[ro.build.version.sdk]: [34]\n[ro.product.cpu.abilist]: [arm64-v8a]\n",
    "cpuinfo": "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd46\n\n"
    "processor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd4d\n",
    "present": "0-1\n",
    "frequencies": f"{ROOT}/cpu0/cpufreq/cpuinfo_max_freq:1704000\n"
    f"{ROOT}/cpu1/cpufreq/cpuinfo_max_freq:2367000\n",
    "capacities": f"{ROOT}/cpu0/cpu_capacity:160\n{ROOT}/cpu1/cpu_capacity:1024\n",
    "meminfo": "MemTotal:        7739132 kB\n",
    "pagesize": "4096\n",
    "kernel": "5.15.110\n",
}
TABLE = (
    "Filesystem       1K-blocks     Used Available Use% Mounted on\n"
    "/dev/block/dm-52 113246208 41943040  71303168  38% /data\n"
)
NASTY = st.sampled_from(
    [
        *("", "\n", "\r", "\0", " ", ":", "]", "[", "-", ",", "0x", "³", "٣"),
        *("==pocketbench== ", "Permission denied", "kB", "\ud800", "\u2028"),
        *("-1", "1e9", "9" * 5000),
    ]
)


def printed(sections: dict[str, str]) -> bytes:
    text = "".join(f"==pocketbench== {k}\n{v}" for k, v in sections.items())
    return text.encode("utf-8", "surrogatepass")


def check(output: bytes) -> None:
    info = device_info(
        parse_sections(output), device_id="android:S", family="android", serial="S"
    )
    assert msgspec.json.decode(msgspec.json.encode(info), type=DeviceInfo) == info
    assert info.core_count is None or 0 < info.core_count <= 1024
    assert info.ram_bytes is None or 0 < info.ram_bytes <= 2**44
    assert info.page_size_bytes is None or 1024 <= info.page_size_bytes <= 2**20
    for cluster in info.clusters:
        assert all(0 <= cpu < 1024 for cpu in cluster.cpus)
        assert cluster.capacity is None or 0 < cluster.capacity <= 10**7


def check_free_space(text: str) -> None:
    found = parse_free_space(text)
    if isinstance(found, Missing):
        assert found.reason
        msgspec.json.encode(found)
    else:
        assert 0 <= found <= 2**60


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    for _ in range(draw(st.integers(1, 8))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 40)))
        text = text[:start] + draw(NASTY | st.text(max_size=9)) + text[end:]
    return text


@settings(max_examples=200, deadline=None)
@given(mutated(printed(HEALTHY).decode()))
def test_a_mutated_identity_is_read(text: str):
    check(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=200, deadline=None)
@given(mutated(TABLE) | st.text(max_size=300))
def test_a_mutated_table_of_file_systems_is_read(text: str):
    check_free_space(text)


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="needs atheris (pip install)"
)
def test_coverage_guided_mutation_finds_nothing_that_raises(tmp_path: Path):
    result = subprocess.run(
        [sys.executable, str(FUZZ), "-runs=20000", "-seed=7"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert "Done 20000 runs" in result.stderr
