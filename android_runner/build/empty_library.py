"""A shared library without any symbol, for one that is needed by its name alone."""

from __future__ import annotations

import struct
from pathlib import Path

from pocketbench.bench.paths import replace_file

_EM_AARCH64 = 183
_ALIGNMENT = 0x10000
"""Of the largest pages that an arm64 kernel has."""
_PT_LOAD, _PT_DYNAMIC, _PT_GNU_STACK = 1, 2, 0x6474E551
_READ, _WRITE = 4, 2
_DT_NULL, _DT_HASH, _DT_STRTAB, _DT_SYMTAB = 0, 4, 5, 6
_DT_STRSZ, _DT_SYMENT, _DT_SONAME = 10, 11, 14
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<qQ")
_SYMBOL_SIZE = 24


def make(name: str, folder: Path) -> Path:
    """Write one for arm64 into a folder, unless it is there."""
    place, made = folder / name, content(name)
    if not place.is_file() or place.read_bytes() != made:
        replace_file(place, made)
    return place


def content(name: str) -> bytes:
    """The bytes of one: one segment with a symbol table that has no symbol."""
    strings = b"\0" + name.encode() + b"\0"
    segments = 3
    symbols_at = _HEADER.size + segments * _SEGMENT.size
    # One bucket and the null symbol alone: (nbucket, nchain, bucket, chain).
    hashes_at = symbols_at + _SYMBOL_SIZE
    hashes = struct.pack("<IIII", 1, 1, 0, 0)
    strings_at = hashes_at + len(hashes)
    dynamic_at = -(-(strings_at + len(strings)) // 8) * 8
    dynamic = b"".join(
        _DYNAMIC.pack(tag, value)
        for tag, value in (
            (_DT_SONAME, 1),
            (_DT_HASH, hashes_at),
            (_DT_STRTAB, strings_at),
            (_DT_SYMTAB, symbols_at),
            (_DT_STRSZ, len(strings)),
            (_DT_SYMENT, _SYMBOL_SIZE),
            (_DT_NULL, 0),
        )
    )
    size = dynamic_at + len(dynamic)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = _HEADER.pack(
        *(ident, 3, _EM_AARCH64, 1, 0, _HEADER.size, 0, 0),
        *(_HEADER.size, _SEGMENT.size, segments, 0, 0, 0),
    )
    table = (
        # The loader writes to the dynamic section.
        _SEGMENT.pack(_PT_LOAD, _READ | _WRITE, 0, 0, 0, size, size, _ALIGNMENT)
        + _SEGMENT.pack(
            *(_PT_DYNAMIC, _READ | _WRITE, dynamic_at, dynamic_at, dynamic_at),
            *(len(dynamic), len(dynamic), 8),
        )
        + _SEGMENT.pack(_PT_GNU_STACK, _READ | _WRITE, 0, 0, 0, 0, 0, 16)
    )
    body = header + table + bytes(_SYMBOL_SIZE) + hashes + strings
    return body.ljust(dynamic_at, b"\0") + dynamic
