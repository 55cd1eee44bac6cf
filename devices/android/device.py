"""An opened Android phone: ours alone until it is closed."""

from __future__ import annotations

import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING

from pocketbench.bench.errors import (
    DeviceError,
    DeviceLostError,
)
from pocketbench.bench.records.device import Claim
from pocketbench.devices.android.adb.errors import lost
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.android.adb.server import AdbServer
from pocketbench.devices.android.adb.transports import ready_transport
from pocketbench.devices.android.identification import is_still, read_identity
from pocketbench.devices.android.pinning import pin_to
from pocketbench.devices.android.push.free_space import DF_SCRIPT, parse_free_space
from pocketbench.devices.android.push.hubs import hub_of
from pocketbench.devices.android.push.objects import PhoneObjects
from pocketbench.devices.android.push.sending import ObjectSender
from pocketbench.devices.android.quiesce import TIMEOUT_S as QUIET_TIMEOUT_S
from pocketbench.devices.android.quiesce import (
    originals_needed,
    quiesce_phone,
    restore_phone,
)
from pocketbench.devices.android.reconnect import wait_until_back
from pocketbench.devices.android.shell.shell import AdbShell
from pocketbench.devices.android.system_log import (
    awaits_dump,
    lines_about,
    logged,
    unwrap_logged,
    window_command,
    with_lines,
)
from pocketbench.devices.conditions.probe import (
    boot_id_of,
    compose_probe,
    new_token,
    parse_probe,
)
from pocketbench.devices.device_lock import device_lock

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pocketbench.bench.records.conditions import Conditions, Missing
    from pocketbench.bench.records.device import (
        CommandResult,
        DeviceFile,
        DeviceInfo,
        LocalFile,
        ScreenWish,
    )
    from pocketbench.bench.records.logcat import LogLine
    from pocketbench.devices.android.adb.program import AdbProgram
    from pocketbench.devices.android.identification import Identity

logger = logging.getLogger(__name__)

_CONDITIONS_TIMEOUT_S = 20.0
_DF_TIMEOUT_S = 20.0
_LOG_TIMEOUT_S = 20.0
_LEASE_PROPERTY = "ro.pocketbench.lease"


class AndroidDevice:
    """A phone behind an adb server; see `pocketbench.bench.records.device.Device`."""

    def __init__(
        self,
        info: DeviceInfo,
        serial: str,
        server: AdbServer,
        shell: AdbShell,
        objects: PhoneObjects,
        *,
        properties: Mapping[str, str],
        boot_id: str,
        cancel: threading.Event,
    ) -> None:
        """Take what `open_serial` has found out."""
        self._info = info
        self._serial = serial
        self._server = server
        self._shell = shell
        self._objects = objects
        self._properties = properties
        self._boot_id = boot_id
        self._cancel = cancel
        self._is_restored = True

    @property
    def info(self) -> DeviceInfo:
        """What is known of it."""
        return self._info

    @property
    def properties(self) -> Mapping[str, str]:
        """All of `getprop`, as it was when the phone was opened."""
        return self._properties

    def push(self, objects: Sequence[LocalFile]) -> tuple[DeviceFile, ...]:
        """Put files on the phone that it lacks; one round trip when it lacks none.

        Raises:
            PushError: With the phone's own reason; a full disk is DISK_FULL.
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set.
        """
        return self._objects.put(objects)

    def lacking(self, objects: Sequence[LocalFile]) -> tuple[LocalFile, ...]:
        """Those of some files that `push` would have to send; one round trip.

        Raises:
            PushError: With the phone's own reason.
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set.
        """
        return self._objects.lacking(objects)

    def make_room(self, size_bytes: int, keep: Sequence[LocalFile]) -> int:
        """Remove what was pushed and not used for longest; gives the bytes removed.

        Raises:
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set.
        """
        return self._objects.make_room(size_bytes, keep)

    def clean(self) -> int:
        """Remove all that was ever pushed; gives the bytes removed.

        Settings that a killed run left changed are put back first: the only record of
        the originals is among what is removed.

        Raises:
            DeviceUnavailableError: They cannot be put back; nothing was removed.
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set.
        """
        if not self.restore():
            raise originals_needed(self._info.id)
        return self._objects.clean()

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        cores: Sequence[int] = (),
        host_cpus: Sequence[int] = (),
        log_tag: str | None = None,
        grace_s: float = 0.0,
    ) -> CommandResult:
        """Run a command in one round trip; at the deadline kill it by its pid.

        A simulated phone has a property that says how to pin to cores of this computer;
        on any other, `host_cpus` means nothing.

        Raises:
            DeviceLostError: The phone went away; its partial output is in the text.
            Cancelled: The cancel event was set; the command is ended.
        """
        words = self._leased((*pin_to(self._info, cores), *argv), host_cpus)
        if log_tag is None:
            return self._shell.run(words, timeout_s=timeout_s, env=env, grace_s=grace_s)
        token = new_token()
        words = logged(words, token=token, tag=log_tag)
        # Its own shell reads the log after it, so it cannot be asked to end alone.
        done = self._shell.run(words, timeout_s=timeout_s, env=env)
        return unwrap_logged(done, token=token)

    def with_log(self, result: CommandResult) -> CommandResult:
        """Add what the log says about a command that has just failed, where readable.

        One round trip, two where a crash is still being written down.

        Raises:
            Cancelled: The cancel event was set.
        """
        if result.pid is None:
            return result
        try:
            lines = self._log_about(result, result.pid)
            if awaits_dump(lines):
                lines = self._log_about(result, result.pid, again=True)
        except DeviceLostError as error:
            logger.debug("%s: its log was not read: %s", self._info.id, error)
            return result
        return with_lines(result, lines)

    def _log_about(
        self, result: CommandResult, pid: int, *, again: bool = False
    ) -> tuple[LogLine, ...]:
        command = window_command(result, again=again)
        done = self._shell.run(command, timeout_s=_LOG_TIMEOUT_S)
        return lines_about(done.stdout, pid)

    def _leased(self, argv: Sequence[str], host_cpus: Sequence[int]) -> list[str]:
        lease = self._properties.get(_LEASE_PROPERTY)
        if lease and host_cpus:
            return [lease, ",".join(str(cpu) for cpu in host_cpus), *argv]
        return list(argv)

    def conditions(self) -> Conditions:
        """Everything that bends a number, in one round trip.

        A phone that does not answer in time gives what came until then.

        Raises:
            DeviceLostError: The phone went away, or was restarted since it was opened.
            Cancelled: The cancel event was set.
        """
        token = new_token()
        done = self._shell.run(
            ["sh", "-c", compose_probe(token)], timeout_s=_CONDITIONS_TIMEOUT_S
        )
        output = done.stdout.decode("utf-8", "replace")
        boot_id = boot_id_of(output)
        if boot_id != self._boot_id and boot_id and self._boot_id:
            # Also where adb was connected again before anyone noticed.
            raise lost(self._info.id, "restarted (its boot id changed)")
        return parse_probe(output, token)

    def free_bytes(self) -> int | Missing:
        """How much room there is for files.

        Raises:
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set.
        """
        done = self._shell.run(["sh", "-c", DF_SCRIPT], timeout_s=_DF_TIMEOUT_S)
        return parse_free_space(done.stdout.decode("utf-8", "replace"))

    @contextlib.contextmanager
    def quiesced(self, screen: ScreenWish = "on") -> Iterator[tuple[str, ...]]:
        """Quiesce the phone until the context ends; see `quiesce`.

        Gives in words what was changed. It is put back even when the run is stopped;
        where that cannot be done any more, by the next run.

        Raises:
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set.
        """
        self._is_restored = False
        try:
            run = partial(self._shell.run, timeout_s=QUIET_TIMEOUT_S)
            yield quiesce_phone(run, screen)
        finally:
            self.restore()

    @property
    def is_restored(self) -> bool:
        """Whether nothing of what this run changed is left to put back."""
        return self._is_restored

    def restore(self) -> bool:
        """Put back what a run has changed; return whether everything is."""
        self._is_restored = False
        # Through a shell of its own, which a stopped run does not stop.
        try:
            with contextlib.closing(
                AdbShell(
                    self._server, self._serial, device_id=self._info.id, cancel=None
                )
            ) as shell:
                run = partial(shell.run, timeout_s=QUIET_TIMEOUT_S)
                self._is_restored, words = restore_phone(run)
        except DeviceError as error:
            logger.warning("%s: settings not put back yet: %s", self._info.id, error)
        else:
            logger.debug("%s: %s", self._info.id, "; ".join(words))
        return self._is_restored

    def wait_until_back(self, timeout_s: float) -> bool:
        """After a `DeviceLostError`: wait until the same phone answers again.

        The lock is kept meanwhile, and afterwards the device is used as before.

        Raises:
            Cancelled: The cancel event was set.
        """
        found = wait_until_back(
            self._server,
            self._serial,
            device_id=self._info.id,
            timeout_s=timeout_s,
            cancel=self._cancel,
        )
        return found == self._properties.get("ro.serialno", "")


