"""The packets of the adb transport protocol: a 24-byte header and a payload."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncio

HEADER = struct.Struct("<6I")

VERSION_WITH_CHECKSUMS = 0x01000000
VERSION_WITHOUT_CHECKSUMS = 0x01000001
"""Two ends that both speak this version leave `data_check` at 0."""

MAX_HANDSHAKE_PAYLOAD = 4096
MAX_PAYLOAD = 1 << 20


class Command(IntEnum):
    """What a packet is: four letters, read as a little-endian number."""

    CNXN = 0x4E584E43
    AUTH = 0x48545541
    OPEN = 0x4E45504F
    OKAY = 0x59414B4F
    WRTE = 0x45545257
    CLSE = 0x45534C43


class AuthKind(IntEnum):
    """The first argument of an AUTH packet."""

    TOKEN = 1
    SIGNATURE = 2
    PUBLIC_KEY = 3


class ProtocolError(Exception):
    """The other end does not speak this protocol; the connection is of no use."""


class Packet(NamedTuple):
    """One packet as received."""

    command: Command
    arg0: int
    arg1: int
    payload: bytes


def checksum(payload: bytes) -> int:
    """Sum of the payload's bytes; the documents call it a CRC, which it never was."""
    return sum(payload) & 0xFFFFFFFF


def header(
    command: Command, arg0: int, arg1: int, payload: bytes, *, checked: bool
) -> bytes:
    """The 24 bytes that go before a payload."""
    return HEADER.pack(
        command,
        arg0,
        arg1,
        len(payload),
        checksum(payload) if checked else 0,
        command ^ 0xFFFFFFFF,
    )


async def read_packet(reader: asyncio.StreamReader, *, checked: bool) -> Packet:
    """Read one packet.

    Raises:
        ProtocolError: The bytes are not a packet, or its checksum is wrong.
        asyncio.IncompleteReadError: The connection ended.
    """
    fields = HEADER.unpack(await reader.readexactly(HEADER.size))
    number, arg0, arg1, length, check, magic = fields
    if number ^ 0xFFFFFFFF != magic:
        raise ProtocolError(f"bad magic {magic:#x} for command {number:#x}")
    if length > MAX_PAYLOAD:
        raise ProtocolError(f"payload of {length} bytes, more than was offered")
    try:
        command = Command(number)
    except ValueError:
        raise ProtocolError(f"unknown command {number:#x}") from None
    payload = await reader.readexactly(length) if length else b""
    if checked and checksum(payload) != check:
        raise ProtocolError("wrong checksum")
    return Packet(command, arg0, arg1, payload)
