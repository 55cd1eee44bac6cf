"""The compiler and the build programs a runner is built with, and for what."""

from __future__ import annotations

import importlib
import os
import platform
import re
import shutil
import sys
from pathlib import Path

from pocketbench.bench.errors import ToolMissingError, UsageError
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.records.elf import read_elf
from pocketbench.bench.records.record import Value

ANDROID_ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64", "x86")
_TRIPLES = {
    "arm64-v8a": "aarch64-linux-android",
    "armeabi-v7a": "arm-linux-androideabi",
    "x86_64": "x86_64-linux-android",
    "x86": "i686-linux-android",
}
FOR_ANYWHERE = ("-DCMAKE_SKIP_RPATH=ON", "-DCMAKE_EXE_LINKER_FLAGS=-s")
"""Of a program whose libraries lie elsewhere than here: no paths, no symbols."""
_CROSS_COMPILER = "aarch64-linux-gnu-g++"
_MACHINES = {"arm64": "arm64-v8a", "x86_64": "x86_64"}


class Toolchain(Value, frozen=True, kw_only=True):
    """What compiles, and what its programs run on."""

    abi: str
    libc: str
    compiler: str
    """As it calls itself, for the cache key: a new compiler is a new program."""
    short_name: str
    """For people: `g++ 12.2.0`, `NDK 27.2.12479018`."""
    options: tuple[str, ...]
    """For CMake's configure step."""
    folders: tuple[str, ...] = ()
    """Where its own shared libraries lie, when a program needs them along."""
    is_cross: bool = False


def this_computer() -> tuple[str, str]:
    """(ABI, C library) of what this Python's machine runs, in Android's words."""
    if sys.platform == "darwin":
        machine = platform.machine()
        return _MACHINES.get(machine, machine), "darwin"
    # sys.executable may be a wrapper script; this is what really runs.
    running = Path("/proc/self/exe")
    facts = read_elf(running if running.exists() else Path(sys.executable))
    return facts.abi, facts.libc


def host_toolchain() -> Toolchain:
    """The C++ compiler of this computer: `CXX`, else c++, g++ or clang++.

    Raises:
        ToolMissingError: There is none; names the package.
    """
    chosen = os.environ.get("CXX")
    names = (chosen,) if chosen else ("c++", "g++", "clang++")
    for name in names:
        path = shutil.which(name)
        if path:
            abi, libc = this_computer()
            version = _compiler_version(path)
            return Toolchain(
                abi=abi,
                libc=libc,
                compiler=version,
                short_name=_short(name, version),
                options=(f"-DCMAKE_CXX_COMPILER={path}",),
            )
    package = (
        "the Xcode command line tools (`xcode-select --install`)"
        if sys.platform == "darwin"
        else "one (`apt install g++`, `dnf install gcc-c++`)"
    )
    raise ToolMissingError(
        chosen or "C++ compiler",
        "not found, and the runner is compiled on first use",
        f"Install {package}, or name one in CXX",
    )


def ndk_toolchain(
    ndk: Path, abi: str, *, api_level: int, shared_stl: bool
) -> Toolchain:
    """The Android NDK in a folder.

    Args:
        ndk: The unpacked NDK.
        abi: The phone's.
        api_level: Of the oldest Android that the program is to run on; a runtime that
            was built for a newer one does not link.
        shared_stl: Whether the runtime's libraries share one libc++ between them.

    Raises:
        UsageError: The folder is no NDK, or the ABI is none of Android's.
    """
    file = ndk / "build" / "cmake" / "android.toolchain.cmake"
    if not file.is_file():
        raise UsageError(
            str(ndk),
            "not an Android NDK (no build/cmake/android.toolchain.cmake)",
            "Unpack one from developer.android.com/ndk/downloads and give its folder",
        )
    if abi not in ANDROID_ABIS:
        raise UsageError(
            abi, "not an ABI of Android", f"Choose from {', '.join(ANDROID_ABIS)}"
        )
    sysroots = ndk.glob(f"toolchains/llvm/prebuilt/*/sysroot/usr/lib/{_TRIPLES[abi]}")
    return Toolchain(
        abi=abi,
        libc="bionic",
        compiler=f"NDK {_ndk_revision(ndk)} in {ndk.resolve()}",
        short_name=f"NDK {_ndk_revision(ndk)} (API level {api_level} and newer)",
        options=(
            f"-DCMAKE_TOOLCHAIN_FILE={file.resolve()}",
            f"-DANDROID_ABI={abi}",
            f"-DANDROID_PLATFORM=android-{api_level}",
            f"-DANDROID_STL={'c++_shared' if shared_stl else 'c++_static'}",
            "-DCMAKE_SKIP_RPATH=ON",
        ),
        folders=tuple(str(path) for path in sorted(sysroots)),
        is_cross=True,
    )


