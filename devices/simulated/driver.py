"""Simulated phones as devices of a run: started, connected and ended by it."""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING

from pocketbench.bench.errors import Cancelled, DeviceUnavailableError, ToolMissingError
from pocketbench.bench.paths import working_folder
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.records.device import Claim, CoreCluster, DeviceInfo
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.private_server import any_private_server
from pocketbench.devices.android.adb.transports import list_transports
from pocketbench.devices.android.arm_cores import core_name
from pocketbench.devices.android.device import AndroidDevice, open_serial
from pocketbench.devices.simulated import profile
from pocketbench.devices.simulated.phone import namespace, translator
from pocketbench.devices.simulated.phone.names import REMEDY, is_taken
from pocketbench.devices.simulated.phone.system_root import chosen_root
from pocketbench.devices.simulated.running import running_phone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pocketbench.bench.records.device import DeviceState, LocalFile
    from pocketbench.devices.android.adb.program import AdbProgram
    from pocketbench.devices.android.adb.server import AdbServer
    from pocketbench.devices.simulated.profile import Profile

FAMILY = "simulated"

_TAKEN = f"A phone of this name is running already. {REMEDY}"
_CONNECT_TIMEOUT_S = 20.0
_POLL_S = 0.02


class SimulatedDriver:
    """Offers every profile as a phone; all phones of a driver share an adb server."""

    def __init__(self, *, progress: Callable[[str], None] | None = None) -> None:
        """Take a callback for one line about what takes long."""
        self._progress = progress
        self.claim = Claim()
        self._preinstalled: tuple[LocalFile, ...] = ()
        self._server = _SharedServer()
        self._until_opened = contextlib.ExitStack()
        """Holds the server from a check to the end of the next open device."""

    def discover(self) -> tuple[DeviceInfo, ...]:
        """One phone a profile; one whose name is taken by a running one is busy.

        Raises:
            ToolMissingError: This computer does not run Linux.
        """
        remedy = why_not()
        return tuple(
            describe(profile.load(name), state="no_permissions", remedy=remedy)
            if remedy
            else describe(profile.load(name), state="busy", remedy=_TAKEN)
            if is_taken(name)
            else describe(profile.load(name), state="ready")
            for name in profile.names()
        )

    def preinstall(self, objects: Sequence[LocalFile]) -> None:
        """Show these read-only in every phone that is opened from now on.

        Not where the root is Android's alone: there everything is pushed.
        """
        if chosen_root() == "host":
            self._preinstalled = tuple(objects)

    @contextlib.contextmanager
    def open(
        self, info: DeviceInfo, *, cancel: threading.Event
    ) -> Iterator[AndroidDevice]:
        """Start a phone, and drive it through the real adb until the context ends.

        Raises:
            DeviceUnavailableError: A phone of this name runs already.
            ToolMissingError: No adb, or no user namespaces.
        """
        name = info.id.removeprefix(f"{FAMILY}:")
        with (
            self._server.use() as (adb, server),
            self._until_opened,
            running_phone(name, preinstalled=self._preinstalled) as phone,
            connected(adb, server, phone.serial, device_id=info.id, cancel=cancel),
            open_serial(
                phone.serial,
                adb_host=server.host,
                adb_port=server.port,
                device_id=info.id,
                family=FAMILY,
                cancel=cancel,
                progress=self._progress,
                claim=self.claim,
                adb=adb,
            ) as device,
        ):
            yield device

    def check(self, info: DeviceInfo) -> None:
        """Start the phone and end it again, before anything is made for it.

        The adb server stays for the phone that is opened next.

        Raises:
            ToolMissingError: No adb works here, or no user namespaces.
            DeviceUnavailableError: A phone of this name runs already.
        """
        with contextlib.ExitStack() as stack:
            adb, server = stack.enter_context(self._server.use())
            name = info.id.removeprefix(f"{FAMILY}:")
            with (
                running_phone(name) as phone,
                connected(adb, server, phone.serial, device_id=info.id),
            ):
                pass
            self._until_opened = stack.pop_all()


