"""The shell service of Android 6 and earlier: one merged terminal, no exit code.

The exit code comes as a line that carries a random token, which no output can hold
by chance, and the error output goes through a file in our folder on the phone.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from pocketbench.bench.processes.bounded_output import BoundedOutput
from pocketbench.devices.android.shell.quoting import exports, quote, quote_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MERGED_NOTE = b"(the phone could not keep its error output apart: it is in stdout)\n"


class ShellV1:
    """One command over the old shell service, and a reader of what comes back."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str] | None, folder: str
    ) -> None:
        """Build the command.

        Args:
            argv: What to run.
            env: Added to its environment.
            folder: Ours on the phone; the error output passes through a file in it.
        """
        token = secrets.token_hex(8)
        self._token = token.encode()
        inner = quote(f'{exports(env)}echo {token} pid $PPID $$; exec "$@"')
        self.service = (
            f"shell:e={quote(f'{folder}/stderr-{token}')}; "
            f"[ -d {quote(folder)} ] || mkdir -p {quote(folder)} 2>/dev/null; "
            f"run_it() {{ sh -c {inner} sh {quote_all(argv)} </dev/null; }}; "
            '( true >"$e" ) 2>/dev/null; '
            'if [ -f "$e" ]; then run_it 2>"$e"; c=$?; else run_it 2>&1; c=$?; fi; '
            f"echo; echo {token} exit $c; "
            f'[ -f "$e" ] || echo {token} merged; '
            'if [ -s "$e" ]; then cat "$e"; fi; rm -f "$e"; '
            f"echo {token} end"
        )
        self._pid_line = re.compile(rb"%s pid (\d+) (\d+)\n" % self._token)
        self._exit_line = re.compile(rb"\n%s exit (\d+)\n" % self._token)
        self._received = BoundedOutput()
        self._last = b""
        self._finished = False
        self._ids: tuple[int, int] | None = None

    @property
    def finished(self) -> bool:
        """Whether the last line has come."""
        return self._finished

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        tail = self._last + data
        self._last = tail[-(len(self._token) + 8) :]
        self._received.add(data)
        self._finished = self._finished or self._token + b" end" in tail
        if self._ids is None and self._token in self._received.head[:65536]:
            found = self._pid_line.search(_plain_lines(self._received.head[:65536]))
            if found:
                self._ids = int(found[2]), int(found[1])

    @property
    def pid(self) -> int | None:
        """Of the program, on the phone."""
        return self._ids[0] if self._ids else None

    @property
    def victims(self) -> tuple[str, ...]:
        """What `kill` is to be given, one call after the other.

        The program first: the shell around it has yet to print its errors. Then the
        group of that shell, with whatever the program started.
        """
        return () if self._ids is None else (f"{self._ids[0]}", f"-{self._ids[1]}")

    @property
    def exit_code(self) -> int | None:
        """As the shell around the program saw it; `None` before the end."""
        found = self._exit_line.search(_plain_lines(bytes(self._received)))
        return int(found[1]) if found and self._finished else None

    @property
    def stdout(self) -> bytes:
        """What the program wrote, with plain line ends."""
        return self._parts()[1]

    @property
    def stderr(self) -> bytes:
        """What the program wrote to its error output, where it was kept apart."""
        before, _, errors = self._parts()
        merged = self._token + b" merged\n"
        if errors.startswith(merged):
            return before + MERGED_NOTE + errors.removeprefix(merged)
        return before + errors + self._received.note

    def _parts(self) -> tuple[bytes, bytes, bytes]:
        """What came before the program (linker warnings), its output, its errors."""
        text = _plain_lines(bytes(self._received))
        started = self._pid_line.search(text)
        before, rest = (
            (text[: started.start()], text[started.end() :]) if started else (b"", text)
        )
        ended = self._exit_line.search(rest)
        if ended is None:
            return before, rest, b""
        errors = rest[ended.end() :]
        return before, rest[: ended.start()], errors.partition(self._token + b" end")[0]


def _plain_lines(received: bytes | bytearray) -> bytes:
    """Undo the carriage returns of the terminal that old phones put in between."""
    return re.sub(rb"\r+\n", b"\n", bytes(received))
