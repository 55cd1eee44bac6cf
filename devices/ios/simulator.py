"""iOS simulators of this Mac: plain programs started with `simctl spawn`."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pocketbench.bench.errors import Cancelled, DeviceLostError, DeviceUnavailableError
from pocketbench.bench.paths import replace_link, state_dir
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.records.device import Claim
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.device_lock import device_lock, with_holders
from pocketbench.devices.host import HostDevice
from pocketbench.devices.ios.simctl import (
    parse_simulators,
    says_not_booted,
    with_signal,
)
from pocketbench.devices.ios.tools import find_xcrun, last_output_line, run_tool

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    from pocketbench.bench.records.device import (
        CommandResult,
        DeviceFile,
        DeviceInfo,
        LocalFile,
    )

logger = logging.getLogger(__name__)

_LIST_TIMEOUT_S = 60.0
_BOOT_TIMEOUT_S = 300.0
"""A first boot migrates data, which takes minutes on an old Mac."""


class SimulatorDriver:
    """Finds the simulators of the chosen Xcode, boots and shuts down its own."""

    def __init__(self) -> None:
        """Wait for nobody."""
        self.claim = Claim()

    def discover(self) -> tuple[DeviceInfo, ...]:
        """Every iOS simulator; booted or not, it is ready.

        Raises:
            ToolMissingError: There is no Xcode.
            DeviceUnavailableError: simctl does not answer.
        """
        return with_holders(info for info, _ in _list(find_xcrun()))

    @contextlib.contextmanager
    def open(
        self, info: DeviceInfo, *, cancel: threading.Event
    ) -> Iterator[SimulatorDevice]:
        """Take a simulator; what was shut down is booted, and shut down again.

        Raises:
            DeviceUnavailableError: In use, gone, or it does not boot.
        """
        xcrun, udid = find_xcrun(), info.id.partition(":")[2]
        assert info.serial_hash is not None
        with (
            device_lock(info.id, info.serial_hash, self.claim, cancel),
            _booted(xcrun, udid, info.id, cancel),
        ):
            yield SimulatorDevice(info, xcrun, udid, cancel)


class SimulatorDevice:
    """A booted simulator: files are the Mac's, programs are simctl's children."""

    def __init__(
        self, info: DeviceInfo, xcrun: str, udid: str, cancel: threading.Event
    ) -> None:
        """Take what `SimulatorDriver.open` hands over."""
        self._info = info
        self._xcrun = xcrun
        self._udid = udid
        self._host = HostDevice(info, cancel)

    @property
    def info(self) -> DeviceInfo:
        """What is known of it."""
        return self._info

    def push(self, objects: Sequence[LocalFile]) -> tuple[DeviceFile, ...]:
        """Say where the files are: a simulator reads the Mac's.

        Raises:
            PushError: A file is gone or has changed.
        """
        return self._host.push(objects)

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
        """Spawn a program in the simulator, and see that it has ended when we have.

        Raises:
            DeviceLostError: The simulator was shut down meanwhile.
            Cancelled: The cancel event was set; the program is ended.
        """
        program = self._own_name(Path(argv[0]))
        try:
            done = self._host.run(
                [
                    *(self._xcrun, "simctl", "spawn", self._udid),
                    *(str(program), *argv[1:]),
                ],
                timeout_s=timeout_s,
                env={f"SIMCTL_CHILD_{key}": text for key, text in (env or {}).items()},
                host_cpus=host_cpus,
            )
        except Cancelled:
            _end(program)
            raise
        if done.timed_out:
            _end(program)
        if says_not_booted(done):
            reason = FailureReason.NOT_BOOTED
            raise DeviceLostError(
                self._info.id,
                "the simulator was shut down while it was measured",
                reason.remedy,
                reason,
            )
        # The pid is simctl's, which says nothing about the program.
        return msgspec.structs.replace(with_signal(done), pid=None)

    def conditions(self) -> None:
        """None: a simulator has none, and what bends its numbers is the Mac's."""

    def _own_name(self, program: Path) -> Path:
        """A path of the program that only this simulator's processes have.

        simctl's child is not ours and outlives a killed simctl; by this name, which
        holds the UDID, it is found without ending another simulator's.
        """
        name = state_dir() / "ios-simulators" / self._udid / program.name
        name.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            if name.readlink() == program:
                return name
        replace_link(name, program)
        return name


@contextlib.contextmanager
def _booted(
    xcrun: str, udid: str, device_id: str, cancel: threading.Event
) -> Iterator[None]:
    """Have it booted; only what was booted here is shut down again.

    Raises:
        DeviceUnavailableError: It is gone or does not boot.
    """
    states = {info.id: state for info, state in _list(xcrun)}
    if device_id not in states:
        raise _not_booted(device_id, "simctl does not list it any more")
    if states[device_id] == "Booted":
        yield
        return
    started = run_tool(
        [xcrun, "simctl", "boot", udid],
        subject=device_id,
        timeout_s=_BOOT_TIMEOUT_S,
        cancel=cancel,
    )
    # Somebody may have been quicker; then it is theirs to shut down.
    is_ours = started.exit_code == 0
    if not is_ours and b"current state: Boot" not in started.stderr:
        raise _not_booted(device_id, f"it does not boot: {last_output_line(started)}")
    try:
        waited = run_tool(
            [xcrun, "simctl", "bootstatus", udid],
            subject=device_id,
            timeout_s=_BOOT_TIMEOUT_S,
            cancel=cancel,
        )
        if waited.exit_code != 0:
            raise _not_booted(
                device_id, f"it does not boot: {last_output_line(waited)}"
            )
        yield
    finally:
        if is_ours:
            done = run_tool(
                [xcrun, "simctl", "shutdown", udid],
                subject=device_id,
                timeout_s=_LIST_TIMEOUT_S,
            )
            if done.exit_code != 0:
                logger.info("%s: shutdown: %s", device_id, last_output_line(done))


def _list(xcrun: str) -> tuple[tuple[DeviceInfo, str], ...]:
    done = run_tool(
        [xcrun, "simctl", "list", "-j"],
        subject="ios-simulator",
        timeout_s=_LIST_TIMEOUT_S,
    )
    if done.exit_code != 0:
        raise DeviceUnavailableError(
            "ios-simulator",
            f"`simctl list` failed: {last_output_line(done)}",
            "Open Xcode once, so that it installs its components",
            FailureReason.OFFLINE,
        )
    return parse_simulators(done.stdout)


def _not_booted(device_id: str, fact: str) -> DeviceUnavailableError:
    reason = FailureReason.NOT_BOOTED
    return DeviceUnavailableError(device_id, fact, reason.remedy, reason)


def _end(program: Path) -> None:
    """Kill what runs under a name that `_own_name` made."""
    listed = run_to_end("ps", "-axww", "-o", "pid=,args=", timeout_s=20)
    for line in listed.stdout.splitlines():
        pid, _, args = line.strip().partition(" ")
        if f"{args.strip()} ".startswith(f"{program} "):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)
