from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.android_runner.prebuilt.process_memory import (
    ProcessStatus,
    SmapsRollup,
    parse_smaps_rollup,
    parse_status,
)
from pocketbench.bench.records.conditions import Missing

ROLLUP = """5569b2c2a000-7ffd1a5f6000 ---p 00000000 00:00 0                  [rollup]
Rss:               41236 kB
Pss:               30107 kB
Pss_Dirty:         22104 kB
Pss_Anon:          22000 kB
Pss_File:           8000 kB
Pss_Shmem:           107 kB
Swap:                 64 kB
SwapPss:              32 kB
Locked:                0 kB
"""


def test_the_sums_are_read():
    assert parse_smaps_rollup(ROLLUP) == SmapsRollup(
        rss_bytes=41236 * 1024,
        pss_bytes=30107 * 1024,
        pss_anonymous_bytes=22000 * 1024,
        pss_file_bytes=8000 * 1024,
        pss_shared_memory_bytes=107 * 1024,
        swap_pss_bytes=32 * 1024,
    )


def test_an_older_kernel_without_the_split_gives_the_sums():
    text = "\n".join(line for line in ROLLUP.split("\n") if "Pss_" not in line)
    rollup = parse_smaps_rollup(text)
    assert isinstance(rollup, SmapsRollup)
    assert rollup.pss_bytes == 30107 * 1024
    assert rollup.pss_anonymous_bytes is None


@pytest.mark.parametrize(
    "text", ["", "cat: /proc/9/smaps_rollup: Permission denied", "Rss: 5 kB\nPss: x kB"]
)
def test_what_cannot_be_read_gives_a_reason(text: str):
    assert isinstance(parse_smaps_rollup(text), Missing)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
def test_the_running_kernels_files_are_understood():
    rollup = parse_smaps_rollup(Path("/proc/self/smaps_rollup").read_text())
    status = parse_status(Path("/proc/self/status").read_text())
    assert isinstance(rollup, SmapsRollup)
    assert isinstance(status, ProcessStatus)
    assert 0 < rollup.pss_bytes <= rollup.rss_bytes
    assert status.peak_rss_bytes
    assert status.rss_bytes


def test_a_process_that_has_ended_has_no_memory():
    assert isinstance(parse_status("Name:\tx\nState:\tZ (zombie)\n"), Missing)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str):
    for mixed in (text, ROLLUP[: len(text)] + text, ROLLUP + text):
        parse_smaps_rollup(mixed)
        parse_status(mixed)
