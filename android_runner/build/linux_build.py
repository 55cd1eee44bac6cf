"""Our programs for a phone's CPU that bring Linux's C library along.

A phone has Android's C library, so such a program is started by the loader that is
pushed with it: `ld-linux-aarch64.so.1 --library-path DIRS PROGRAM`. No NDK is needed,
and the kernels are those of the runtime's own wheel.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pocketbench.android_runner.build import empty_library
from pocketbench.android_runner.build.build import build, build_for_this_computer
from pocketbench.android_runner.build.built import (
    BuiltRunner,
    read_built,
    runners_folder,
    sources_sha256,
    write_built,
)
from pocketbench.android_runner.build.c_library import CLibrary, arm64_c_library
from pocketbench.android_runner.build.dependencies import own_libraries
from pocketbench.android_runner.build.engines import RUNTIMES, installed_runtime
from pocketbench.android_runner.build.shipped import ShippedProgram, shipped_program
from pocketbench.android_runner.build.toolchain import (
    Toolchain,
    cross_toolchain,
    this_computer,
)
from pocketbench.android_runner.build.wheels import PINNED, PinnedWheel, unpacked
from pocketbench.bench.errors import RunnerBuildError, ToolMissingError
from pocketbench.bench.records.elf import read_elf

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketbench.android_runner.build.runtime import Runtime


def linux_abis() -> tuple[str, ...]:
    """The phones' ABIs for which such a program can be made here."""
    abi, libc = this_computer()
    return ("arm64-v8a", *((abi,) if libc == "glibc" and abi == "x86_64" else ()))


def foreseen(engine: str, abi: str) -> str:
    """In words, the program that `build_with_c_library` would make.

    Raises:
        ToolMissingError: It cannot be made here; says which package to install.
    """
    if (abi, "glibc") == this_computer() and (engine, abi) not in PINNED:
        return f"{abi}, this computer's Linux build with its C library, on first use"
    wheel = PINNED[engine, abi]
    toolchain = cross_toolchain()
    if toolchain is not None:
        how = f"compiled with {toolchain.short_name}"
    elif shipped_program(engine, abi, wheel.runtime_version) is not None:
        how = "shipped with pocketbench"
    else:
        raise _nothing_compiled(engine, abi)
    return (
        f"{abi}, {wheel.runtime_version}, Linux build with its own C library, {how} "
        "and fetched on first use"
    )


def _nothing_compiled(engine: str, abi: str) -> ToolMissingError:
    return ToolMissingError(
        f"the {engine} runner for {abi}",
        "no cross compiler is installed, and this installation of pocketbench "
        "brings no compiled program (a clone has none)",
        "Install one: apt install g++-aarch64-linux-gnu",
    )


def build_with_c_library(
    engine: str, abi: str, progress: Callable[[str], None]
) -> BuiltRunner:
    """Make a program with all that it needs on a phone, the C library included.

    Args:
        engine: `lite` or `executorch`.
        abi: One of `linux_abis`.
        progress: Called with what takes long.

    Raises:
        ToolMissingError: No compiler and no program in this installation; says which
            package to install.
        RunnerBuildError: It did not compile, or its runtime cannot be fetched.
    """
    if (abi, "glibc") == this_computer() and (engine, abi) not in PINNED:
        return _of_this_computer(engine, progress)
    wheel = PINNED[engine, abi]
    toolchain = cross_toolchain()
    c_library = arm64_c_library(progress)
    if toolchain is not None:
        return compiled(engine, wheel, toolchain, c_library, progress)
    program = shipped_program(engine, abi, wheel.runtime_version)
    if program is None:
        raise _nothing_compiled(engine, abi)
    return _shipped(wheel, program, c_library, progress)


def build_here(engine: str, progress: Callable[[str], None]) -> BuiltRunner:
    """Compile for this computer, or take the program of our own wheel.

    Raises:
        ToolMissingError: No compiler and no such program; no torch or executorch.
        RunnerBuildError: It did not compile; names the log.
    """
    try:
        return build_for_this_computer(engine, progress)
    except ToolMissingError:
        found = _shipped_for_this_computer(engine)
        if found is None:
            raise
        return found


