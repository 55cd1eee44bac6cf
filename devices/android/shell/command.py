"""A command on a phone while it runs: its stream read, and what it came to."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from pocketbench.bench.records.device import CommandResult, exit_of_shell
from pocketbench.devices.android.adb.stream import Limits
from pocketbench.devices.android.shell.v2 import ShellV2

if TYPE_CHECKING:
    import threading

    from pocketbench.devices.android.adb.stream import AdbStream
    from pocketbench.devices.android.shell.shell import AdbShell
    from pocketbench.devices.android.shell.v1 import ShellV1


class StartedCommand:
    """A command that runs while something else is done; see `AdbShell.started`."""

    def __init__(
        self,
        shell: AdbShell,
        stream: AdbStream,
        command: ShellV2 | ShellV1,
        cancel: threading.Event | None,
    ) -> None:
        """Take what the shell has opened."""
        self._shell = shell
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
        with self._shell.errors_of(command):
            while line not in command.stdout.splitlines():
                if command.finished or not (data := self._stream.receive()):
                    break
                command.feed(data)
            else:
                return True
        self._shell.check_finished(command)
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
        with self._shell.errors_of(self._command):
            read_to_end(self._stream, self._command)
        self._shell.check_finished(self._command)
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
