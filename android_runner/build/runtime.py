"""Where the headers and libraries of a runtime are, for the build of a runner."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.errors import ToolMissingError, UsageError
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable

_VERSION_HEADERS = (
    "torch/headeronly/version.h",
    "torch/version.h",
    "torch/csrc/api/include/torch/version.h",
)
_CXX11_ABI = ("_GLIBCXX_USE_CXX11_ABI=1",)
"""The wheels' own since torch 2.7; some compilers default to the old one."""
_WHOLE_ARCHIVES = ("libtorch", "libtorch_cpu", "libc10")


class Runtime(Value, frozen=True, kw_only=True):
    """What a runner is compiled and linked against."""

    version: str | None
    """`torch 2.13.0+cpu`; `None` when its headers do not report it."""
    includes: tuple[str, ...]
    libraries: tuple[str, ...] = ()
    """Shared, in link order."""
    whole_archives: tuple[str, ...] = ()
    """Static, linked whole because their operators register themselves."""
    archives: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    """Every library that a program needs along, where that is known; empty: it is
    found out when the program is there."""

    @property
    def folders(self) -> tuple[str, ...]:
        """Where its shared libraries lie."""
        return tuple(dict.fromkeys(str(Path(path).parent) for path in self.libraries))


class RuntimeOfEngine(NamedTuple):
    """The runtime that an engine's program links."""

    title: str
    """Its own name: `PyTorch`."""
    package: str
    """Of PyPI."""
    file_suffix: str
    """Of the models it loads."""
    installed: Callable[[], Runtime]
    """That of this computer's wheel."""
    in_folder: Callable[[Path, str], Runtime]
    """That of an install or source folder, for an ABI."""
    oldest_api_level: int
    """What its Android libraries are built for."""
    prebuilt: str
    """The measuring program that its project builds."""
    linux_build_words: str
    """How a Linux build of it differs from an Android one, on a phone."""


def installed_torch() -> Runtime:
    """The torch wheel of this Python, found without importing it.

    Raises:
        ToolMissingError: torch is not installed.
    """
    spec = importlib.util.find_spec("torch")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise ToolMissingError(
            "torch", "not installed", "Install it: pip install torch"
        )
    root = Path(next(iter(places)))
    version = importlib.metadata.version("torch")
    found = _shared(root, f"torch {version}")
    if found is None:
        raise ToolMissingError(
            "torch",
            f"the installation in {root} has no C++ headers or libraries",
            "Install the wheel of PyPI again: pip install --force-reinstall torch",
        )
    return found


def runtime_in(folder: Path, abi: str) -> Runtime:
    """The runtime of a folder that the user has built or unpacked.

    Takes a source build's install folder (`include/` and `lib/` with shared or static
    libraries, also an unpacked wheel's `torch/`) or an unpacked PyTorch Mobile .aar
    (`headers/` and `jni/ABI/`).

    Raises:
        UsageError: It is neither, or has nothing for the ABI.
    """
    folder = folder.resolve()
    found = _shared(folder, None) or _static(folder) or _unpacked_aar(folder, abi)
    if found is None:
        raise UsageError(
            str(folder),
            "no PyTorch runtime: neither include/ with lib/libtorch_cpu.so or .a, nor "
            f"headers/ with jni/{abi}/libpytorch_jni_lite.so",
            "Give a source build's install folder or an unpacked PyTorch Mobile .aar",
        )
    return found


def _shared(root: Path, version: str | None) -> Runtime | None:
    suffix = "dylib" if sys.platform == "darwin" else "so"
    libraries = [
        root / "lib" / f"lib{name}.{suffix}" for name in ("torch", "torch_cpu", "c10")
    ]
    if not all(path.is_file() for path in libraries):
        return None
    includes = _includes(root / "include")
    return Runtime(
        version=version or _version(includes),
        includes=includes,
        libraries=tuple(str(path) for path in libraries),
        definitions=("POCKETBENCH_FULL_JIT", *_CXX11_ABI) if suffix == "so" else (),
    )


def _static(root: Path) -> Runtime | None:
    archives = sorted((root / "lib").glob("*.a"))
    whole = [path for path in archives if path.stem in _WHOLE_ARCHIVES]
    if not any(path.stem in ("libtorch", "libtorch_cpu") for path in whole):
        return None
    includes = _includes(root / "include")
    return Runtime(
        version=_version(includes),
        includes=includes,
        whole_archives=tuple(str(path) for path in whole),
        archives=tuple(str(path) for path in archives if path not in whole),
    )


def _unpacked_aar(root: Path, abi: str) -> Runtime | None:
    jni = root / "jni"
    names = ("libpytorch_jni_lite.so", "libpytorch_jni.so")
    for name in names:
        if (jni / abi / name).is_file():
            includes = _includes(root / "headers")
            return Runtime(
                version=_version(includes),
                includes=includes,
                libraries=(str(jni / abi / name),),
            )
    there = sorted(path.parent.name for name in names for path in jni.glob(f"*/{name}"))
    if there:
        raise UsageError(
            str(root), f"has no library for {abi}", f"It has {', '.join(there)}"
        )
    return None


def _includes(folder: Path) -> tuple[str, ...]:
    return (str(folder), str(folder / "torch" / "csrc" / "api" / "include"))


def _version(includes: tuple[str, ...]) -> str | None:
    for include in includes:
        for header in _VERSION_HEADERS:
            path = Path(include) / header
            if not path.is_file():
                continue
            text = path.read_text(errors="replace")
            parts = [
                re.search(rf"#define TORCH_VERSION_{part} (\d+)", text)
                for part in ("MAJOR", "MINOR", "PATCH")
            ]
            if all(parts):
                return "torch " + ".".join(part[1] for part in parts if part)
    return None


PYTORCH = RuntimeOfEngine(
    title="PyTorch",
    package="torch",
    file_suffix=".ptl",
    installed=installed_torch,
    in_folder=runtime_in,
    oldest_api_level=21,
    prebuilt="speed_benchmark_torch",
    linux_build_words="memory, and float32 kernels of what cannot be prepacked, "
    "are not those of an Android build; --engine executorch gives a number close "
    "to an app's",
)