def _shipped_for_this_computer(engine: str) -> BuiltRunner | None:
    runtime = installed_runtime(engine)
    if runtime is None:
        return None
    abi, _ = this_computer()
    program = shipped_program(engine, abi, runtime.version or "")
    if program is None:
        return None
    loader = read_elf(program.path).interpreter
    assert loader is not None, program.path
    libraries = own_libraries(program.path, Path(loader), runtime.folders)
    return BuiltRunner(
        engine=engine,
        abi=abi,
        libc="glibc",
        version=runtime.version,
        origin=_origin(program),
        program=str(program.path),
        libraries=tuple(str(path) for path in libraries),
        sources_sha256=sources_sha256(),
        built_at=_now(),
    )


def _origin(program: ShippedProgram) -> str:
    return (
        f"shipped with pocketbench, built with {program.compiler} against "
        f"{program.version}"
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _of_this_computer(engine: str, progress: Callable[[str], None]) -> BuiltRunner:
    """The program of this computer, with this computer's own C library."""
    built = build_here(engine, progress)
    loader = read_elf(Path(built.program)).interpreter
    if loader is None or built.brings_loader:
        return built
    libraries = own_libraries(Path(built.program), Path(loader))
    return msgspec.structs.replace(
        built,
        libraries=tuple(str(path) for path in libraries),
        origin=f"{built.origin}, with this computer's C library",
    )


def compiled(
    engine: str,
    wheel: PinnedWheel,
    toolchain: Toolchain,
    c_library: CLibrary,
    progress: Callable[[str], None],
) -> BuiltRunner:
    """Compile a program against a pinned wheel.

    Raises:
        RunnerBuildError: It did not compile, or the wheel cannot be fetched.
        ToolMissingError: There is no pip, CMake or Ninja.
    """
    folder = unpacked(wheel, progress, headers=True)
    root = folder / wheel.root
    runtime: Runtime = RUNTIMES[engine].in_folder(root, wheel.abi)
    runtime = msgspec.structs.replace(
        runtime,
        version=wheel.runtime_version,
        needed=_needed(wheel, folder, c_library),
    )
    return build(engine, toolchain, runtime, progress)


def _shipped(
    wheel: PinnedWheel,
    program: ShippedProgram,
    c_library: CLibrary,
    progress: Callable[[str], None],
) -> BuiltRunner:
    """A program of our own wheel, put into the cache with its libraries."""
    needed = _needed(wheel, unpacked(wheel, progress), c_library)
    key = hashlib.sha256(msgspec.json.encode((program, needed))).hexdigest()[:16]
    runners = runners_folder()
    runners.mkdir(parents=True, exist_ok=True)
    folder = runners / f"{program.engine}-{program.abi}-shipped-{key}"
    known = read_built(folder)
    if known is not None:
        return known
    with tempfile.TemporaryDirectory(dir=runners, prefix=".building-") as name:
        ready = Path(name) / "ready"
        ready.mkdir()
        shutil.copy2(program.path, ready / program.path.name)
        built = BuiltRunner(
            engine=program.engine,
            abi=program.abi,
            libc="glibc",
            version=program.version,
            origin=_origin(program),
            program=program.path.name,
            libraries=needed,
            sources_sha256=sources_sha256(),
            built_at=_now(),
        )
        write_built(ready, built)
        shutil.rmtree(folder, ignore_errors=True)
        ready.rename(folder)
    found = read_built(folder)
    if found is None:
        raise RunnerBuildError(
            str(folder), "a file of it is gone", "Delete the folder and run again"
        )
    return found


def _needed(wheel: PinnedWheel, folder: Path, c_library: CLibrary) -> tuple[str, ...]:
    """Every library of a program, the loader first."""
    empty = (empty_library.make(name, folder) for name in wheel.empty_libraries)
    own = (folder / name for name in wheel.libraries)
    return tuple(str(path) for path in (*c_library.files, *own, *empty))
