"""Refuse set-user-ID and set-group-ID bits to everything that runs on a phone.

What a phone keeps lies on this computer's disk, where such a file would run as the user
who runs the phone. The kernel itself refuses the bits, by a filter of system calls that
children inherit and nothing takes away.
"""

from __future__ import annotations

import errno
import stat
import struct
from typing import NamedTuple


class _Calls(NamedTuple):
    """The numbers of one architecture's system calls."""

    architecture: int
    """`AUDIT_ARCH_...`, as the filter sees it."""
    opens: dict[int, int]
    """`open` and `openat`: which argument is the mode, after that of the flags."""
    others: dict[int, int]
    """`chmod`, `fchmod`, `creat`, `mknod`; `fchmodat`, `mknodat`, `fchmodat2`."""


_ARCHITECTURES = (
    _Calls(
        0xC000003E,  # x86_64
        {2: 2, 257: 3},
        {90: 1, 91: 1, 85: 1, 133: 1, 268: 2, 259: 2, 452: 2},
    ),
    _Calls(
        0x40000003,  # i386
        {5: 2, 295: 3},
        {15: 1, 94: 1, 8: 1, 14: 1, 306: 2, 297: 2, 452: 2},
    ),
    _Calls(
        0xC00000B7,  # aarch64, which has only the newer ones
        {56: 3},
        {52: 1, 53: 2, 33: 2, 452: 2},
    ),
    _Calls(
        0x40000028,  # arm
        {5: 2, 322: 3},
        {15: 1, 94: 1, 8: 1, 14: 1, 333: 2, 324: 2, 452: 2},
    ),
)
_OPENAT2, _IO_URING_SETUP = 437, 425
"""On all of them; their modes are in memory, where a filter does not see them."""
_BITS = stat.S_ISUID | stat.S_ISGID
_CREATES = 0o100 | 0o20000000
"""`O_CREAT`, and of `O_TMPFILE` the bit that is its own: a mode counts with these."""
_X32_BIT = 0x40000000

_LOAD, _JUMP, _RETURN = 0x20, 0x05, 0x06
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000

_Instruction = tuple[int, int, int, int]
"""Code, where to go if it is so, where else, and a number: `struct sock_filter`."""


def program() -> bytes:
    """The filter: an array of `struct sock_filter`."""
    made: list[_Instruction] = [(_LOAD, 0, 0, _ARCHITECTURE_AT)]
    for calls in _ARCHITECTURES:
        block = _block(calls)
        made.append((_IF_EQUAL, 1, 0, calls.architecture))
        made.append((_JUMP, 0, 0, len(block)))
        made += block
    made.append(_refuse(errno.ENOSYS))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in made)


def _block(calls: _Calls) -> list[_Instruction]:
    made: list[_Instruction] = [
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_AT_LEAST, 0, 1, _X32_BIT),
        _refuse(errno.ENOSYS),
    ]
    for number in (_OPENAT2, _IO_URING_SETUP):
        made += [(_IF_EQUAL, 0, 1, number), _refuse(errno.ENOSYS)]
    for number, argument in calls.opens.items():
        test = _bits_refused(argument)
        made += [
            (_IF_EQUAL, 0, len(test) + 3, number),
            _argument(argument - 1),
            (_IF_ANY_BIT, 1, 0, _CREATES),
            (_RETURN, 0, 0, _ALLOW),
            *test,
        ]
    for number, argument in calls.others.items():
        test = _bits_refused(argument)
        made += [(_IF_EQUAL, 0, len(test), number), *test]
    return [*made, (_RETURN, 0, 0, _ALLOW)]


def _bits_refused(argument: int) -> list[_Instruction]:
    return [
        _argument(argument),
        (_IF_ANY_BIT, 0, 1, _BITS),
        _refuse(errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _argument(number: int) -> _Instruction:
    # The lower half, on the little-endian processors that these all are.
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * number)


def _refuse(number: int) -> _Instruction:
    return (_RETURN, 0, 0, _ERROR | number)
