"""Which of this computer's programs become a phone's shell and commands."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pocketbench.bench.errors import ToolMissingError
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.devices.simulated.phone.carried import Carried, carried
from pocketbench.devices.simulated.phone.system_root import (
    HOW_TO_INSTALL,
    Root,
    static_shell,
    which,
)
from pocketbench.devices.simulated.phone.translator import Translator

_PLAIN_COMMANDS = """
    base64 basename cat chmod cksum cmp comm cp cut date dd df diff dirname du echo
    env expand expr fallocate false find flock fold free grep gunzip gzip head
    hostname id kill killall ln ls md5sum mkdir mkfifo mktemp more mountpoint mv
    nice nl nohup nproc od paste patch pgrep pidof pkill printenv printf ps pwd
    readlink realpath renice rev rm rmdir sed seq setsid sha1sum sha256sum sha512sum
    sleep sort split stat strings stty sync tac tail tar tee test timeout touch tr
    true truncate tty uname uniq unlink uptime wc which whoami xargs xxd yes zcat
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
    root: Root = "host"
    carried: tuple[tuple[str, Carried], ...] = ()
    """By name: what each of the programs needs along in a root without libraries."""
    translator: Translator | None = None
    """For a phone whose programs are of another ABI."""
    system_image: Path | None = None
    """A `/system` of Android's own that the phone has."""

    @property
    def libc(self) -> str:
        """The C library that programs find on the phone."""
        if self.system_image is not None:
            return "bionic"
        return "none" if self.root == "android" else "glibc"

    @property
    def description(self) -> str:
        """For a property: `mksh, toybox`."""
        return f"{self.shell_name}, {self.box.name if self.box else 'host programs'}"


def find(root: Root = "host") -> Tools:
    """Look for what there is: mksh and toybox first, as phones have them.

    Args:
        root: `android`: the shell must be static, and the rest brings its libraries.

    Raises:
        ToolMissingError: This computer has no shell that would do.
    """
    name, path = _shell(root)
    box = which("toybox") or which("busybox")
    commands = (
        _applets(box) if box else tuple(c for c in _PLAIN_COMMANDS.split() if which(c))
    )
    found = Tools(
        path, name, box, commands, which("taskset"), which("openssl"), root=root
    )
    if root == "host":
        return found
    names = () if box else commands
    programs = {name: which(name) for name in ("taskset", "openssl", *names)}
    needed = [(name, carried(path)) for name, path in programs.items() if path]
    if box is not None:
        needed.append((box.name, carried(box)))
    return found._replace(carried=tuple(needed))


def _shell(root: Root) -> tuple[str, Path]:
    if root == "android":
        static = static_shell()
        if static is None:
            raise ToolMissingError(
                "simulated phones", "no static shell was found", HOW_TO_INSTALL
            )
        return static
    for name in ("mksh", "busybox", "dash", "bash"):
        path = which(name)
        if path is not None:
            return name, path
    raise ToolMissingError(
        "simulated phones", "no shell was found", "Install mksh and toybox"
    )


def _applets(box: Path) -> tuple[str, ...]:
    argv = [str(box), "--list"] if box.name == "busybox" else [str(box)]
    return tuple(run_to_end(*argv).stdout.split())
