"""What compiles our runners here, and which devices have one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pocketbench.android_runner.build.built import BuiltRunner, built_runners
from pocketbench.android_runner.build.engines import RUNTIMES
from pocketbench.android_runner.build.linux_build import foreseen, linux_abis
from pocketbench.android_runner.build.shipped import read_manifest
from pocketbench.android_runner.build.toolchain import (
    build_program,
    cross_toolchain,
    host_toolchain,
    this_computer,
)
from pocketbench.android_runner.linux_programs import PHONE_LIBCS
from pocketbench.android_runner.native_programs import NativePrograms
from pocketbench.bench.errors import RunnerMissingError, ToolMissingError
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.records.doctor_report import Check, RunnerFound

if TYPE_CHECKING:
    from pocketbench.bench.records.device import DeviceInfo

_COMPILING = "compiling our runners"


def check_tools() -> tuple[Check, ...]:
    """The compiler, CMake and Ninja, torch and executorch."""
    return (
        _check("C++ compiler", _COMPILING, lambda: host_toolchain().short_name),
        _check("cmake", _COMPILING, lambda: _build_program("cmake")),
        _check("ninja", _COMPILING, lambda: _build_program("ninja")),
        _check("phones' programs", "phones, without the NDK", _of_phones),
        *(_runtime_check(engine) for engine in RUNTIMES),
    )


def runners_for(info: DeviceInfo) -> tuple[RunnerFound, ...]:
    """Whether each engine's program is there for a device, or would be made."""
    built = built_runners()
    return tuple(_runner(engine, info, built) for engine in RUNTIMES)


def _runner(
    engine: str, info: DeviceInfo, built: tuple[BuiltRunner, ...]
) -> RunnerFound:
    abi, libc = this_computer()
    if abi in info.abis and info.libc == libc:
        return _of_this_computer(engine, abi, libc, built)
    try:
        program = NativePrograms(engine, (), _never).program(info)
    except RunnerMissingError as error:
        linux = next((abi for abi in info.abis if abi in linux_abis()), None)
        if linux is not None and info.libc in PHONE_LIBCS:
            return _of_linux(engine, linux)
        return RunnerFound(
            engine=engine,
            is_usable=False,
            fact=error.fact,
            remedy=error.next_step,
        )
    return RunnerFound(
        engine=engine,
        is_usable=True,
        fact=f"{program.abi}, {program.version or 'runtime unknown'}, {program.origin}",
    )


def _of_linux(engine: str, abi: str) -> RunnerFound:
    try:
        return RunnerFound(engine=engine, is_usable=True, fact=foreseen(engine, abi))
    except ToolMissingError as error:
        return RunnerFound(
            engine=engine, is_usable=False, fact=error.fact, remedy=error.next_step
        )


def _of_this_computer(
    engine: str, abi: str, libc: str, built: tuple[BuiltRunner, ...]
) -> RunnerFound:
    """Ours is compiled on first use, against the packages of this Python."""
    try:
        compiler = host_toolchain().short_name
        version = _version(engine)
        for name in ("cmake", "ninja"):
            build_program(name)
    except ToolMissingError as error:
        return RunnerFound(
            engine=engine,
            is_usable=False,
            fact=f"{error.subject}: {error.fact}",
            remedy=error.next_step,
        )
    ours = (engine, abi, libc, version)
    for each in built:
        if each.is_current and ours == (
            each.engine,
            each.abi,
            each.libc,
            each.version,
        ):
            day = each.built_at[:10]
            return RunnerFound(
                engine=engine, is_usable=True, fact=f"{abi}, {version}, built {day}"
            )
    return RunnerFound(
        engine=engine,
        is_usable=True,
        fact=f"{abi}, {version}, compiled with {compiler} on first use",
    )


def _check(name: str, needed_for: str, find: Callable[[], str]) -> Check:
    try:
        fact = find()
    except ToolMissingError as error:
        return Check(
            name=name,
            needed_for=needed_for,
            is_there=False,
            fact=error.fact,
            remedy=error.next_step,
        )
    return Check(name=name, needed_for=needed_for, is_there=True, fact=fact)


def _of_phones() -> str:
    """What makes the Linux build for arm64 phones.

    Raises:
        ToolMissingError: Nothing here does.
    """
    toolchain = cross_toolchain()
    if toolchain is not None:
        return f"compiled with {toolchain.short_name}"
    if read_manifest() is not None:
        return "shipped with pocketbench"
    raise ToolMissingError(
        "aarch64-linux-gnu-g++",
        "no cross compiler, and a clone brings no compiled program",
        "Install it: apt install g++-aarch64-linux-gnu",
    )


def _runtime_check(engine: str) -> Check:
    runtime = RUNTIMES[engine]
    return _check(
        runtime.package,
        f"exporting and measuring {runtime.file_suffix}",
        lambda: _version(engine),
    )


def _version(engine: str) -> str:
    return RUNTIMES[engine].installed().version or "of unknown version"


def _build_program(name: str) -> str:
    path = build_program(name)
    done = run_to_end(path, "--version", timeout_s=20)
    if not done.succeeded:
        words = " ".join(done.stderr.split()) or f"exit code {done.exit_code}"
        raise ToolMissingError(
            name, f"{path} cannot be run ({words})", f"Install it: pip install {name}"
        )
    first = done.stdout.strip().splitlines()[0] if done.stdout.strip() else ""
    return f"{first.removeprefix(f'{name} version ')} ({path})"


def _never() -> BuiltRunner:
    raise AssertionError("only a real run compiles")
