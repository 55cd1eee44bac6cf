"""What a shared library is called and needs, and a copy of it that a linker takes."""

from __future__ import annotations

import shutil
import struct
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pocketbench.bench.errors import UsageError
from pocketbench.bench.records.record import Value

_DYNAMIC, _DYNAMIC_SYMBOLS = 6, 11
"""sh_type of `.dynamic` and `.dynsym`; System V ABI, as all numbers here."""
_NEEDED, _SONAME, _RPATH, _RUNPATH = 1, 14, 15, 29
_GLOBAL = 1 << 4
"""STB_GLOBAL in the upper half of a symbol's `st_info`."""


class SharedLibrary(Value, frozen=True, kw_only=True):
    """The part of a library or program that loaders and linkers go by."""

    name: str
    """Under which it is asked for: its SONAME, else its file's."""
    needed: tuple[str, ...]
    folders: tuple[str, ...]
    """Where it looks for them itself."""
    misplaced_symbols: tuple[int, ...]
    """Where in the file the local symbols of the global part of `.dynsym` have their
    `st_info`. The .aar of PyTorch Mobile has some, and lld refuses them."""


class _Layout(NamedTuple):
    """Of one class of ELF: 32 or 64 bits."""

    header: str
    """e_shoff, e_flags, e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum."""
    header_at: int
    section: str
    entry: str
    """d_tag and d_val."""
    symbol_bytes: int
    info_at: int


_LAYOUTS = {
    1: _Layout("IIHHHHH", 32, "IIIIIIIIII", "II", 16, 12),
    2: _Layout("QIHHHHH", 40, "IIQQQQIIQQ", "QQ", 24, 4),
}


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def read_library(path: Path) -> SharedLibrary:
    """Read a library or program.

    Raises:
        UsageError: It is no ELF file, or a damaged one.
    """
    return _read_version(path, path.stat().st_mtime_ns)


def linkable(library: Path, folder: Path) -> Path:
    """The library, or a copy in a folder where linkers need one.

    The copy has the bindings of misplaced symbols set to global, and the name that
    programs ask for. A program that was linked with it runs with the original.

    Raises:
        UsageError: It is no ELF file, or a damaged one.
    """
    found = read_library(library)
    if not found.misplaced_symbols:
        return library
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / found.name
    shutil.copyfile(library, copy)
    with copy.open("r+b") as file:
        for place in found.misplaced_symbols:
            file.seek(place)
            (info,) = file.read(1)
            file.seek(place)
            file.write(bytes([info & 0xF | _GLOBAL]))
    return copy


@lru_cache(maxsize=256)
def _read_version(path: Path, changed_ns: int) -> SharedLibrary:
    del changed_ns
    try:
        with path.open("rb") as file:
            return _read(file, path)
    except (struct.error, IndexError, ValueError) as error:
        raise UsageError(
            str(path),
            "not a shared library, or a damaged one",
            "Unpack or build it again",
        ) from error


def _read(file: BinaryIO, path: Path) -> SharedLibrary:
    ident = file.read(16)
    if ident[:4] != b"\x7fELF" or ident[4] not in _LAYOUTS:
        raise ValueError(ident)
    layout, order = _LAYOUTS[ident[4]], "<" if ident[5] == 1 else ">"
    sections = _sections(file, layout, order)
    entries: list[tuple[int, str]] = []
    for section in sections:
        if section.kind == _DYNAMIC:
            strings = _bytes_of(file, sections[section.link])
            form = struct.Struct(order + layout.entry)
            entries += [
                (tag, strings[value : strings.index(b"\0", value)].decode())
                for tag, value in form.iter_unpack(_bytes_of(file, section))
                if tag in (_NEEDED, _SONAME, _RPATH, _RUNPATH)
            ]
    origin = str(path.parent)
    return SharedLibrary(
        name=next((text for tag, text in entries if tag == _SONAME), path.name),
        needed=tuple(text for tag, text in entries if tag == _NEEDED),
        folders=tuple(
            folder.replace("$ORIGIN", origin).replace("${ORIGIN}", origin)
            for tag, text in entries
            if tag in (_RPATH, _RUNPATH)
            for folder in text.split(":")
        ),
        misplaced_symbols=tuple(_misplaced(file, sections, layout)),
    )


def _sections(file: BinaryIO, layout: _Layout, order: str) -> list[_Section]:
    file.seek(layout.header_at)
    form = struct.Struct(order + layout.header)
    table, *_, entry_size, count = form.unpack(file.read(form.size))
    form = struct.Struct(order + layout.section)
    found = []
    for index in range(count):
        file.seek(table + index * entry_size)
        found.append(_Section(*form.unpack(file.read(form.size))))
    return found


def _misplaced(file: BinaryIO, sections: list[_Section], layout: _Layout) -> list[int]:
    found = []
    for section in sections:
        if section.kind == _DYNAMIC_SYMBOLS:
            raw = _bytes_of(file, section)
            first = section.info * layout.symbol_bytes + layout.info_at
            found += [
                section.offset + place
                for place in range(first, len(raw), layout.symbol_bytes)
                if raw[place] >> 4 == 0
            ]
    return found


def _bytes_of(file: BinaryIO, section: _Section) -> bytes:
    file.seek(section.offset)
    return file.read(section.size)
