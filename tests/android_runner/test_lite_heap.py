"""Where tensors lie once the heap is steady: a program that allocates as torch does."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

NATIVE = Path(__file__).parents[2] / "android_runner" / "native"
SOURCE = Path(__file__).parent / "native" / "heap_program.cpp"
PAGE = 4096
LINE = 64
LARGE_PAGES = (40 << 20) // PAGE
pytestmark = [
    pytest.mark.needs("compiler"),
    pytest.mark.skipif(
        platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone"
    ),
]


class Told(NamedTuple):
    addresses: dict[int, list[int]]
    """By the size of the tensor."""
    faults: int


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = importlib.util.find_spec("torch")
    assert found is not None
    assert found.origin is not None
    torch = Path(found.origin).parent
    path = tmp_path_factory.mktemp("heap") / "heap_program"
    subprocess.run(
        [
            *(os.environ.get("CXX", "c++"), "-std=c++20", "-O1"),
            *(f"-I{torch / 'include'}", f"-I{NATIVE}"),
            *(str(SOURCE), str(NATIVE / "lite_heap.cpp")),
            *(f"-L{torch / 'lib'}", f"-Wl,-rpath,{torch / 'lib'}", "-lc10"),
            *("-o", str(path)),
        ],
        check=True,
    )
    return path


def reported(program: Path, *words: str) -> Told:
    done = subprocess.run(
        [program, *words], capture_output=True, text=True, check=True, timeout=60
    )
    *lines, last = done.stdout.splitlines()
    addresses = defaultdict(list)
    for line in lines:
        size, address = map(int, line.split())
        addresses[size].append(address)
    return Told(addresses, int(last.removeprefix("faults ")))


def test_every_tensor_is_aligned_and_none_overlap(program: Path) -> None:
    spans = sorted(
        (address, address + size)
        for size, addresses in reported(program).addresses.items()
        for address in addresses
    )

    assert all(begin % LINE == 0 for begin, _ in spans)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


def test_a_large_tensor_begins_anywhere_in_a_page(program: Path) -> None:
    places = {address % PAGE for address in reported(program).addresses[1 << 20]}

    # 40 draws of 64 places: fewer than 15 of them is rarer than once in 10^9.
    assert len(places) >= 15


def test_the_next_launch_places_them_elsewhere(program: Path) -> None:
    def gaps(size: int) -> list[int]:
        found = reported(program).addresses[size]
        return [after - before for before, after in pairwise(found)]

    assert gaps(1 << 20) != gaps(1 << 20)
    assert gaps(100_000) != gaps(100_000)


@pytest.mark.parametrize("size", [64, 200, 4096])
def test_a_small_tensor_takes_no_more_than_three_times_its_size(
    program: Path, size: int
) -> None:
    found = reported(program).addresses[size]

    room = (max(found) - min(found)) / (len(found) - 1)
    assert room <= 3 * size + 4 * LINE


def test_freed_memory_stays_with_the_process(program: Path) -> None:
    assert reported(program).faults < LARGE_PAGES
    assert reported(program, "as the system does").faults >= 10 * LARGE_PAGES
