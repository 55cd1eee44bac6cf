"""The shell protocol of Android 7 and later: both outputs apart, and an exit code.

A packet is one byte of id, four bytes of length (little endian), and the data
(AOSP packages/modules/adb, shell_protocol.h).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pocketbench.devices.android.shell.quoting import exports, quote, quote_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEADER = struct.Struct("<BI")
_STDIN, _STDOUT, _STDERR, _EXIT = 0, 1, 2, 3


class ShellV2:
    """One command over shell v2: its service, and a reader of what comes back."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str] | None) -> None:
        """Build the command.

        The shell tells its pid and becomes the program, so the pid is the program's. It
        runs a script of the shell's itself, for it is the same shell.
        """
        command = f"exec {quote_all(argv)}"
        if tuple(argv[:2]) == ("sh", "-c"):
            arguments = "".join(f" {quote(word)}" for word in argv[4:])
            command = f"set --{arguments}\n{argv[2]}"
        self.service = f"shell,v2,raw:{exports(env)}echo $$; {command}"
        self.exit_code: int | None = None
        self._pending = bytearray()
        self._stdout = bytearray()
        self._stderr = bytearray()

    @property
    def finished(self) -> bool:
        """Whether the exit code has come; it is the last packet."""
        return self.exit_code is not None

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        pending = self._pending
        pending += data
        at = 0
        while len(pending) - at >= _HEADER.size:
            kind, length = _HEADER.unpack_from(pending, at)
            end = at + _HEADER.size + length
            if len(pending) < end:
                break
            payload = memoryview(pending)[at + _HEADER.size : end]
            if kind == _STDOUT:
                self._stdout += payload
            elif kind == _STDERR:
                self._stderr += payload
            elif kind == _EXIT and length:
                self.exit_code = payload[0]
            payload.release()
            at = end
        del pending[:at]

    def input(self, data: bytes) -> bytes:
        """Bytes for the program's input, as they go over the stream."""
        return _HEADER.pack(_STDIN, len(data)) + data

    @property
    def pid(self) -> int | None:
        """On the phone; `None` until it has been told."""
        line, newline, _ = self._stdout[:32].partition(b"\n")
        return int(line) if newline and line.isdigit() else None

    @property
    def victims(self) -> tuple[str, ...]:
        """What `kill` is to be given, one call after the other.

        adbd makes every shell the leader of a session, so the whole group goes at once.
        """
        return () if self.pid is None else (f"-{self.pid} {self.pid}",)

    @property
    def stdout(self) -> bytes:
        """What the program wrote, without the line of the pid."""
        if self.pid is None:
            return bytes(self._stdout)
        return bytes(self._stdout[self._stdout.index(b"\n") + 1 :])

    @property
    def stderr(self) -> bytes:
        """What the program wrote to its error output."""
        return bytes(self._stderr)
