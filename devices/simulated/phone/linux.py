"""The Linux system calls that a phone's file system is made with."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522

_LOCKED_FLAGS = {
    MS_RDONLY: MS_RDONLY,
    MS_NOSUID: MS_NOSUID,
    MS_NODEV: MS_NODEV,
    MS_NOEXEC: MS_NOEXEC,
    1024: 1024,
    2048: 2048,
    4096: 1 << 21,
}
"""Flags of a mount that a user namespace may not take away when it remounts it: as
statvfs(3) reports them and as mount(2) takes them; the last three are of access times.
Numbers, because Python has not all of these names where it does not run on Linux."""

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name for new ones.

    Raises:
        OSError: The kernel forbids it.
    """
    _check(_libc.unshare(flags), "unshare")


def mount(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    kind: str | None = None,
    flags: int = 0,
    options: str = "",
) -> None:
    """Mount, bind or change a mount.

    Raises:
        OSError: As mount(2).
    """
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() if options else None,
    )
    _check(result, os.fspath(target))


def bind(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    read_only: bool = False,
    no_exec: bool = False,
    no_setuid: bool = False,
) -> None:
    """Show a file or folder at a second place.

    Raises:
        OSError: As mount(2).
    """
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only or no_exec or no_setuid:
        present = os.statvfs(target).f_flag
        flags = sum(flag for bit, flag in _LOCKED_FLAGS.items() if present & bit)
        flags |= MS_RDONLY if read_only else 0
        flags |= MS_NOEXEC if no_exec else 0
        flags |= MS_NOSUID if no_setuid else 0
        mount("none", target, flags=MS_REMOUNT | MS_BIND | flags)


def pivot_root(new_root: str | os.PathLike[str]) -> None:
    """Make a mount the root of this process, and the old root unreachable.

    Raises:
        OSError: As pivot_root(2).
    """
    os.chdir(new_root)
    # "." on "." stacks the old root over the new one, from where it is detached:
    # no folder for it is needed (pivot_root(2), NOTES).
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _MNT_DETACH), "umount2")
    os.chdir("/")


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send a signal to this process when its parent ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")


def drop_capabilities() -> None:
    """Give up every privilege, for this process and what it starts."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(head, none), "capset")


def filter_calls(program: bytes) -> None:
    """Have the kernel filter what this process and its children ask of it, for ever.

    Raises:
        OSError: The kernel has no filters, or new privileges were not given up.
    """

    class Program(ctypes.Structure):
        _fields_ = (("count", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    made = Program(len(program) // 8, program)
    result = _libc.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(made), 0, 0
    )
    _check(result, "seccomp")
