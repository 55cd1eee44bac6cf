"""A command on a phone while it runs: its stream, its errors, its result."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from pocketbench.bench.errors import Cancelled, DeviceLostError
from pocketbench.bench.records.device import CommandResult, exit_of_shell
from pocketbench.devices.android.adb.errors import adb_errors, lost, server_gone
from pocketbench.devices.android.adb.server import ServerWatch
from pocketbench.devices.android.adb.stream import (
    DeadlinePassed,
    Limits,
    StopRequested,
)
from pocketbench.devices.android.shell.v2 import ShellV2

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from pocketbench.devices.android.adb.server import AdbServer
    from pocketbench.devices.android.adb.stream import AdbStream
    from pocketbench.devices.android.shell.v1 import ShellV1

_SERVER_DEATH_S = 0.2
_TAIL_CHARACTERS = 500


class CommandErrors:
    """Distinguishes a lost phone from an ended server; adds what was printed."""

    def __init__(self, server: AdbServer, device_id: str) -> None:
        """Watch the server, so that its end is known from the phone's.

        Raises:
            DeviceLostError: It is not there.
        """
        self._server = server
        self._device_id = device_id
        with adb_errors(device_id):
            self._watch = ServerWatch(server)

    def close(self) -> None:
        """Let go of the server."""
        self._watch.close()

    def watch_again(self) -> None:
        """Watch the server that there is now, if the one that was watched has ended."""
        if self._watch.ended(within_s=0):
            self._watch.close()
            with contextlib.suppress(OSError):
                self._watch = ServerWatch(self._server)

    @contextlib.contextmanager
    def errors_of(self, command: ShellV2 | ShellV1) -> Iterator[None]:
        """Map what goes wrong with a command's stream; a deadline is a lost phone.

        Raises:
            DeviceLostError: The phone or the server went away, or does not answer.
            Cancelled: The cancel event was set.
        """
        try:
            with self.mapped(command):
                yield
        except DeadlinePassed:
            raise self._why_lost(
                lost(self._device_id, "did not answer in time"), command
            ) from None

    def check_finished(self, command: ShellV2 | ShellV1) -> None:
        """See that a command's stream did not end before the command.

        Raises:
            DeviceLostError: It did.
        """
        if not command.finished:
            raise self._why_lost(
                lost(self._device_id, "went away in the middle of a command"), command
            )

    @contextlib.contextmanager
    def mapped(self, command: ShellV2 | ShellV1) -> Iterator[None]:
        """Map what goes wrong with a command's stream, but for its deadline.

        Raises:
            DeviceLostError: The phone or the server went away.
            Cancelled: The cancel event was set.
        """
        try:
            with adb_errors(self._device_id):
                yield
        except StopRequested:
            raise Cancelled(
                self._device_id, "stopped", "Its program was ended"
            ) from None
        except DeviceLostError as error:
            raise self._why_lost(error, command) from error

    def _why_lost(
        self, error: DeviceLostError, command: ShellV2 | ShellV1
    ) -> DeviceLostError:
        """Add what the command had printed, and whether it was the server that went."""
        printed = (command.stdout + command.stderr).decode(errors="replace")
        tail = printed[-_TAIL_CHARACTERS:].strip()
        until_then = f"; until then it printed: {tail}" if tail else ""
        if self._watch.ended(within_s=_SERVER_DEATH_S):
            fact = f"the adb server at {self._server} was ended in the middle"
            return server_gone(self._device_id, fact + until_then)
        if not until_then:
            return error
        return DeviceLostError(
            self._device_id, error.fact + until_then, error.next_step, error.reason
        )


class StartedCommand:
    """A command that runs while something else is done; see `AdbShell.started`."""

    def __init__(
        self,
        errors: CommandErrors,
        stream: AdbStream,
        command: ShellV2 | ShellV1,
        cancel: threading.Event | None,
    ) -> None:
        """Take what the shell has opened."""
        self._errors = errors
        self._stream = stream
        self._command = command
        self._cancel = cancel
        self._began_ns = time.perf_counter_ns()

    def prints(self, line: bytes, *, timeout_s: float) -> bool:
        """Wait until it prints a line; False when it ends without.

        Raises:
            DeviceLostError: The phone went away or does not answer.
            Cancelled: The cancel event was set.
        """
        self._stream.limits = Limits.of(timeout_s, self._cancel)
        command = self._command
        with self._errors.errors_of(command):
            while line not in command.stdout.splitlines():
                if command.finished or not (data := self._stream.receive()):
                    break
                command.feed(data)
            else:
                return True
        self._errors.check_finished(command)
        return False

    def send_line(self, line: bytes) -> None:
        """Write a line to its input, which one that has ended by now does not need."""
        if isinstance(self._command, ShellV2):
            with contextlib.suppress(OSError):
                self._stream.send(self._command.input(line))

    def finish(self, *, timeout_s: float) -> CommandResult:
        """Wait for its end.

        Raises:
            DeviceLostError: The phone went away or does not answer.
            Cancelled: The cancel event was set.
        """
        self._stream.limits = Limits.of(timeout_s, self._cancel)
        with self._errors.errors_of(self._command):
            read_to_end(self._stream, self._command)
        self._errors.check_finished(self._command)
        return result_of(self._command, self._began_ns, timed_out=False)


def result_of(
    command: ShellV2 | ShellV1, began_ns: int, *, timed_out: bool
) -> CommandResult:
    """What it printed, and its exit code or signal."""
    exit_code, signal = exit_of_shell(None if timed_out else command.exit_code)
    return CommandResult(
        stdout=command.stdout,
        stderr=command.stderr,
        exit_code=exit_code,
        signal=signal,
        timed_out=timed_out,
        pid=command.pid,
        duration_ns=time.perf_counter_ns() - began_ns,
    )


def read_to_end(stream: AdbStream, command: ShellV2 | ShellV1) -> None:
    """Feed a command from its stream until it is finished or the stream ends."""
    while not command.finished and (data := stream.receive()):
        command.feed(data)