class _SharedServer:
    """One private adb server, there while any phone uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._stack = contextlib.ExitStack()
        self._server: tuple[AdbProgram, AdbServer] | None = None

    @contextlib.contextmanager
    def use(self) -> Iterator[tuple[AdbProgram, AdbServer]]:
        """Start it for the first user, end it after the last."""
        with self._lock:
            if self._server is None:
                with contextlib.ExitStack() as stack:
                    home = stack.enter_context(working_folder())
                    self._server = stack.enter_context(any_private_server(home))
                    self._stack = stack.pop_all()
            started = self._server
            self._users += 1
        try:
            yield started
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._server = None
                    self._stack.close()


@contextlib.contextmanager
def connected(
    adb: AdbProgram,
    server: AdbServer,
    serial: str,
    *,
    device_id: str,
    cancel: threading.Event | None = None,
) -> Iterator[None]:
    """Have an adb server connect to a phone, and forget it at the end.

    Raises:
        DeviceUnavailableError: It does not become ready.
        Cancelled: The event was set while it was waited for.
    """
    _adb(adb, server, "connect", serial)
    try:
        deadline = time.monotonic() + _CONNECT_TIMEOUT_S
        # Neither the exit code of `adb connect` nor its text shows whether it worked.
        while True:
            states = {t.serial: t for t in list_transports(server)}
            transport = states.get(serial)
            if transport is not None and transport.state == "ready":
                break
            if cancel is not None and cancel.is_set():
                raise Cancelled(device_id, "stopped", "It was not ready yet")
            if time.monotonic() > deadline:
                raise DeviceUnavailableError(
                    device_id,
                    transport.state_words if transport else "adb cannot connect to it",
                    "Run again; if it stays so, please report it",
                    FailureReason.OFFLINE,
                )
            time.sleep(_POLL_S)
        yield
    finally:
        _adb(adb, server, "disconnect", serial)


def _adb(adb: AdbProgram, server: AdbServer, *words: str) -> None:
    run_to_end(*server.command(adb, *words), timeout_s=_CONNECT_TIMEOUT_S)


def why_not() -> str | None:
    """What to do before phones can be simulated here; `None`: they can.

    Raises:
        ToolMissingError: This computer does not run Linux.
    """
    if sys.platform != "linux":
        raise ToolMissingError(
            "simulated phones",
            "they are made of Linux namespaces, and this is not Linux",
            "Use the host, or a real phone over adb",
        )
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    tried = run_to_end(unshare, "--user", "--map-root-user", "--mount", "true")
    return None if tried.succeeded else namespace.HOW_TO_ALLOW


def describe(
    chosen: Profile, *, state: DeviceState, remedy: str | None = None
) -> DeviceInfo:
    """A phone described by its profile, before it runs."""
    identity = chosen.identity
    return DeviceInfo(
        id=f"{FAMILY}:{chosen.name}",
        family=FAMILY,
        name=chosen.title,
        state=state,
        remedy=remedy,
        manufacturer=identity.manufacturer,
        model=identity.model,
        soc=identity.soc,
        abis=(translator.abi_of(chosen),),
        libc="glibc" if chosen_root() == "host" else "none",
        clusters=tuple(
            CoreCluster(
                cpus=cluster.cpus,
                name=core_name(cluster.implementer, cluster.part),
                max_frequency_khz=cluster.max_frequency_khz,
                capacity=cluster.capacity,
            )
            for cluster in chosen.clusters
        ),
        core_count=sum(len(cluster.cpus) for cluster in chosen.clusters),
        ram_bytes=chosen.memory.total_kb * 1024,
        os_name="Android",
        os_version=identity.android,
        api_level=identity.api_level,
        build_fingerprint=identity.fingerprint,
        is_emulated=translator.is_translated(chosen),
        is_simulated=True,
        is_heatless=chosen.behaviour.heat is None,
        simulated_of=chosen.modelled_on,
        shares_host_cpu=True,
    )
