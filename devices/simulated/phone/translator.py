"""Programs of another ABI on a simulated phone: translated by qemu's user mode.

The kernel hands such a program to qemu (binfmt_misc), as an x86 phone's kernel hands
ARM programs to its translator. Since Linux 6.7 a user namespace has a table of its
own for that; before, the computer's own table must name qemu.
"""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.errors import ToolMissingError
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.devices.simulated.phone import linux, namespace

if TYPE_CHECKING:
    from pocketbench.devices.simulated.profile import Profile

_COMPUTERS_TABLE = Path("/proc/sys/fs/binfmt_misc")

_PROGRAMS = ("qemu-aarch64-static", "qemu-aarch64")
_ABI = "arm64-v8a"
_LIBRARIES = Path("/usr/aarch64-linux-gnu")
"""Where Debian and Ubuntu put the C library of their cross compiler."""
_MAGIC = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00"
"""The head of an ELF file: 64 bits, little-endian, executable, of AArch64 (0xb7)."""
_MASK = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + b"\xfe\xff\xff\xff"
"""Any operating system; executable and position-independent executable alike."""

ENVIRONMENT = {"QEMU_LD_PREFIX": str(_LIBRARIES)}
"""What says where that ABI's own C library is, in a root that shows it."""

HOW_TO_INSTALL = "Install qemu: apt install qemu-user-static, dnf install qemu-user"


_NATIVE_ABIS = {"x86_64": "x86_64", "aarch64": "arm64-v8a", "riscv64": "riscv64"}


def native_abi() -> str:
    """What this computer runs, in Android's words."""
    machine = platform.machine()
    return _NATIVE_ABIS.get(machine, machine)


class Translator(NamedTuple):
    """What runs the programs of another ABI."""

    program: Path
    description: str
    """`qemu-aarch64 7.2.22`."""


def abi_of(profile: Profile) -> str:
    """What really runs on a phone, in Android's words."""
    return profile.translated_abi or native_abi()


def machine_of(profile: Profile) -> str:
    """The same in the words of `uname -m`."""
    return "aarch64" if abi_of(profile) == _ABI else platform.machine()


def is_translated(profile: Profile) -> bool:
    """Whether its programs are not this computer's own."""
    return abi_of(profile) != native_abi()


def find(profile: Profile) -> Translator | None:
    """The translator of a phone; `None` for one that runs what this computer runs.

    Raises:
        ToolMissingError: It needs one, and there is none.
    """
    if not is_translated(profile):
        return None
    found = next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
    if found is None or abi_of(profile) != _ABI:
        raise ToolMissingError(
            f"simulated:{profile.name}",
            f"needs qemu's user mode to run {abi_of(profile)} programs",
            HOW_TO_INSTALL,
        )
    parsed = run_to_end(found, "--version")
    return Translator(Path(found), _short(parsed.stdout))


def _short(version: str) -> str:
    """`qemu-aarch64 version 7.2.22 (Debian ...)` without what is around it."""
    words = version.split()
    return " ".join((words[0], words[2])) if len(words) > 2 else "qemu"


def show_libraries(root: Path) -> None:
    """Show that ABI's own C library on a phone whose root is being built."""
    if _LIBRARIES.is_dir():
        place = root / str(_LIBRARIES).lstrip("/")
        place.mkdir(parents=True)
        linux.bind(_LIBRARIES, place, read_only=True)


def enter(translator: Translator, place: Path) -> None:
    """Move this process to where programs of the ABI start, and its children.

    That is a user namespace around the phone's own, as its root: the table belongs to
    root, and a phone has none.

    Args:
        translator: Of `find`.
        place: An empty folder of this computer.

    Raises:
        ToolMissingError: This kernel lets no namespace decide that.
    """
    # F: the program is opened now, while it can be seen.
    entry = b":qemu:M::%s:%s:%s:F" % (
        _escaped(_MAGIC),
        _escaped(_MASK),
        bytes(translator.program),
    )
    try:
        namespace.unshare_user(linux.CLONE_NEWNS, inner_id=0)
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        linux.mount("binfmt_misc", place, "binfmt_misc")
        (place / "register").write_bytes(entry)
        # Never closed: the table lasts as long as somebody holds it.
        os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        if not _computer_translates():
            raise ToolMissingError(
                "simulated arm64 phones",
                f"this kernel gives them no table of program formats ({error})",
                "Use Linux 6.7 or newer, or register qemu for the whole computer: "
                "apt install qemu-user-static binfmt-support",
            ) from error


def _escaped(pattern: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in pattern)


def _computer_translates() -> bool:
    """Whether the computer's own table runs such programs, in every root."""
    for entry in _COMPUTERS_TABLE.glob("*"):
        try:
            text = entry.read_text()
        except OSError:
            continue
        lines = text.splitlines()
        fields = dict(line.split(maxsplit=1) for line in lines if " " in line)
        if (
            text.startswith("enabled")
            and "F" in fields.get("flags:", "")
            and fields.get("magic", "") == _MAGIC.hex()
        ):
            return True
    return False
