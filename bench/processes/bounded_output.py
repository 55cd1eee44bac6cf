"""Output of a program, bounded: a program that never stops printing costs no memory."""

from __future__ import annotations

LIMIT_BYTES = 64 << 20
"""Of one stream of one command; the longest honest output, a device's answers to a
checked model, is a few megabytes."""
_TAIL_SHARE = 8


class BoundedOutput:
    """Keeps the first and the last bytes of a stream, and counts what it dropped.

    The first, because causes come first; the last, because our programs seal their
    results there.
    """

    def __init__(self, limit_bytes: int | None = None) -> None:
        """Take how many bytes are kept."""
        limit = LIMIT_BYTES if limit_bytes is None else limit_bytes
        self._tail_limit = limit // _TAIL_SHARE
        self._head_limit = limit - self._tail_limit
        self.head = bytearray()
        self._tail = bytearray()
        self._tail_dropped = 0

    def add(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        room = self._head_limit - len(self.head)
        if room > 0:
            self.head += data[:room]
            data = data[room:]
        if not data:
            return
        self._tail += data
        if len(self._tail) > 2 * self._tail_limit:
            self._trim()

    def _trim(self) -> None:
        surplus = len(self._tail) - self._tail_limit
        if surplus > 0:
            del self._tail[:surplus]
            self._tail_dropped += surplus

    @property
    def dropped_bytes(self) -> int:
        """How many bytes in the middle were dropped."""
        self._trim()
        return self._tail_dropped

    @property
    def note(self) -> bytes:
        """A line about what was dropped; empty when nothing was."""
        dropped = self.dropped_bytes
        if not dropped:
            return b""
        kept = self._head_limit + self._tail_limit
        return b"(pocketbench kept %d bytes of the output, dropped %d)\n" % (
            kept,
            dropped,
        )

    def __bytes__(self) -> bytes:
        """What was kept."""
        self._trim()
        return bytes(self.head + self._tail)
