"""Android phones and emulators: whatever an adb server lists."""

from __future__ import annotations

import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pocketbench.bench.errors import (
    DeviceError,
    DeviceLostError,
    DeviceUnavailableError,
)
from pocketbench.bench.records.device import Claim, DeviceInfo
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.program import AdbProgram, find_adb
from pocketbench.devices.android.adb.server import (
    AdbServer,
    ensure_running,
    server_from_environment,
)
from pocketbench.devices.android.adb.transports import Transport, list_transports
from pocketbench.devices.android.device import AndroidDevice, open_serial
from pocketbench.devices.android.identification import Identity, read_identity
from pocketbench.devices.android.reconnect import wait_until_back
from pocketbench.devices.android.shell.shell import AdbShell
from pocketbench.devices.device_lock import serial_hash, with_holders

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

    from pocketbench.bench.records.device import DeviceState

logger = logging.getLogger(__name__)

__all__ = ["AndroidDevice", "AndroidDriver", "open_serial"]

_AT_ONCE = 16
_BACK_TIMEOUT_S = 90.0
"""A phone may have rebooted."""


class AndroidDriver:
    """Finds and opens the phones of one adb server: the user's own by default."""

    def __init__(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        """Choose the adb server.

        Args:
            host: `None`: ANDROID_ADB_SERVER_HOST, then this computer.
            port: `None`: ANDROID_ADB_SERVER_PORT, then 5037.
            progress: Called with one line about what takes long.

        Raises:
            UsageError: ANDROID_ADB_SERVER_PORT is not a port.
        """
        self._server = server_from_environment(host, port)
        self._progress = progress
        self.claim = Claim()
        self._adb: AdbProgram | None = None
        self._lost: set[str] = set()
        self._found: dict[str, Identity] = {}
        elsewhere = "" if self._server.is_local else f"@{self._server}"
        self._prefix = f"android{elsewhere}:"

    @property
    def server(self) -> AdbServer:
        """Where the adb server listens."""
        return self._server

    @property
    def adb(self) -> AdbProgram:
        """The adb program that is used.

        Raises:
            ToolMissingError: There is none.
        """
        if self._adb is None:
            self._adb = find_adb()
        return self._adb

    def discover(self) -> tuple[DeviceInfo, ...]:
        """Every phone that the server lists, one entry per phone, with its state.

        Starts the user's adb server as `adb devices` would when none runs.

        Raises:
            ToolMissingError: No adb, or a server of another version runs.
        """
        ensure_running(self._server, self.adb)
        transports = list_transports(self._server)
        # Side by side, so that a phone that hangs keeps no other waiting.
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            infos = list(pool.map(self._describe, transports))
        return with_holders(one_entry_per_phone(infos))

    def _describe(self, transport: Transport) -> DeviceInfo:
        device_id = self._prefix + transport.name
        if transport.state != "ready":
            return _unready(device_id, transport, transport.state, transport.remedy)
        try:
            with contextlib.closing(
                AdbShell(self._server, transport.name, device_id=device_id, cancel=None)
            ) as shell:
                found = read_identity(
                    shell,
                    device_id=device_id,
                    family="android",
                    serial=transport.name,
                )
                self._found[transport.name] = found
                return found.info
        except DeviceError as error:
            logger.info("%s", error)
            state = _STATE_OF.get(error.reason, "unknown")
            return _unready(device_id, transport, state, error.next_step)

    @contextlib.contextmanager
    def open(
        self, info: DeviceInfo, *, cancel: threading.Event
    ) -> Iterator[AndroidDevice]:
        """Take exclusive use of a phone.

        A phone that this driver lost is waited for a while when it is opened again.

        Raises:
            DeviceUnavailableError: Unauthorized, offline, in use, or another phone
                than the one that was found.
        """
        serial = info.id.removeprefix(self._prefix)
        if serial in self._lost:
            self._lost.discard(serial)
            wait_until_back(
                self._server,
                serial,
                device_id=info.id,
                timeout_s=_BACK_TIMEOUT_S,
                cancel=cancel,
            )
        try:
            with open_serial(
                serial,
                adb_host=self._server.host,
                adb_port=self._server.port,
                device_id=info.id,
                family=info.family,
                cancel=cancel,
                progress=self._progress,
                claim=self.claim,
                known=self._found.get(serial),
            ) as device:
                self._check_same(info, device.info)
                yield device
        except DeviceLostError:
            self._lost.add(serial)
            raise

    @staticmethod
    def _check_same(found: DeviceInfo, opened: DeviceInfo) -> None:
        if found.serial_hash and found.serial_hash != opened.serial_hash:
            raise DeviceUnavailableError(
                found.id,
                f"another phone answers there now ({opened.name})",
                "See `pocketbench devices` for where the phone is",
                FailureReason.OFFLINE,
            )


_STATE_OF: dict[FailureReason, DeviceState] = {
    FailureReason.UNAUTHORIZED: "unauthorized",
    FailureReason.OFFLINE: "offline",
    FailureReason.DEVICE_LOST: "offline",
}


def _unready(
    device_id: str, transport: Transport, state: DeviceState, remedy: str | None
) -> DeviceInfo:
    model = transport.model.replace("_", " ") if transport.model else None
    return DeviceInfo(
        id=device_id,
        family="android",
        name=model or transport.serial,
        state=state,
        remedy=remedy,
        serial_hash=serial_hash(transport.name) if transport.is_usb else None,
        model=model,
        transport="usb" if transport.is_usb else f"tcp {transport.serial}",
    )


def one_entry_per_phone(infos: Iterable[DeviceInfo]) -> tuple[DeviceInfo, ...]:
    """Drop the second way to a phone that is reached twice; USB is preferred.

    A phone is known by its own serial and its build, not by adb's name for it:
    `adb connect localhost` and `127.0.0.1` are two names of one phone.
    """
    chosen: dict[object, DeviceInfo] = {}
    for info in infos:
        # Phones that share a serial differ in this hash, which then holds their port.
        key: object = (info.serial_hash, info.build_fingerprint)
        if info.state != "ready":
            key = info.id
        known = chosen.get(key)
        if known is None or (_on_usb(info) and not _on_usb(known)):
            chosen[key] = info
        if known is not None:
            logger.info("%s and %s are one phone", known.id, info.id)
    return tuple(chosen.values())


def _on_usb(info: DeviceInfo) -> bool:
    return (info.transport or "").startswith("usb")
