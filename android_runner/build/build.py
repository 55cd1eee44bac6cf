"""Builds a runner on first use and finds it in the cache afterwards."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import msgspec

from pocketbench.android_runner.build.built import (
    BuiltRunner,
    read_built,
    runners_folder,
    sources_sha256,
)
from pocketbench.android_runner.build.compile import compile_runner
from pocketbench.android_runner.build.dependencies import check_libraries
from pocketbench.android_runner.build.engines import installed_runtime
from pocketbench.android_runner.build.runtime import Runtime
from pocketbench.android_runner.build.toolchain import Toolchain, host_toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOCK_NOTE_S = 1.0
_FLAG_VARIABLES = ("CXXFLAGS", "CPPFLAGS", "LDFLAGS")


def build_for_this_computer(
    engine: str, progress: Callable[[str], None]
) -> BuiltRunner:
    """The runner for this computer, against its own wheels; compiled on first use.

    Raises:
        ToolMissingError: No compiler, or no torch or executorch.
        RunnerBuildError: It did not compile; names the log.
    """
    return build(engine, host_toolchain(), installed_runtime(engine), progress)


def build(
    engine: str,
    toolchain: Toolchain,
    runtime: Runtime | None,
    progress: Callable[[str], None],
) -> BuiltRunner:
    """Compile unless the cache has it: whole or not at all, once among processes.

    Raises:
        RunnerBuildError: It did not compile; names the log.
    """
    runners = runners_folder()
    runners.mkdir(parents=True, exist_ok=True)
    key = _key(engine, toolchain, runtime)
    folder = runners / f"{engine}-{toolchain.abi}-{toolchain.libc}-{key}"
    built = read_built(folder)
    if built:
        return built
    with _alone(runners / f"{folder.name}.lock", engine, progress):
        built = read_built(folder)
        if built:
            return built
        check_libraries(toolchain, runtime)
        against = f" against {runtime.version}" if runtime and runtime.version else ""
        progress(
            f"building the {engine} runner for {toolchain.abi} with "
            f"{toolchain.short_name}{against}, about {20 if runtime else 5} s ..."
        )
        tree = runners / f".tree-{engine}-{_compilation(toolchain, runtime)}"
        compile_runner(engine, toolchain, runtime, folder, tree)
    built = read_built(folder)
    assert built is not None, folder
    return built


def _compilation(toolchain: Toolchain, runtime: Runtime | None) -> str:
    """Of all that objects are compiled from: what is linked may be mended meanwhile."""
    headers = (
        (runtime.version, runtime.includes, runtime.definitions) if runtime else ()
    )
    return _digest((sources_sha256(), toolchain, headers, _environment()))


def _key(engine: str, toolchain: Toolchain, runtime: Runtime | None) -> str:
    # A source build may be done again at the same place.
    files = runtime.libraries + runtime.whole_archives if runtime else ()
    changed_ns = [Path(path).stat().st_mtime_ns for path in files]
    made_of = (sources_sha256(), toolchain, runtime, _environment(), changed_ns)
    return _digest((engine, *made_of))


def _environment() -> dict[str, str]:
    return {name: os.environ.get(name, "") for name in _FLAG_VARIABLES}


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:16]


@contextmanager
def _alone(lock: Path, engine: str, progress: Callable[[str], None]) -> Iterator[None]:
    """Let one process build while the others wait for it."""
    held = filelock.FileLock(lock)
    try:
        held.acquire(timeout=_LOCK_NOTE_S)
    except filelock.Timeout:
        progress(f"waiting for another pocketbench that builds the {engine} runner ...")
        held.acquire()
    try:
        yield
    finally:
        held.release()
