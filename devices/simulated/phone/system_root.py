"""What a phone's root shows of this computer: nothing, or its C library."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pocketbench.bench.errors import ToolMissingError, UnknownNameError, UsageError
from pocketbench.bench.records.elf import read_elf

if TYPE_CHECKING:
    from collections.abc import Sequence

Root = Literal["android", "host"]
"""`android`: only Android's folders; a program must bring every library along.
`host`: this computer's C library too, and runtimes are bound instead of pushed."""

ROOTS: tuple[Root, ...] = ("android", "host")
VARIABLE = "POCKETBENCH_SIMULATED_ROOT"
SEARCH_PATH = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin"

_STATIC_SHELLS = (
    ("mksh", "mksh-static"),
    ("mksh", "mksh"),
    ("busybox", "busybox-static"),
    ("busybox", "busybox"),
)
HOW_TO_INSTALL = "Install a static one: apt install mksh, or busybox-static"


def chosen_root() -> Root:
    """The kind of root that POCKETBENCH_SIMULATED_ROOT names.

    Without it `android`, where a static shell is installed, else `host`.

    Raises:
        UnknownNameError: It names no kind of root.
        ToolMissingError: It names `android`, and there is no static shell.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return "android" if static_shell() else "host"
    for root in ROOTS:
        if wanted == root:
            if root == "android" and static_shell() is None:
                raise ToolMissingError(
                    f"{VARIABLE}=android", "no static shell was found", HOW_TO_INSTALL
                )
            return root
    raise UnknownNameError(VARIABLE, wanted, ROOTS)


def static_shell() -> tuple[str, Path] | None:
    """Name and path of a shell that needs no library; `None`: there is none."""
    for name, program in _STATIC_SHELLS:
        path = which(program)
        if path is not None and is_static(path):
            return name, path
    return None


def which(name: str) -> Path | None:
    """A program of this computer, links resolved; the user's PATH does not matter."""
    found = shutil.which(name, path=SEARCH_PATH)
    return Path(found).resolve() if found else None


def is_static(program: Path) -> bool:
    """Whether a program needs no loader and no library."""
    try:
        return read_elf(program).interpreter is None
    except UsageError:
        # A script needs its interpreter.
        return False


def check_system_image(folder: Path, abis: Sequence[str]) -> None:
    """Check that phones of these ABIs can run programs with a `/system`.

    Raises:
        UsageError: It has no 64-bit loader, or that of another ABI.
    """
    loader = folder / "bin" / "linker64"
    if not loader.is_file() or not (folder / "lib64" / "libc.so").is_file():
        raise UsageError(
            f"--system-image {folder}",
            "has no bin/linker64 with lib64/libc.so",
            "Give a copy of a phone's /system; since Android 10 both are links into "
            "/apex/com.android.runtime: copy what they point to",
        )
    facts = read_elf(loader, or_library=True)
    for abi in abis:
        if facts.abi != abi:
            raise UsageError(
                f"--system-image {folder}",
                f"is for {facts.abi}, and the phone runs {abi}",
                "Choose the profile of that ABI: pixel-8-arm64 or pixel-8",
            )