@contextlib.contextmanager
def open_serial(
    serial: str,
    *,
    adb_host: str,
    adb_port: int,
    device_id: str,
    family: str,
    cancel: threading.Event,
    progress: Callable[[str], None] | None = None,
    claim: Claim | None = None,
    adb: AdbProgram | None = None,
    known: Identity | None = None,
) -> Iterator[AndroidDevice]:
    """Take exclusive use of a phone by adb's name for it.

    Args:
        serial: Its serial, or its USB port where several phones have one serial.
        adb_host: Where its adb server listens.
        adb_port: The same.
        device_id: For records and errors.
        family: `android` or `simulated`.
        cancel: Ends what runs on it.
        progress: Called with one line about what takes long.
        claim: Whose run uses it, and how long it waits for another.
        adb: The program that pushes; `None`: the one that is found.
        known: Who answered there before: asked only whether it is the same still.

    Raises:
        DeviceUnavailableError: Not there, unauthorized, offline, or in use.
        DeviceLostError: It went away while it was opened.
        ToolMissingError: There is no adb program.
    """
    server = AdbServer(adb_host, adb_port)
    hub = hub_of(ready_transport(server, serial, device_id).usb_path)
    adb, claim = adb or find_adb(), claim or Claim()
    with contextlib.closing(
        AdbShell(server, serial, device_id=device_id, cancel=cancel)
    ) as shell:
        if known is None or not is_still(known, shell):
            known = read_identity(
                shell, device_id=device_id, family=family, serial=serial
            )
        info = known.info
        assert info.serial_hash is not None
        with device_lock(device_id, info.serial_hash, claim, cancel):
            sender = ObjectSender(
                shell,
                server.command(adb, "-s", serial),
                device_id=device_id,
                api_level=info.api_level,
                hub=hub and f"{server}-{hub}",
                pushes_per_hub=claim.pushes_per_hub,
                cancel=cancel,
            )
            objects = PhoneObjects(
                shell, sender, device_id=device_id, progress=progress
            )
            yield AndroidDevice(
                info,
                serial,
                server,
                shell,
                objects,
                properties=known.properties,
                boot_id=known.boot_id,
                cancel=cancel,
            )
