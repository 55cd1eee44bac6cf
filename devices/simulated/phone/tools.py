"""Which of this computer's programs become a phone's shell and commands."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from pocketbench.bench.errors import ToolMissingError
from pocketbench.devices.simulated.phone.translator import Translator

_PLAIN_COMMANDS = """
    base64 basename cat chmod cksum cmp cp cut date dd df diff dirname du echo env
    expand expr false find grep head hostname id kill ln ls md5sum mkdir mktemp more
    mv nice nl nohup nproc od paste printenv printf ps pwd readlink realpath rm
    rmdir sed seq sha1sum sha256sum sha512sum sleep sort split stat stty sync tail
    tee test timeout touch tr true tty uname uniq uptime wc which whoami xargs xxd
    yes
"""
"""Looked for one by one where neither toybox nor busybox is installed."""


class Tools(NamedTuple):
    """Programs of this computer, by absolute path."""

    shell: Path
    shell_name: str
    """`mksh`, as on every phone, or what stands in for it."""
    box: Path | None
    """One program that is many commands: toybox or busybox."""
    commands: tuple[str, ...]
    """Names that `box` answers to, or of programs of this computer."""
    taskset: Path | None
    openssl: Path | None
    translator: Translator | None = None
    """For a phone whose programs are of another ABI."""

    @property
    def description(self) -> str:
        """For a property: `mksh, toybox`."""
        return f"{self.shell_name}, {self.box.name if self.box else 'host programs'}"


def find() -> Tools:
    """Look for what there is: mksh and toybox first, as phones have them.

    Raises:
        ToolMissingError: This computer has no shell that would do.
    """
    busybox = _which("busybox")
    shells = [
        ("mksh", _which("mksh")),
        ("busybox", busybox),
        ("dash", _which("dash")),
        ("bash", _which("bash")),
    ]
    shell = next(((name, path) for name, path in shells if path is not None), None)
    if shell is None:
        raise ToolMissingError(
            "simulated phones", "no shell was found", "Install mksh and toybox"
        )
    name, path = shell
    box = _which("toybox") or busybox
    commands = (
        _applets(box) if box else tuple(c for c in _PLAIN_COMMANDS.split() if _which(c))
    )
    return Tools(path, name, box, commands, _which("taskset"), _which("openssl"))


def _which(name: str) -> Path | None:
    found = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin")
    return Path(found).resolve() if found else None


def _applets(box: Path) -> tuple[str, ...]:
    argv = [str(box), "--list"] if box.name == "busybox" else [str(box)]
    output = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return tuple(output.split())
