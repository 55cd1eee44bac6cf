"""The shell protocol of Android 7 and later: both outputs apart, and an exit code.

A packet is one byte of id, four bytes of length (little endian), and the data
(AOSP packages/modules/adb, shell_protocol.h).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pocketbench.bench.processes.bounded_output import BoundedOutput
from pocketbench.devices.android.shell.quoting import exports, quote, quote_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEADER = struct.Struct("<BI")
_STDIN, _STDOUT, _STDERR, _EXIT = 0, 1, 2, 3


class ShellV2:
    """One command over shell v2: its service, and a reader of what comes back."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str] | None) -> None:
        """Build the command.

        The shell prints its pid and becomes the program, so the pid is the program's.
        It runs a script of the shell's itself, for it is the same shell.
        """
        command = f"exec {quote_all(argv)}"
        if tuple(argv[:2]) == ("sh", "-c"):
            arguments = "".join(f" {quote(word)}" for word in argv[4:])
            command = f"set --{arguments}\n{argv[2]}"
        self.service = f"shell,v2,raw:{exports(env)}echo $$; {command}"
        self.exit_code: int | None = None
        self._header = bytearray()
        self._kind, self._left = 0, 0
        self._stdout = BoundedOutput()
        self._stderr = BoundedOutput()

    @property
    def finished(self) -> bool:
        """Whether the exit code has come; it is the last packet."""
        return self.exit_code is not None

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream, in packets cut anywhere."""
        at = 0
        while at < len(data):
            if self._left == 0:
                size = _HEADER.size - len(self._header)
                self._header += data[at : at + size]
                at += size
                if len(self._header) == _HEADER.size:
                    self._kind, self._left = _HEADER.unpack(self._header)
                    self._header.clear()
                continue
            payload = data[at : at + self._left]
            at += len(payload)
            self._left -= len(payload)
            if self._kind == _STDOUT:
                self._stdout.add(payload)
            elif self._kind == _STDERR:
                self._stderr.add(payload)
            elif self._kind == _EXIT and self.exit_code is None:
                self.exit_code = payload[0]

    def input(self, data: bytes) -> bytes:
        """Bytes for the program's input, as they go over the stream."""
        return _HEADER.pack(_STDIN, len(data)) + data

    @property
    def pid(self) -> int | None:
        """On the phone; `None` until it has been reported."""
        line, newline, _ = bytes(self._stdout.head[:32]).partition(b"\n")
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
        written = bytes(self._stdout)
        return written if self.pid is None else written.partition(b"\n")[2]

    @property
    def stderr(self) -> bytes:
        """What the program wrote to its error output."""
        return bytes(self._stderr) + self._stdout.note + self._stderr.note
