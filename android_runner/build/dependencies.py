"""The shared libraries that a program needs along with it on a device."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.android_runner.build.shared_library import read_library
from pocketbench.bench.errors import RunnerBuildError
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.records.elf import read_elf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pocketbench.android_runner.build.runtime import Runtime
    from pocketbench.android_runner.build.toolchain import Toolchain

_SYSTEM_FOLDERS = re.compile(r"(/usr)?/lib(32|64|x32)?/")
_SYSTEM_NAMES = {
    "bionic": r"lib(c|m|dl|log|android|z|EGL|GLESv[123].*|vulkan|neuralnetworks"
    r"|nativewindow|mediandk|jnigraphics|OpenSLES)\.so",
    "glibc": r"(lib(c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+)\.so.*|ld-linux.*)",
}
"""What every system with that C library has of its own. A cross build goes by these
names, because this computer's folders are not the device's."""
_PUBLISHED = {
    "libfbjni.so": ", out of the .aar of com.facebook.fbjni:fbjni",
    "libc++_shared.so": ", out of the NDK",
}


def needed_libraries(
    program: Path, toolchain: Toolchain, runtime: Runtime | None, place: Path
) -> tuple[str, ...]:
    """Everything a program links, directly or not, that no system brings.

    Args:
        program: Just linked.
        toolchain: That made it.
        runtime: That it was linked with.
        place: Takes copies of those whose files are not named as they are asked for,
            which are given relative to it.

    Raises:
        RunnerBuildError: A library is nowhere to be found.
    """
    if runtime is None or toolchain.libc == "darwin":
        # On a Mac the program runs only where it was built.
        return ()
    if runtime.needed:
        return tuple(sorted(runtime.needed))
    if not toolchain.is_cross:
        loader = read_elf(program).interpreter
        listed = own_libraries(program, Path(loader), runtime.folders) if loader else ()
        return tuple(sorted(str(x) for x in listed[1:] if not _is_systems(x)))
    libraries = []
    for name, path in sorted(_closure([program], toolchain, runtime).items()):
        if path.name == name:
            libraries.append(str(path))
        else:
            shutil.copy2(path, place / name)
            libraries.append(name)
    return tuple(libraries)


def check_libraries(toolchain: Toolchain, runtime: Runtime | None) -> None:
    """See that everything a runtime's libraries need is there, before compiling.

    Raises:
        RunnerBuildError: Names what is missing.
    """
    if runtime is not None and toolchain.is_cross and not runtime.needed:
        _closure([Path(x) for x in runtime.libraries], toolchain, runtime)


def own_libraries(
    program: Path, loader: Path, folders: Sequence[str] = ()
) -> tuple[Path, ...]:
    """Every library that a program of this computer loads, as its loader lists them.

    Args:
        program: Of this computer's ABI.
        loader: This computer's, which comes first in the result.
        folders: Where libraries lie that the program does not know the place of.

    Raises:
        RunnerBuildError: One is missing.
    """
    done = run_to_end(
        loader,
        *(("--library-path", ":".join(folders)) if folders else ()),
        "--list",
        program,
    )
    rows = [line.partition("=>") for line in done.stdout.splitlines()]
    paths = [row[2].rpartition("(")[0].strip() for row in rows if row[1]]
    if not done.succeeded or not all(Path(path).is_file() for path in paths):
        raise RunnerBuildError(
            str(program),
            f"its libraries cannot be listed:\n{done.stdout}{done.stderr}".strip(),
            "Run it here: `pocketbench run --device host`",
        )
    return (loader, *(Path(path) for path in paths))


def _is_systems(library: Path) -> bool:
    return _SYSTEM_FOLDERS.match(str(library)) is not None


def _closure(
    roots: Iterable[Path], toolchain: Toolchain, runtime: Runtime
) -> dict[str, Path]:
    """By the names that are asked for, the files of another ABI's libraries.

    The toolchain's own come first: an older libc++_shared.so beside a runtime lacks
    what the newer compiler calls.
    """
    given = (*toolchain.folders, *runtime.folders)
    systems = re.compile(_SYSTEM_NAMES.get(toolchain.libc, "(?!)"))
    found: dict[str, Path] = {}
    open_files = list(roots)
    while open_files:
        library = open_files.pop()
        facts = read_library(library)
        for name in facts.needed:
            if name in found or systems.fullmatch(name):
                continue
            # A wheel's libraries of others name each other without saying where.
            path = _find(name, (*given, *facts.folders, str(library.parent)))
            if path is None:
                where = runtime.folders[0] if runtime.folders else "the runtime"
                raise RunnerBuildError(
                    facts.name,
                    f"needs {name}, which is nowhere",
                    f"Put it into {where}{_PUBLISHED.get(name, '')}",
                )
            found[name] = path
            open_files.append(path)
    return found


def _find(name: str, folders: Iterable[str]) -> Path | None:
    """A library by its file's name, else by its own."""
    places = [Path(folder) for folder in dict.fromkeys(folders)]
    for place in places:
        if (place / name).is_file():
            return place / name
    for place in places:
        for path in sorted(place.glob("*.so*")):
            if path.is_file() and read_library(path).name == name:
                return path
    return None
