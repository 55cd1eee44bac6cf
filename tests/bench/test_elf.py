from __future__ import annotations

import contextlib
import shutil
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.bench.errors import UsageError
from pocketbench.bench.records.elf import ElfFacts, read_elf


def elf(
    machine: int,
    *,
    bits: int = 64,
    interpreter: str | None = None,
    alignment: int = 4096,
    kind: int = 3,
    entry: int = 0x1000,
    order: str = "<",
    api_level: int | None = None,
) -> bytes:
    """The headers of a program: a loaded segment, a loader's name, Android's note."""
    name = b"" if interpreter is None else interpreter.encode() + b"\0"
    note = struct.pack(f"{order}III8sI", 8, 4, 1, b"Android\0", api_level or 0)
    segments = [(1, 0, 0, alignment)]
    header_size, segment_size = (64, 56) if bits == 64 else (52, 32)
    tables_end = header_size + 3 * segment_size
    if name:
        segments.append((3, tables_end + len(note), len(name), 1))
    if api_level is not None:
        segments.append((4, tables_end, len(note), 4))
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1 if order == "<" else 2, 1])
    layout = f"{order}HHIQQQIHHHHHH" if bits == 64 else f"{order}HHIIIIIHHHHHH"
    header = struct.pack(
        layout, kind, machine, 1, entry, header_size, 0, 0, header_size,
        segment_size, len(segments), 0, 0, 0,
    )  # fmt: skip
    table = b""
    for kind_, offset, size, align in segments:
        if bits == 64:
            table += struct.pack(
                f"{order}IIQQQQQQ", kind_, 5, offset, 0, 0, size, size, align
            )
        else:
            table += struct.pack(
                f"{order}IIIIIIII", kind_, offset, 0, 0, size, size, 5, align
            )
    headers = ident.ljust(16, b"\0") + header + table
    return headers.ljust(tables_end, b"\0") + note + name


def facts_of(folder: Path, content: bytes) -> ElfFacts:
    path = folder / "program"
    path.write_bytes(content)
    return read_elf(path)


@pytest.mark.parametrize(
    ("machine", "bits", "abi"),
    [
        (183, 64, "arm64-v8a"),
        (40, 32, "armeabi-v7a"),
        (62, 64, "x86_64"),
        (3, 32, "x86"),
        (243, 64, "riscv64"),
        (21, 64, "machine 21"),
    ],
)
def test_the_machine_and_the_class_give_the_abi(
    tmp_path: Path, machine: int, bits: int, abi: str
) -> None:
    facts = facts_of(tmp_path, elf(machine, bits=bits))
    assert facts.abi == abi
    assert facts.libc == "static"


@pytest.mark.parametrize(("bits", "order"), [(64, "<"), (32, "<"), (32, ">")])
def test_the_note_of_androids_linker_gives_the_oldest_android(
    tmp_path: Path, bits: int, order: str
) -> None:
    noted = elf(183, bits=bits, order=order, api_level=26)
    assert facts_of(tmp_path, noted).android_api_level == 26
    assert facts_of(tmp_path, elf(183)).android_api_level is None
    cut_off = noted[: -(struct.calcsize("III8sI") - 20)]
    assert facts_of(tmp_path, cut_off).android_api_level is None


@pytest.mark.parametrize(
    ("interpreter", "libc"),
    [
        ("/system/bin/linker64", "bionic"),
        ("/system/bin/linker", "bionic"),
        ("/lib/ld-linux-aarch64.so.1", "glibc"),
        ("/lib64/ld-linux-x86-64.so.2", "glibc"),
        ("/lib/ld-musl-x86_64.so.1", "musl"),
        ("/odd/loader", "/odd/loader"),
        (None, "static"),
    ],
)
def test_the_interpreter_gives_the_c_library(
    tmp_path: Path, interpreter: str | None, libc: str
) -> None:
    facts = facts_of(tmp_path, elf(183, interpreter=interpreter))
    assert facts.libc == libc
    assert facts.interpreter == interpreter


def test_a_static_program_runs_with_any_c_library_and_others_with_their_own(
    tmp_path: Path,
) -> None:
    static = facts_of(tmp_path, elf(62))
    bionic = facts_of(tmp_path, elf(62, interpreter="/system/bin/linker64"))
    assert static.runs_with("glibc")
    assert static.runs_with("bionic")
    assert bionic.runs_with("bionic")
    assert bionic.runs_with(None)
    assert not bionic.runs_with("glibc")


def test_the_smallest_alignment_reports_whether_16_kb_pages_do(tmp_path: Path) -> None:
    assert facts_of(tmp_path, elf(183, alignment=16384)).load_alignment_bytes == 16384


def test_big_endian_headers_are_read_too(tmp_path: Path) -> None:
    assert facts_of(tmp_path, elf(21, order=">")).abi == "machine 21"


def test_a_real_program_of_this_computer_is_what_python_runs_on() -> None:
    shell = shutil.which("ls")
    assert shell is not None
    assert read_elf(Path(shell).resolve()).abi == read_elf(Path(sys.executable)).abi


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an ELF program"),
        (b"#!/bin/sh\n", "not an ELF program"),
        (b"\x7fELF", "damaged"),
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00", "cut off"),
        (elf(62, entry=0), "not a program"),
        (elf(62)[:39] + b"\xff" + elf(62)[40:], "cut off"),
        (elf(62, kind=1), "not a program"),
    ],
)
def test_what_is_no_program_is_refused_by_name(
    tmp_path: Path, content: bytes, words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        facts_of(tmp_path, content)
    assert str(tmp_path / "program") in str(caught.value)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_elf(tmp_path / "nothing")


@given(cut=st.integers(0, 160), flip=st.integers(0, 160), to=st.integers(0, 255))
def test_damaged_headers_are_refused_or_read_but_never_crash(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int, to: int
) -> None:
    whole = bytearray(elf(183, interpreter="/system/bin/linker64"))
    whole[flip] = to
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    with contextlib.suppress(UsageError):
        facts_of(folder, bytes(whole[:cut]) if cut < 160 else bytes(whole))
