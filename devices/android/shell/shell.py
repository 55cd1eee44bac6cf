"""Run commands on one phone through adb: deadline, cancel, the real exit code."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from pocketbench.bench.errors import DeviceError, UsageError
from pocketbench.devices.android.adb.errors import adb_errors
from pocketbench.devices.android.adb.stream import (
    SERVICE_LIMIT_BYTES,
    AdbStream,
    DeadlinePassed,
    Limits,
    StopRequested,
)
from pocketbench.devices.android.shell.command import (
    CommandErrors,
    StartedCommand,
    read_to_end,
    result_of,
)
from pocketbench.devices.android.shell.v1 import ShellV1
from pocketbench.devices.android.shell.v2 import ShellV2

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    from pocketbench.bench.records.device import CommandResult
    from pocketbench.devices.android.adb.server import AdbServer

logger = logging.getLogger(__name__)

FOLDER = "/data/local/tmp/pocketbench"
"""The only folder of a phone that we write to and delete in."""

_OLD_SERVICE_LIMIT_BYTES = 4000
"""adbd took 4096 bytes a message until Android 7."""
_KILL_TIMEOUT_S = 5.0
_PID_GRACE_S = 1.0
"""How long to wait for the pid of a command that is ended as soon as it starts."""
_GRACE_S = 3.0
"""How long a killed program's last words may take to arrive."""


class AdbShell:
    """Runs commands on one phone, each as one stream."""

    def __init__(
        self,
        server: AdbServer,
        serial: str,
        *,
        device_id: str,
        cancel: threading.Event | None,
    ) -> None:
        """Ask the server, not the phone, which shell the phone speaks.

        Raises:
            DeviceUnavailableError: The phone does not let us in.
            DeviceLostError: It is not there.
        """
        self._server = server
        self._client: Any = server.client()
        self._serial = serial
        self._device_id = device_id
        self._cancel = cancel
        self._errors = CommandErrors(server, device_id)
        try:
            with adb_errors(device_id):
                features = self._client.device(serial).get_features()
        except BaseException:
            self._errors.close()
            raise
        self.is_v2 = "shell_v2" in features.split(",")

    def close(self) -> None:
        """Let go of the server."""
        self._errors.close()

    @property
    def command_limit_bytes(self) -> int:
        """How long a command line may be, our own words around it taken off."""
        limit = SERVICE_LIMIT_BYTES if self.is_v2 else _OLD_SERVICE_LIMIT_BYTES
        return limit - 600

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        heed_cancel: bool = True,
        grace_s: float = 0.0,
    ) -> CommandResult:
        """Run a command and wait for it; at the deadline and on cancel kill it.

        Args:
            argv: The program and its arguments.
            timeout_s: Until it is killed.
            env: Added to its environment.
            heed_cancel: False for what tidies up after a cancel.
            grace_s: On cancel it is first asked to end, and is given so long for that;
                what it printed is returned if it does.

        Raises:
            DeviceLostError: The phone or the server went away; what was printed until
                then is in the text.
            Cancelled: The cancel event was set.
        """
        command = self._command(argv, env)
        began_ns = time.perf_counter_ns()
        limits = Limits.of(timeout_s, self._cancel if heed_cancel else None)
        timed_out = self._follow(command, limits, grace_s)
        return result_of(command, began_ns, timed_out=timed_out)

    @contextlib.contextmanager
    def started(
        self, argv: Sequence[str], *, timeout_s: float
    ) -> Iterator[StartedCommand]:
        """Start a command and leave it running while something else is done.

        It is killed by its pid when the context ends before it does.

        Args:
            argv: The program and its arguments.
            timeout_s: For the phone to start it.

        Raises:
            DeviceLostError: The phone or the server went away.
            Cancelled: The cancel event was set.
        """
        command = self._command(argv, None)
        self._errors.watch_again()
        with self._errors.errors_of(command):
            stream = AdbStream.to_phone(
                self._client,
                self._serial,
                command.service,
                Limits.of(timeout_s, self._cancel),
            )
        with stream:
            try:
                yield StartedCommand(self._errors, stream, command, self._cancel)
            finally:
                if not command.finished:
                    self._end(stream, command)

    def _command(
        self, argv: Sequence[str], env: Mapping[str, str] | None
    ) -> ShellV2 | ShellV1:
        command: ShellV2 | ShellV1
        command = ShellV2(argv, env) if self.is_v2 else ShellV1(argv, env, FOLDER)
        self._check_length(command.service)
        logger.debug("%s: %s", self._device_id, list(argv))
        return command

    def _check_length(self, service: str) -> None:
        size = len(service.encode("utf-8", "surrogateescape"))
        limit = SERVICE_LIMIT_BYTES if self.is_v2 else _OLD_SERVICE_LIMIT_BYTES
        if size > limit:
            raise UsageError(
                self._device_id,
                f"a command line of {size} bytes is longer than it takes ({limit})",
                "Use shorter paths or fewer inputs",
            )

    def _follow(
        self, command: ShellV2 | ShellV1, limits: Limits, grace_s: float
    ) -> bool:
        """Read a command to its end; whether its deadline ended it instead."""
        self._errors.watch_again()
        try:
            with (
                self._errors.mapped(command),
                AdbStream.to_phone(
                    self._client, self._serial, command.service, limits
                ) as stream,
            ):
                try:
                    read_to_end(stream, command)
                except (DeadlinePassed, StopRequested, KeyboardInterrupt) as why:
                    if not (
                        isinstance(why, StopRequested)
                        and grace_s > 0
                        and self._ended_when_asked(stream, command, grace_s)
                    ):
                        self._end(stream, command)
                        raise
        except DeadlinePassed:
            return True
        self._errors.check_finished(command)
        return False

    def _end(self, stream: AdbStream, command: ShellV2 | ShellV1) -> None:
        """Kill a command on the phone by its pid, and take its last words."""
        stream.limits = Limits.of(_PID_GRACE_S)
        with contextlib.suppress(DeadlinePassed, OSError):
            while command.pid is None and (data := stream.receive()):
                command.feed(data)
        if not command.victims:
            logger.warning("%s: nothing to kill, no pid was given", self._device_id)
        for victims in command.victims:
            self._kill(victims)
            stream.limits = Limits.of(_GRACE_S)
            with contextlib.suppress(DeadlinePassed, OSError):
                read_to_end(stream, command)

    def _ended_when_asked(
        self, stream: AdbStream, command: ShellV2 | ShellV1, grace_s: float
    ) -> bool:
        """Ask a program on the phone to end; whether it did in time."""
        if command.pid is None:
            return False
        self._kill(f"{command.pid}", "TERM")
        stream.limits = Limits.of(grace_s)
        with contextlib.suppress(DeadlinePassed, OSError):
            read_to_end(stream, command)
        return command.finished

    def _kill(self, victims: str, signal: str = "9") -> None:
        try:
            with (
                adb_errors(self._device_id),
                AdbStream.to_phone(
                    self._client,
                    self._serial,
                    f"shell:kill -{signal} {victims} 2>/dev/null",
                    Limits.of(_KILL_TIMEOUT_S),
                ) as stream,
            ):
                while stream.receive():
                    pass
        except (DeadlinePassed, DeviceError) as error:
            logger.warning("%s: %s was not killed: %s", self._device_id, victims, error)
