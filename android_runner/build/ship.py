"""Fill our own wheel with what phones need where nothing can be compiled.

    python -m pocketbench.android_runner.build.ship            fill the folder
    python -m pocketbench.android_runner.build.ship --check    it is what sources give

`scripts/build-wheel` does both and builds the wheel. Nothing of it is committed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pocketbench.android_runner.build import shipped
from pocketbench.android_runner.build.build import build
from pocketbench.android_runner.build.built import sources_sha256
from pocketbench.android_runner.build.c_library import (
    CROSS_PACKAGES,
    installed_c_library,
)
from pocketbench.android_runner.build.engines import RUNTIMES
from pocketbench.android_runner.build.file_hash import file_sha256
from pocketbench.android_runner.build.linux_build import compiled
from pocketbench.android_runner.build.shipped import (
    C_LIBRARY,
    MANIFEST,
    Manifest,
    ShippedProgram,
    without_local_part,
)
from pocketbench.android_runner.build.toolchain import (
    FOR_ANYWHERE,
    cross_toolchain,
    host_toolchain,
    this_computer,
)
from pocketbench.android_runner.build.wheels import PINNED
from pocketbench.bench.errors import PocketbenchError, ToolMissingError
from pocketbench.bench.paths import cache_dir
from pocketbench.bench.processes.tool import run_to_end

if TYPE_CHECKING:
    from pocketbench.android_runner.build.built import BuiltRunner

_NOTICE = """\
The programs here are pocketbench's own, compiled from android_runner/native.

The files in {folder}/ are unchanged copies out of these packages of Debian, which are
built from the source packages named behind them; Debian's archive of snapshots has
every version of those. glibc is under the LGPL 2.1 or later; libstdc++ and libgcc are
under the GPL 3 with the GCC Runtime Library Exception. Each package's own notice is in
licences/.

{packages}
"""


def main(arguments: list[str]) -> int:
    """Fill the folder, or compare it with what the sources give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    try:
        if not options.check:
            fill(shipped.FOLDER)
            return 0
        with tempfile.TemporaryDirectory() as name:
            _compile_again(Path(name) / "cache")
            fill(Path(name) / "made")
            differing = different(Path(name) / "made", shipped.FOLDER)
    except PocketbenchError as error:
        _say(str(error))
        return error.exit_code
    for path in differing:
        _say(f"{path}: not what the sources give")
    return 1 if differing else 0


def fill(folder: Path) -> None:
    """Compile every program into a folder, and copy the C library beside them.

    Raises:
        ToolMissingError: No cross compiler, or no package of it.
        RunnerBuildError: A program does not compile.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    programs = tuple(_put(built, folder) for built in _programs())
    c_library = folder / C_LIBRARY
    c_library.mkdir()
    for path in installed_c_library().files:
        shutil.copy(path, c_library / path.name)
    packages = _packages()
    for package in CROSS_PACKAGES:
        notice = Path("/usr/share/doc") / package / "copyright"
        (folder / "licences").mkdir(exist_ok=True)
        shutil.copy(notice, folder / "licences" / package)
    (folder / "NOTICE").write_text(
        _NOTICE.format(folder=C_LIBRARY, packages="\n".join(packages))
    )
    manifest = Manifest(
        sources_sha256=sources_sha256(), programs=programs, packages=packages
    )
    raw = msgspec.json.format(msgspec.json.encode(manifest))
    (folder / MANIFEST).write_bytes(raw + b"\n")


def _compile_again(cache: Path) -> None:
    """Take another cache for what is compiled, and the wheels of the usual one."""
    cache.mkdir()
    wheels = cache_dir() / "wheels"
    wheels.mkdir(exist_ok=True)
    (cache / "wheels").symlink_to(wheels)
    os.environ["POCKETBENCH_CACHE_DIR"] = str(cache)


def different(one: Path, other: Path) -> list[str]:
    """The files that are not in both folders with the same bytes."""
    names = {
        str(path.relative_to(folder))
        for folder in (one, other)
        for path in folder.rglob("*")
        if path.is_file()
    }
    return sorted(
        name
        for name in names
        if not ((one / name).is_file() and (other / name).is_file())
        or (one / name).read_bytes() != (other / name).read_bytes()
    )


def _programs() -> list[BuiltRunner]:
    toolchain = cross_toolchain()
    if toolchain is None:
        raise ToolMissingError(
            "aarch64-linux-gnu-g++",
            "not found",
            "Install it: apt install g++-aarch64-linux-gnu",
        )
    c_library = installed_c_library()
    found = [
        compiled(engine, wheel, toolchain, c_library, _say)
        for (engine, _), wheel in PINNED.items()
    ]
    if this_computer() == ("x86_64", "glibc"):
        here = host_toolchain()
        here = msgspec.structs.replace(here, options=(*here.options, *FOR_ANYWHERE))
        for engine, of in RUNTIMES.items():
            runtime = of.installed()
            version = without_local_part(runtime.version or "")
            plain = msgspec.structs.replace(runtime, version=version)
            found.append(build(engine, here, plain, _say))
    return found


def _put(built: BuiltRunner, folder: Path) -> ShippedProgram:
    place = folder / built.abi / f"pocketbench-{built.engine}"
    place.parent.mkdir(exist_ok=True)
    shutil.copy(built.program, place)
    return ShippedProgram(
        engine=built.engine,
        abi=built.abi,
        version=built.version or "",
        compiler=built.origin.removeprefix("built here with ").partition(" against")[0],
        sha256=file_sha256(place),
    )


def _packages() -> tuple[str, ...]:
    """Each package with its version and what it was built from."""
    form = (
        "${Package} ${Version}: ${source:Package} ${source:Version}, ${Built-Using}\\n"
    )
    done = run_to_end("dpkg-query", "-W", "-f", form, *CROSS_PACKAGES)
    if not done.succeeded:
        raise ToolMissingError(
            " ".join(CROSS_PACKAGES),
            f"not installed as packages ({done.stderr.strip()})",
            "Build the wheel on Debian or Ubuntu, with these packages installed",
        )
    return tuple(done.stdout.splitlines())


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