def file_toolchain(file: Path, abi: str, *, libc: str = "glibc") -> Toolchain:
    """Any cross compiler that a CMake toolchain file describes.

    Raises:
        UsageError: There is no such file.
    """
    if not file.is_file():
        raise UsageError(str(file), "no such file", "Give a CMake toolchain file")
    text = file.read_text(errors="replace")
    named = re.search(r"CMAKE_CXX_COMPILER\s+\"?([^\s\")]+)", text)
    path = shutil.which(named[1]) if named else None
    version = _compiler_version(path) if path else ""
    return Toolchain(
        abi=abi,
        libc=libc,
        compiler=f"{version}\n{text}",
        short_name=_short(named[1], version) if named and path else file.name,
        options=(f"-DCMAKE_TOOLCHAIN_FILE={file.resolve()}",),
        is_cross=True,
    )


def cross_toolchain() -> Toolchain | None:
    """The cross compiler for arm64 Linux, as Debian and Ubuntu call it.

    On an arm64 Linux this computer's own. `None`: there is none, or none that has a
    C++ library to link with.
    """
    if this_computer() == ("arm64-v8a", "glibc"):
        try:
            return host_toolchain()
        except ToolMissingError:
            return None
    path = shutil.which(_CROSS_COMPILER)
    if path is None or not _has_cpp_library(path):
        return None
    version = _compiler_version(path)
    return Toolchain(
        abi="arm64-v8a",
        libc="glibc",
        compiler=version,
        short_name=_short(_CROSS_COMPILER, version),
        options=(
            "-DCMAKE_SYSTEM_NAME=Linux",
            "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
            f"-DCMAKE_CXX_COMPILER={path}",
            *FOR_ANYWHERE,
        ),
        is_cross=True,
    )


def _has_cpp_library(compiler: str) -> bool:
    """Some distributions package the compiler without anything to link against."""
    done = run_to_end(compiler, "-print-file-name=libstdc++.so")
    return Path(done.stdout.strip()).is_absolute()


def build_program(name: str) -> Path:
    """`cmake` or `ninja`: of its Python package, else of the PATH.

    Raises:
        ToolMissingError: Neither has it.
    """
    folder = _package_folder(name)
    found = shutil.which(name, path=folder) if folder else None
    found = found or shutil.which(name)
    if found is None:
        raise ToolMissingError(name, "not found", f"Install it: pip install {name}")
    return Path(found)


def _package_folder(name: str) -> str | None:
    try:
        package = importlib.import_module(name)
    except ImportError:
        return None
    folder = getattr(package, "CMAKE_BIN_DIR", None) or getattr(
        package, "BIN_DIR", None
    )
    return str(folder) if folder else None


def _compiler_version(path: str) -> str:
    done = run_to_end(path, "--version")
    lines = (done.stdout or done.stderr).splitlines()
    return f"{path}: {lines[0].strip()}" if lines else path


def _short(name: str, version: str) -> str:
    number = re.search(r"\d+\.\d+(\.\d+)?", version.partition(": ")[2])
    return f"{Path(name).name} {number[0]}" if number else Path(name).name


def _ndk_revision(ndk: Path) -> str:
    try:
        text = (ndk / "source.properties").read_text(errors="replace")
    except OSError:
        return "of unknown revision"
    found = re.search(r"^Pkg\.Revision\s*=\s*(\S+)", text, re.MULTILINE)
    return found[1] if found else "of unknown revision"
