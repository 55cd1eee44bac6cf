"""What `pocketbench runner build` does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pocketbench.android_runner.build.build import build
from pocketbench.android_runner.build.built import BuiltRunner, read_built, write_built
from pocketbench.android_runner.build.engines import (
    ENGINES,
    RUNTIMES,
    installed_runtime,
    oldest_api_level,
)
from pocketbench.android_runner.build.linux_build import (
    build_with_c_library,
    linux_abis,
)
from pocketbench.android_runner.build.toolchain import (
    Toolchain,
    file_toolchain,
    host_toolchain,
    ndk_toolchain,
)
from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.records.elf import read_elf

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketbench.android_runner.build.runtime import Runtime


def build_runner(
    engine: str,
    *,
    abi: str | None = None,
    ndk: Path | None = None,
    toolchain: Path | None = None,
    runtime: Path | None = None,
    output: Path | None = None,
    api_level: int | None = None,
    progress: Callable[[str], None],
) -> BuiltRunner:
    """Build a runner as asked; without an ABI, for this computer.

    Args:
        engine: `lite`, `executorch` or `null`.
        abi: Of the phone.
        ndk: The Android NDK that compiles for it.
        toolchain: A CMake toolchain file instead.
        runtime: The runtime of that ABI, see `runtime_in` and `executorch_in`.
        output: A folder that takes a copy of the program and all it needs.
        api_level: Of the oldest Android that it is to run on; `None`: the one that
            the runtime was built for.
        progress: Called with what takes long.

    Raises:
        UnknownNameError: There is no such engine.
        UsageError: What a build for another ABI needs was not given.
        ToolMissingError: No compiler, or no torch or executorch.
        RunnerBuildError: It did not compile; names the log.
    """
    if engine not in ENGINES:
        raise UnknownNameError("engine", engine, ENGINES)
    if api_level is not None and ndk is None:
        raise UsageError(
            f"--api-level {api_level}", "is for --ndk", "Give --ndk, or leave it out"
        )
    brings_its_own = engine == "null" or ndk or toolchain or runtime
    if not brings_its_own and abi in linux_abis():
        built = build_with_c_library(engine, abi, progress)
        return _copied(built, output) if output else built
    found = None
    if runtime and engine != "null":
        found = RUNTIMES[engine].in_folder(runtime, abi or host_toolchain().abi)
    tools = _toolchain(engine, abi, ndk, toolchain, found, api_level)
    if found is None and tools.is_cross and engine != "null":
        raise UsageError(
            f"--abi {abi}",
            f"the {RUNTIMES[engine].title} runtime of that ABI is needed",
            "Give it with --runtime; docs/android.md says where it comes from. Without "
            "--ndk the Linux build is made, which needs none",
        )
    built = build(engine, tools, found or installed_runtime(engine), progress)
    return _copied(built, output) if output else built


def _api_level(engine: str, runtime: Runtime | None) -> int:
    """That of the runtime's libraries, which have it in a note; archives do not."""
    libraries = runtime.libraries if runtime else ()
    facts = [read_elf(Path(path), or_library=True) for path in libraries]
    return max([oldest_api_level(engine), *(x.android_api_level or 0 for x in facts)])


def _toolchain(
    engine: str,
    abi: str | None,
    ndk: Path | None,
    file: Path | None,
    runtime: Runtime | None,
    api_level: int | None,
) -> Toolchain:
    if abi is None:
        for given, flag in ((ndk, "--ndk"), (file, "--toolchain")):
            if given:
                raise UsageError(
                    f"{flag} {given}",
                    "builds for another ABI, and none was named",
                    "Name it with --abi arm64-v8a, armeabi-v7a, x86_64 or x86",
                )
        return host_toolchain()
    if ndk and file:
        raise UsageError(
            "--ndk and --toolchain", "only one of them can compile", "Give one"
        )
    if ndk:
        return ndk_toolchain(
            ndk,
            abi,
            api_level=api_level or _api_level(engine, runtime),
            shared_stl=runtime is not None and bool(runtime.libraries),
        )
    if file:
        return file_toolchain(file, abi)
    raise UsageError(
        f"--abi {abi}",
        "a compiler for that ABI is needed",
        "Give the folder of the Android NDK with --ndk, or a CMake toolchain file with "
        "--toolchain",
    )


def _copied(built: BuiltRunner, output: Path) -> BuiltRunner:
    """Copy a runner with its libraries, so that the folder can go to another place."""
    output.mkdir(parents=True, exist_ok=True)
    for path in (built.program, *built.libraries):
        shutil.copy2(path, output / Path(path).name)
    write_built(
        output,
        msgspec.structs.replace(
            built,
            program=Path(built.program).name,
            libraries=tuple(Path(path).name for path in built.libraries),
        ),
    )
    copied = read_built(output)
    assert copied is not None, output
    return copied
