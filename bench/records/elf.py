"""What a program file was built for, read from its ELF header."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from pocketbench.bench.errors import UsageError
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"\x7fELF"
_ABIS = {
    (62, 2): "x86_64",
    (3, 1): "x86",
    (183, 2): "arm64-v8a",
    (40, 1): "armeabi-v7a",
    (243, 2): "riscv64",
}
"""(e_machine, EI_CLASS: 1 is 32-bit) in Android's words, as `ro.product.cpu.abilist`
has them. ELF-64 object file format, e_machine values of the System V ABI."""

_LIBCS = (
    ("/system/bin/linker", "bionic"),
    ("ld-linux", "glibc"),
    ("ld64.so", "glibc"),
    ("ld-musl", "musl"),
)
_PT_LOAD = 1
_PT_INTERP = 3
_PT_NOTE = 4
_ANDROID_NOTE = struct.Struct("III8sI")
"""`.note.android.ident`: two lengths, its kind 1, its name, and the API level."""
_MOST_NOTES_BYTES = 65536
_LINKED_TYPES = (2, 3)
"""ET_EXEC and ET_DYN; a shared library is ET_DYN too, but has no entry point."""


class ElfFacts(Value, frozen=True, kw_only=True):
    """What the headers of an ELF file say."""

    abi: str
    """`arm64-v8a`, ...; `machine 21` for one that no phone has."""
    libc: str
    """`bionic`, `glibc`, `musl`; `static` when it names no interpreter."""
    interpreter: str | None
    load_alignment_bytes: int | None
    """Smallest alignment of a loaded segment; a 16 KB-page phone needs 16384."""
    android_api_level: int | None = None
    """The oldest Android that it was linked for; `None`: it does not say."""

    def runs_with(self, libc: str | None) -> bool:
        """Whether a system with this C library can start the program."""
        return self.libc == "static" or libc is None or self.libc == libc


def read_elf(path: Path, *, or_library: bool = False) -> ElfFacts:
    """Read a program's ABI and C library.

    Args:
        path: Of the file.
        or_library: A shared library, which has no entry point, will do too.

    Raises:
        UsageError: The file is not there, or not an ELF program.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path, or_library=or_library)
    except OSError as error:
        raise UsageError(
            str(path), f"cannot be read ({error.strerror})", "Check the path"
        ) from error
    except (struct.error, OverflowError, ValueError) as error:
        # Headers that point beyond the end of the file, or of any file.
        raise _not_a_program(path, "its ELF headers are cut off") from error


def _read(file: BinaryIO, path: Path, *, or_library: bool) -> ElfFacts:
    ident = file.read(16)
    if ident[:4] != _MAGIC:
        raise _not_a_program(path, "not an ELF program")
    if len(ident) < 16 or ident[4] not in (1, 2) or ident[5] not in (1, 2):
        raise _not_a_program(path, "its ELF header is damaged")
    bits, order = ident[4], "<" if ident[5] == 1 else ">"
    layout = f"{order}HHIQQQIHHH" if bits == 2 else f"{order}HHIIIIIHHH"
    fields = struct.unpack(layout, file.read(struct.calcsize(layout)))
    kind, machine, _, entry, table, *_, entry_size, count = fields
    if kind not in _LINKED_TYPES or (entry == 0 and not or_library):
        raise _not_a_program(path, "an ELF file, but not a program")
    interpreter = api_level = None
    alignments = []
    for index in range(count):
        file.seek(table + index * entry_size)
        segment = _segment(file, bits, order)
        if segment.kind == _PT_INTERP:
            file.seek(segment.offset)
            raw = file.read(min(segment.size, 4096))
            interpreter = raw.rstrip(b"\0").decode("utf-8", "replace")
        elif segment.kind == _PT_LOAD:
            alignments.append(segment.alignment)
        elif segment.kind == _PT_NOTE:
            file.seek(segment.offset)
            notes = file.read(min(segment.size, _MOST_NOTES_BYTES))
            api_level = _android_api_level(notes, order) or api_level
    return ElfFacts(
        abi=_ABIS.get((machine, bits), f"machine {machine}"),
        libc=_libc(interpreter),
        interpreter=interpreter,
        load_alignment_bytes=min(alignments, default=None),
        android_api_level=api_level,
    )


class _Segment(Value, frozen=True, kw_only=True):
    kind: int
    offset: int
    size: int
    alignment: int


def _segment(file: BinaryIO, bits: int, order: str) -> _Segment:
    if bits == 2:
        kind, _, offset, _, _, size, _, alignment = struct.unpack(
            f"{order}IIQQQQQQ", file.read(56)
        )
    else:
        kind, offset, _, _, size, _, _, alignment = struct.unpack(
            f"{order}IIIIIIII", file.read(32)
        )
    return _Segment(kind=kind, offset=offset, size=size, alignment=alignment)


def _android_api_level(notes: bytes, order: str) -> int | None:
    note = struct.Struct(order + _ANDROID_NOTE.format)
    start = notes.find(b"Android\0") - 12
    if start < 0 or len(notes) < start + note.size:
        return None
    *_, kind, _, level = note.unpack_from(notes, start)
    return level if kind == 1 else None


def _libc(interpreter: str | None) -> str:
    if interpreter is None:
        return "static"
    for mark, libc in _LIBCS:
        if mark in interpreter:
            return libc
    return interpreter


def _not_a_program(path: Path, fact: str) -> UsageError:
    return UsageError(
        str(path), fact, "Give a program built for the phone (not a script or library)"
    )
