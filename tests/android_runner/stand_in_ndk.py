"""A folder laid out as an Android NDK, made from Debian's clang, lld and cross headers.

Its C library has symbols and nothing behind them, so what it links never runs. It shows
that our flags, the selection of libraries and Android's link rules fit together; what
only Google's NDK can show (its headers, that the program starts) it does not.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TRIPLE = "aarch64-linux-android"
CROSS = Path("/usr/aarch64-linux-gnu")
SINCE_23 = ("stderr", "stdin", "stdout")
"""Android's libc has these as symbols since API level 23."""

_TOOLCHAIN = """\
# CMake's own rules for Android ask for the whole NDK.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(ANDROID TRUE)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ANDROID_PLATFORM ANDROID_STL)
string(REPLACE "android-" "" level "${{ANDROID_PLATFORM}}")
set(CMAKE_CXX_COMPILER "{clang}")
set(CMAKE_CXX_COMPILER_TARGET "aarch64-linux-android${{level}}")
set(CMAKE_SYSROOT "{sysroot}")
set(CMAKE_CXX_FLAGS_INIT "{includes} -nostdinc++ -Qunused-arguments")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld -nodefaultlibs")
set(CMAKE_CXX_STANDARD_LIBRARIES "-l${{ANDROID_STL}} -lm -ldl -lc")
"""

_NOTE = """\
.section .note.android.ident,"a",%note
.long 8, 4, 1
.asciz "Android"
.long {level}
.text
.globl _start
_start: bl main
"""


def make_ndk(folder: Path) -> Path:
    """Lay one out, for API levels 21 and 26."""
    prebuilt = folder / "toolchains/llvm/prebuilt/linux-x86_64/sysroot"
    libraries = prebuilt / "usr/lib" / TRIPLE
    of_c = _defined("libc.so.6", "libm.so.6")
    of_cpp = _defined("libstdc++.so.6", "libgcc_s.so.1")
    for level in (21, 26):
        place = libraries / str(level)
        place.mkdir(parents=True)
        known = of_c if level > 21 else [x for x in of_c if x not in SINCE_23]
        stand_in(place / "libc.so", known)
        stand_in(place / "liblog.so", ["__android_log_print"])
        for name in ("libm.so", "libdl.so"):
            stand_in(place / name, [])
        for name in ("crtbegin_dynamic.o", "crtbegin_static.o"):
            _assemble(place / name, _NOTE.format(level=level))
        _assemble(place / "crtend_android.o", "")
    stand_in(libraries / "libc++_shared.so", of_cpp)
    # For programs that are linked statically; there is no such archive of liblog.
    for name, symbols in (("c", of_c), ("c++_static", of_cpp), ("m", ()), ("dl", ())):
        _archive(libraries / f"lib{name}.a", symbols)
    includes = [
        *sorted((CROSS / "include/c++").glob("*")),
        *sorted((CROSS / "include/c++").glob("*/aarch64-linux-gnu")),
        CROSS / "include",
    ]
    file = folder / "build/cmake/android.toolchain.cmake"
    file.parent.mkdir(parents=True)
    file.write_text(
        _TOOLCHAIN.format(
            clang=shutil.which("clang++"),
            sysroot=prebuilt,
            includes=" ".join(f"-isystem {path}" for path in includes),
        )
    )
    (folder / "source.properties").write_text("Pkg.Revision = 27.0.0-stand-in\n")
    return folder


def stand_in(path: Path, symbols: Iterable[str], *options: str) -> Path:
    """A library for arm64 that has these symbols."""
    _link_shared(path, _names(symbols), *options)
    return path


def defined_in(*libraries: Path) -> list[str]:
    """The symbols that libraries offer."""
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", "--format=posix", *map(str, libraries)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = [line.split() for line in listed.splitlines()]
    return sorted({row[0].partition("@")[0] for row in rows if len(row) > 2})


def archive_calling(path: Path, symbol: str, offers: Iterable[str]) -> Path:
    """A static library of one object that calls a symbol and offers others."""
    _archive_of(path, f".text\ncalls: bl {symbol}\n{_names(offers)}")
    return path


def _defined(*names: str) -> list[str]:
    return defined_in(*(CROSS / "lib" / name for name in names))


def _names(symbols: Iterable[str]) -> str:
    # Weak, for libraries share what templates are compiled to.
    rows = [f".weak {x}\n.type {x}, %object\n.size {x}, 8\n{x}:" for x in symbols]
    return ".data\n" + "\n".join([*rows, ".quad 0\n"])


def _archive(path: Path, symbols: Iterable[str]) -> None:
    _archive_of(path, _names(symbols))


def _archive_of(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    member = path.with_suffix(".o")
    _assemble(member, text)
    subprocess.run(["ar", "qc", path, member], check=True)
    subprocess.run(["aarch64-linux-gnu-ranlib", path], check=True)
    member.unlink()


def _assemble(path: Path, text: str, *options: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            *("clang", f"--target={TRIPLE}26", *(options or ("-c",))),
            *("-x", "assembler", "-", "-o", str(path)),
        ],
        input=text.encode(),
        check=True,
    )


def _link_shared(path: Path, text: str, *options: str) -> None:
    soname = f"-Wl,-soname,{path.name}"
    _assemble(path, text, "-shared", "-nostdlib", "-fuse-ld=lld", soname, *options)
