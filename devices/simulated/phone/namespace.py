"""Making a process the init of a phone: namespaces of its own, and another root."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from pocketbench.bench.errors import ToolMissingError
from pocketbench.devices.simulated.phone import linux, set_id_filter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger = logging.getLogger(__name__)

SHELL_UID = 2000
"""Android's `shell` user; the only one that exists on a simulated phone."""

HOW_TO_ALLOW = (
    "Allow user namespaces: `sudo sysctl -w user.max_user_namespaces=15000`, on Debian "
    "also `kernel.unprivileged_userns_clone=1`, on Ubuntu 24.04 and later also "
    "`kernel.apparmor_restrict_unprivileged_userns=0`; a container needs "
    "`--security-opt seccomp=unconfined` or `--privileged`"
)


def forbidden(error: OSError) -> ToolMissingError:
    """The error where the kernel forbids namespaces."""
    return ToolMissingError(
        "simulated phones",
        f"this kernel does not allow unprivileged user namespaces ({error})",
        HOW_TO_ALLOW,
    )


def enter() -> None:
    """Move this process into namespaces of its own, as Android's shell user.

    Its children, not itself, are in the new process namespace: the first one is the
    phone's init, and when that ends the kernel ends everything on the phone.

    Raises:
        ToolMissingError: The kernel forbids it.
    """
    try:
        unshare_user(
            linux.CLONE_NEWNS
            | linux.CLONE_NEWPID
            | linux.CLONE_NEWUTS
            | linux.CLONE_NEWIPC,
            inner_id=SHELL_UID,
        )
    except OSError as error:
        raise forbidden(error) from error


def unshare_user(flags: int, *, inner_id: int) -> None:
    """Enter a new user namespace, in which our user and group have another number.

    Raises:
        OSError: The kernel forbids it.
    """
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER | flags)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inner_id} {uid} 1")
    _write("/proc/self/gid_map", f"{inner_id} {gid} 1")


def fork_init(run: Callable[[], int], listener: socket.socket) -> int:
    """Run a function as the phone's init; return its exit code when it has ended.

    The listener is the init's alone from then on: the port refuses connections once
    the init closes it.

    A SIGTERM or SIGINT that comes here ends the init, and so does the end of this
    process, however it comes.
    """
    init = os.fork()
    if init == 0:
        code = 1
        try:
            linux.die_with_parent(signal.SIGKILL)
            code = run()
        except BaseException:
            logger.exception("the phone failed")
        finally:
            sys.stdout.flush()
            os._exit(code)

    listener.close()

    def end(number: int, frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(init, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    _, status = os.waitpid(init, 0)
    return os.waitstatus_to_exitcode(status)


def change_root(root: Path, build: Callable[[Path], None]) -> None:
    """Have a file system built on an empty tmpfs at `root`, and make it the root.

    All privileges are gone afterwards, and no file can be made to give any.

    Raises:
        ToolMissingError: The kernel forbids it.
    """
    try:
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        flags = linux.MS_NOSUID | linux.MS_NODEV
        linux.mount("tmpfs", root, "tmpfs", flags, "mode=755,size=64m")
    except OSError as error:
        raise forbidden(error) from error
    try:
        build(root)
    except PermissionError as error:
        raise forbidden(error) from error
    linux.pivot_root(root)
    os.chmod("/", 0o555)
    with suppress(OSError):
        socket.sethostname("localhost")
    linux.drop_capabilities()
    try:
        linux.filter_calls(set_id_filter.program())
    except OSError as error:
        raise ToolMissingError(
            "simulated phones",
            f"this kernel cannot filter system calls ({error})",
            "Use a kernel with CONFIG_SECCOMP_FILTER",
        ) from error


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
