"""The shared libraries that a program needs along with it on a device."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.android_runner.build.built import SOURCES
from pocketbench.android_runner.build.toolchain import build_program
from pocketbench.bench.errors import RunnerBuildError
from pocketbench.bench.processes.tool import run_to_end

if TYPE_CHECKING:
    from pathlib import Path

    from pocketbench.android_runner.build.runtime import Runtime
    from pocketbench.android_runner.build.toolchain import Toolchain

_SYSTEM_FOLDERS = r"^(/usr)?/lib(32|64|x32)?/"
_SYSTEM_NAMES = {
    "bionic": r"^lib(c|m|dl|log|android|z|EGL|GLESv[123].*|vulkan|neuralnetworks"
    r"|nativewindow|mediandk|jnigraphics|OpenSLES)\.so$",
    "glibc": r"^(lib(c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+)\.so.*|ld-linux.*)$",
}
"""What every system with that C library has of its own. A cross build goes by these
names, because this computer's folders are not the device's."""


def needed_libraries(
    program: Path, toolchain: Toolchain, runtime: Runtime | None, tree: Path
) -> tuple[str, ...]:
    """Everything a program links, directly or not, that no system brings.

    CMake follows the search paths as the loader does, for any ABI. It also finds the
    NVIDIA libraries of a CUDA wheel, where the program needs any.

    Raises:
        RunnerBuildError: A library is nowhere to be found.
    """
    if runtime is None or toolchain.libc == "darwin":
        # On a Mac the program runs only where it was built.
        return ()
    if runtime.needed:
        return tuple(sorted(runtime.needed))
    names = _SYSTEM_NAMES.get(toolchain.libc, "^$") if toolchain.is_cross else "^$"
    options = {
        "PROGRAM": str(program),
        "FOLDERS": ";".join((*runtime.folders, *toolchain.folders)),
        "EXCLUDED_NAMES": names,
        "EXCLUDED_PATHS": _SYSTEM_FOLDERS,
        **_object_reader(tree),
    }
    done = run_to_end(
        build_program("cmake"),
        *(f"-D{name}={value}" for name, value in options.items()),
        "-P",
        SOURCES / "dependencies.cmake",
    )
    if not done.succeeded:
        raise RunnerBuildError(
            str(program),
            f"its libraries cannot be listed:\n{done.stderr.strip()}\n",
            "Check that objdump (binutils) is installed",
        )
    parsed = [line.partition(" ") for line in done.stdout.splitlines()]
    missing = [name for kind, _, name in parsed if kind == "missing"]
    if missing:
        raise RunnerBuildError(
            str(program),
            f"it needs {', '.join(missing)}, which is nowhere",
            f"Put it into {runtime.folders[0] if runtime.folders else 'the runtime'}",
        )
    return tuple(sorted({path for kind, _, path in parsed if kind == "found"}))


def _object_reader(tree: Path) -> dict[str, str]:
    """The objdump of the toolchain, which knows its own ABI's files."""
    text = (tree / "CMakeCache.txt").read_text(errors="replace")
    found = re.search(r"^CMAKE_OBJDUMP:\w+=(.+)$", text, re.MULTILINE)
    if found is None or found[1].endswith("NOTFOUND"):
        return {}
    return {"CMAKE_OBJDUMP": found[1]}
