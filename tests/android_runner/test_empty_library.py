"""The library without symbols: the loader takes it for the one that is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pocketbench.android_runner.build import empty_library
from pocketbench.bench.records.elf import read_elf

CROSS = "aarch64-linux-gnu-gcc"


def test_it_is_made_once_and_is_aligned_for_the_largest_pages(tmp_path: Path) -> None:
    made = empty_library.make("libz.so.1", tmp_path)
    facts = read_elf(made, or_library=True)
    assert facts.abi == "arm64-v8a"
    assert facts.load_alignment_bytes == 65536
    changed_ns = made.stat().st_mtime_ns
    assert empty_library.make("libz.so.1", tmp_path) == made
    assert made.stat().st_mtime_ns == changed_ns


@pytest.mark.needs("qemu", "arm64 compiler")
def test_a_program_that_names_it_and_calls_nothing_of_it_runs(tmp_path: Path) -> None:
    (tmp_path / "z.c").write_text("int unused;\n")
    (tmp_path / "main.c").write_text("int main() { return 7; }\n")
    real, program = tmp_path / "real/libz.so.1", tmp_path / "program"
    real.parent.mkdir()
    shared = ["-shared", "-Wl,-soname,libz.so.1", "-o", real, tmp_path / "z.c"]
    subprocess.run([CROSS, *shared], check=True)
    linked = ["-Wl,--no-as-needed", real, "-o", program, tmp_path / "main.c"]
    subprocess.run([CROSS, *linked], check=True)
    folder = Path("/usr/aarch64-linux-gnu/lib")
    loader = ["qemu-aarch64-static", folder / "ld-linux-aarch64.so.1"]
    start = [*loader, "--library-path", f"{folder}:{tmp_path}", program]

    without = subprocess.run(start, capture_output=True, text=True)
    assert "libz.so.1: cannot open shared object file" in without.stderr
    empty_library.make("libz.so.1", tmp_path)
    assert subprocess.run(start).returncode == 7
