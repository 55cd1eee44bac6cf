"""Which adb servers a phone trusts: those that hold the key of one it was given.

The host signs a token of 20 bytes as if it were a SHA-1 digest, with RSA and PKCS #1
v1.5 padding (adb's `adb_auth_host.cpp`). Public keys are base64 of a C structure:
length in words, a Montgomery constant, modulus, a second constant, exponent, all
little-endian (`libcrypto_utils/android_pubkey.cpp`).
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
from typing import NamedTuple

TOKEN_BYTES = 20
_KEY = struct.Struct("<II256s256sI")
_SIZE_BYTES = 256
_SHA1 = bytes.fromhex("3021300906052b0e03021a05000414")
"""What PKCS #1 puts before a SHA-1 digest, to name it."""


class PublicKey(NamedTuple):
    """One adb key that a phone accepts."""

    modulus: int
    exponent: int

    def has_signed(self, token: bytes, signature: bytes) -> bool:
        """Whether a signature of a token was made with the private half."""
        if len(signature) != _SIZE_BYTES:
            return False
        padding = b"\xff" * (_SIZE_BYTES - 3 - len(_SHA1) - len(token))
        wanted = b"\x00\x01" + padding + b"\x00" + _SHA1 + token
        number = pow(int.from_bytes(signature), self.exponent, self.modulus)
        return number == int.from_bytes(wanted)


def parse_public_key(text: str) -> PublicKey | None:
    """Read `adbkey.pub`; `None` for what is not such a key."""
    try:
        content = base64.b64decode(text.split(maxsplit=1)[0], validate=True)
        _, _, modulus, _, exponent = _KEY.unpack(content)
    except (IndexError, binascii.Error, struct.error):
        return None
    found = PublicKey(int.from_bytes(modulus, "little"), exponent)
    return found if found.modulus.bit_length() == 8 * _SIZE_BYTES else None


class Authorization:
    """What one connection has shown of who is at its other end."""

    def __init__(self, keys: tuple[PublicKey, ...]) -> None:
        """Take the keys that are accepted."""
        self._keys = keys
        self._token = b""

    def new_token(self) -> bytes:
        """What the host must sign next; never the same twice."""
        self._token = os.urandom(TOKEN_BYTES)
        return self._token

    def accepts(self, signature: bytes) -> bool:
        """Whether the last token was signed with a key that is accepted."""
        token, self._token = self._token, b""
        return bool(token) and any(x.has_signed(token, signature) for x in self._keys)
