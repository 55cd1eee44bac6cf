"""One run of CMake and Ninja, from our sources to a folder of the cache."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from pocketbench.android_runner.build.built import (
    SOURCES,
    BuiltRunner,
    sources_sha256,
    write_built,
)
from pocketbench.android_runner.build.dependencies import needed_libraries
from pocketbench.android_runner.build.shared_library import linkable
from pocketbench.android_runner.build.toolchain import build_program
from pocketbench.bench.errors import RunnerBuildError
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.records.elf import read_elf

if TYPE_CHECKING:
    from pocketbench.android_runner.build.runtime import Runtime
    from pocketbench.android_runner.build.toolchain import Toolchain

_LOG_LINES = 8
_ERROR_LINES = 4
_NEWER_ANDROID = re.compile(r"undefined symbol: (std(in|out|err)|__\w+_chk)\b")
"""What C libraries got between Android 5.0 and 9, and every runtime calls."""
_ERROR = re.compile(r"\berror\b", re.IGNORECASE)


def compile_runner(
    engine: str,
    toolchain: Toolchain,
    runtime: Runtime | None,
    folder: Path,
    tree: Path,
) -> None:
    """Compile a runner into a folder that appears only when it is whole.

    Args:
        engine: `lite`, `executorch` or `null`.
        toolchain: That compiles it.
        runtime: That it is linked with.
        folder: Where it is to lie.
        tree: Takes the objects, and keeps them where something is missing to link
            them with: the next build begins there.

    Raises:
        RunnerBuildError: It did not compile, or not for the ABI that was asked for.
        ToolMissingError: No CMake or Ninja.
    """
    log = folder.with_name(f"{folder.name}.log")
    cmake, ninja = build_program("cmake"), build_program("ninja")
    with (
        filelock.FileLock(tree.with_name(f"{tree.name}.lock")),
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as name,
    ):
        ready = Path(name) / "ready"
        ready.mkdir()
        log.write_bytes(b"")
        configure = [
            *(str(cmake), "-G", "Ninja", "-S", str(SOURCES), "-B", str(tree)),
            f"-DCMAKE_MAKE_PROGRAM={ninja}",
            "-DCMAKE_BUILD_TYPE=Release",
            f"-DPOCKETBENCH_ENGINE={engine}",
            *toolchain.options,
            *_runtime_options(runtime, tree / "linked"),
        ]
        try:
            _run(configure, engine, log)
        except RunnerBuildError:
            # CMake would remember what it did not find.
            shutil.rmtree(tree, ignore_errors=True)
            raise
        _run([str(ninja), "-C", str(tree)], engine, log)
        program = ready / f"pocketbench-{engine}"
        shutil.copy2(tree / program.name, program)
        shutil.rmtree(tree)
        _check_abi(program, engine, toolchain)
        version = runtime.version if runtime else None
        write_built(
            ready,
            BuiltRunner(
                engine=engine,
                abi=toolchain.abi,
                libc=toolchain.libc,
                version=version,
                origin=f"built here with {toolchain.short_name}"
                + (f" against {version}" if version else ""),
                program=program.name,
                libraries=needed_libraries(program, toolchain, runtime, ready),
                sources_sha256=sources_sha256(),
                built_at=datetime.now(UTC).isoformat(timespec="microseconds"),
            ),
        )
        shutil.rmtree(folder, ignore_errors=True)
        ready.rename(folder)
    log.unlink()


def _runtime_options(runtime: Runtime | None, linked: Path) -> list[str]:
    if runtime is None:
        return []
    libraries = [Path(path) for path in runtime.libraries]
    if sys.platform != "darwin":
        libraries = [linkable(path, linked) for path in libraries]
    values = {
        "VERSION": (runtime.version or "",),
        "INCLUDES": runtime.includes,
        "LIBRARIES": map(str, libraries),
        "WHOLE": runtime.whole_archives,
        "ARCHIVES": runtime.archives,
        "DEFINITIONS": runtime.definitions,
    }
    return [
        f"-DPOCKETBENCH_RUNTIME_{name}={';'.join(value)}"
        for name, value in values.items()
    ]


def _run(command: list[str], engine: str, log: Path) -> None:
    done = run_to_end(*command)
    with log.open("a") as output:
        output.write(done.stdout + done.stderr)
    if done.succeeded:
        return
    lines = _informative_lines(log)
    remedy = f"The whole log is {log}"
    if _NEWER_ANDROID.search(log.read_text(errors="replace")):
        remedy = (
            "The runtime was built for a newer Android: give its level with --api-level"
            f". {remedy}"
        )
    raise RunnerBuildError(
        f"the {engine} runner",
        f"{Path(command[0]).name} ended with exit code {done.exit_code}:\n{lines}\n",
        remedy,
    )


def _informative_lines(log: Path) -> str:
    """The first errors of a log, which say most, and how it ends."""
    text = log.read_text(errors="replace")
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    tail = lines[-_LOG_LINES:]
    errors = [line for line in lines[:-_LOG_LINES] if _ERROR.search(line)]
    return "\n".join((*errors[:_ERROR_LINES], *tail))


def _check_abi(program: Path, engine: str, toolchain: Toolchain) -> None:
    """A toolchain file may compile for something else than was asked for."""
    if toolchain.libc == "darwin":
        return
    facts = read_elf(program)
    if facts.abi != toolchain.abi or not facts.runs_with(toolchain.libc):
        raise RunnerBuildError(
            f"the {engine} runner",
            f"asked for {toolchain.abi} with {toolchain.libc}, "
            f"it came out as {facts.abi} with {facts.libc}",
            "Give the toolchain of that ABI, or name the ABI that it builds for",
        )
