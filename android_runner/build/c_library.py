"""The loader and the C and C++ libraries of Linux, for phones, which have others."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.android_runner.build import shipped
from pocketbench.android_runner.build.file_hash import has_kept_files, keep_hashes
from pocketbench.bench.errors import ToolMissingError
from pocketbench.bench.paths import cache_dir
from pocketbench.bench.processes.tool import run_to_end

if TYPE_CHECKING:
    from collections.abc import Callable

LOADERS = {
    "arm64-v8a": "ld-linux-aarch64.so.1",
    "x86_64": "ld-linux-x86-64.so.2",
}
LIBRARIES = (
    "libc.so.6",
    "libm.so.6",
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
)
_FILES = (LOADERS["arm64-v8a"], *LIBRARIES)
CROSS_FOLDER = Path("/usr/aarch64-linux-gnu/lib")
"""Where Debian and Ubuntu put them for arm64."""
CROSS_PACKAGES = (
    "libc6-arm64-cross",
    "libstdc++6-arm64-cross",
    "libgcc-s1-arm64-cross",
)
HOW_TO_INSTALL = f"Install them: apt install {' '.join(CROSS_PACKAGES)}"
_INSTALLED = "the installed cross packages"
_OF_THE_WHEEL = "pocketbench's own wheel"
_TIMEOUT_S = 300.0


class CLibrary(NamedTuple):
    """One C library with its loader."""

    loader: Path
    libraries: tuple[Path, ...]
    origin: str
    """For people: `Debian's cross packages`."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All of it, the loader first."""
        return (self.loader, *self.libraries)


def arm64_c_library(progress: Callable[[str], None]) -> CLibrary:
    """That of arm64: installed, in our own wheel, or downloaded with apt.

    Raises:
        ToolMissingError: It is nowhere; names the packages.
    """
    found = _in_folder(CROSS_FOLDER, _INSTALLED)
    found = found or _in_folder(shipped.FOLDER / shipped.C_LIBRARY, _OF_THE_WHEEL)
    found = found or _fetched()
    if found is None and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        progress("fetching the C library of arm64 with apt-get download ...")
        _download()
        found = _fetched()
    if found is None:
        raise ToolMissingError(
            "the C library of Linux for arm64",
            "neither installed nor in this installation of pocketbench",
            HOW_TO_INSTALL,
        )
    return found


def installed_c_library() -> CLibrary:
    """That of the cross compiler.

    Raises:
        ToolMissingError: Its packages are not installed.
    """
    found = _in_folder(CROSS_FOLDER, _INSTALLED)
    if found is None:
        raise ToolMissingError(
            "the C library of Linux for arm64", "not installed", HOW_TO_INSTALL
        )
    return found


def _in_folder(folder: Path, origin: str) -> CLibrary | None:
    loader, *libraries = (folder / name for name in _FILES)
    if not all(path.is_file() for path in (loader, *libraries)):
        return None
    return CLibrary(loader, tuple(libraries), origin)


def _fetched() -> CLibrary | None:
    """What was fetched before, if it is still that."""
    folder = _fetched_folder()
    if not has_kept_files(folder, _FILES):
        return None
    return _in_folder(folder, "Debian's cross packages")


def _fetched_folder() -> Path:
    return cache_dir() / "c-library" / "arm64-v8a"


def _download() -> None:
    """Unpack the packages without installing them; nothing is there where it fails."""
    target = _fetched_folder()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as name:
        place = Path(name)
        ready = place / "ready"
        # Where only root's own number is mapped, apt cannot become its other user.
        sandbox = ("-o", "APT::Sandbox::User=root")
        if not _ran(["apt-get", "-qq", *sandbox, "download", *CROSS_PACKAGES], place):
            return
        for package in sorted(place.glob("*.deb")):
            if not _ran(["dpkg-deb", "-x", str(package), str(ready)], place):
                return
        unpacked = ready / CROSS_FOLDER.relative_to("/")
        flat = place / "flat"
        flat.mkdir()
        for file in _FILES:
            if (unpacked / file).is_file():
                shutil.copy2(unpacked / file, flat / file)
        shutil.rmtree(target, ignore_errors=True)
        flat.rename(target)
        with contextlib.suppress(FileNotFoundError):
            keep_hashes(target, _FILES)


def _ran(command: list[str], folder: Path) -> bool:
    silent = {"DEBIAN_FRONTEND": "noninteractive"}
    return run_to_end(*command, cwd=folder, env=silent, timeout_s=_TIMEOUT_S).succeeded
