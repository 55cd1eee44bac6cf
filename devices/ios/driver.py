"""iPhones and iPads: an app that measures, started through devicectl."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from typing import TYPE_CHECKING

from pocketbench.bench.errors import DeviceUnavailableError, ToolMissingError
from pocketbench.bench.records.device import Claim
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.device_lock import device_lock, with_holders
from pocketbench.devices.ios.conditions import AppConditions, read_conditions
from pocketbench.devices.ios.links.devicectl import Devicectl, list_devices
from pocketbench.devices.ios.links.pymobiledevice3 import Pymobiledevice3, list_phones
from pocketbench.devices.ios.listing import parse_devicectl, parse_usbmux
from pocketbench.devices.ios.objects import AppObjects
from pocketbench.devices.ios.tools import (
    find_pymobiledevice3,
    last_output_line,
    run_tool,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence

    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.device import (
        CommandResult,
        DeviceFile,
        DeviceInfo,
        LocalFile,
    )
    from pocketbench.devices.ios.links.link import PhoneLink

logger = logging.getLogger(__name__)

_FIND_TIMEOUT_S = 30.0
_CONDITIONS_ARGUMENT = "--conditions"
"""Makes the app report the conditions only; see ios_runner/native/app.h."""
_CONDITIONS_TIMEOUT_S = 60.0
_FRESH_S = 3.0
"""How long the conditions of a launch count as current: starting the app takes a
second, and a cooldown asks every few seconds."""


class IosDriver:
    """Finds and opens iPhones through devicectl, else through pymobiledevice3."""

    def __init__(self) -> None:
        """Wait for nobody."""
        self.claim = Claim()

    def discover(self) -> tuple[DeviceInfo, ...]:
        """Every phone that is paired, attached or in reach, with its state.

        Raises:
            ToolMissingError: There is neither devicectl nor pymobiledevice3.
            DeviceError: The tool does not answer.
        """
        xcrun = _xcrun_with_devicectl()
        if xcrun is not None:
            return with_holders(parse_devicectl(list_devices(xcrun)))
        try:
            return with_holders(parse_usbmux(list_phones(find_pymobiledevice3())))
        except ValueError as error:
            raise DeviceUnavailableError(
                "ios",
                f"`pymobiledevice3 usbmux list` cannot be read ({error})",
                "Update it: `pipx upgrade pymobiledevice3`",
                FailureReason.OFFLINE,
            ) from error

    @contextlib.contextmanager
    def open(self, info: DeviceInfo, *, cancel: threading.Event) -> Iterator[IosDevice]:
        """Take exclusive use of a phone.

        Raises:
            DeviceUnavailableError: On entering: in use by another run.
            ToolMissingError: There is neither devicectl nor pymobiledevice3.
        """
        udid = info.id.partition(":")[2]
        xcrun = _xcrun_with_devicectl()
        link: PhoneLink
        if xcrun is not None:
            link = Devicectl(xcrun, udid, info.id, cancel)
        else:
            link = Pymobiledevice3(find_pymobiledevice3(), udid, info.id, cancel)
        assert info.serial_hash is not None
        with device_lock(info.id, info.serial_hash, self.claim, cancel):
            yield IosDevice(info, link)


class IosDevice:
    """A phone whose one program is the measuring app; see `records.device.Device`."""

    def __init__(self, info: DeviceInfo, link: PhoneLink) -> None:
        """Take what `IosDriver.open` hands over."""
        assert info.serial_hash is not None
        self._info = info
        self._link = link
        self._objects = AppObjects(link, info.id, info.serial_hash)
        self._reported = AppConditions()
        self._reported_at = 0.0

    @property
    def info(self) -> DeviceInfo:
        """What is known of it."""
        return self._info

    def push(self, objects: Sequence[LocalFile]) -> tuple[DeviceFile, ...]:
        """Install the app, which is one of the objects, and give it the others.

        Raises:
            PushError: With the phone's own reason; a full disk is DISK_FULL.
            DeviceUnavailableError: Locked, not paired, developer mode off ...
            DeviceLostError: The phone went away.
        """
        return self._objects.put(objects, self._note)

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
        """Launch the app afresh with these arguments and wait for its end.

        Args:
            argv: The app's bundle identifier, which is its path here, and arguments.
            timeout_s: Deadline for the whole launch.
            env: Added to the app's environment.
            cores: Cannot be chosen on this phone, like the next three.
            host_cpus: Has no effect.
            log_tag: Has no effect: the app prints its log itself.
            grace_s: Has no effect.

        Raises:
            LaunchError: The app ended without a word.
            DeviceUnavailableError: Locked, app deleted ...
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set; the app is ended.
        """
        app = self._objects.apps.get(argv[0])
        if app is None:
            reason = FailureReason.NOT_INSTALLED
            raise DeviceUnavailableError(
                self._info.id, f"{argv[0]} was not pushed", reason.remedy, reason
            )
        done = self._link.launch(
            app, tuple(argv[1:]), env=env or {}, timeout_s=timeout_s
        )
        self._note(done)
        return done

    def conditions(self) -> Conditions | None:
        """The conditions around the launch that just ended, else the app is started to
        report them; `None` while there is no app on the phone.

        Raises:
            DeviceUnavailableError: Locked, app deleted ...
            DeviceLostError: The phone went away.
            Cancelled: The cancel event was set.
        """
        parsed = self._reported.after or self._reported.before
        if parsed is not None and time.monotonic() - self._reported_at < _FRESH_S:
            return parsed
        for app in self._objects.apps.values():
            asked = self._link.launch(
                app, [_CONDITIONS_ARGUMENT], env={}, timeout_s=_CONDITIONS_TIMEOUT_S
            )
            self._note(asked)
            return self._reported.before
        return None

    def _note(self, done: CommandResult) -> None:
        self._reported = read_conditions(done.stdout)
        self._reported_at = time.monotonic()


def _xcrun_with_devicectl() -> str | None:
    """xcrun, when the chosen Xcode has devicectl (15 and newer)."""
    xcrun = shutil.which("xcrun")
    if xcrun is None:
        return None
    try:
        done = run_tool(
            [xcrun, "--find", "devicectl"], subject="ios", timeout_s=_FIND_TIMEOUT_S
        )
    except ToolMissingError:
        return None
    if done.exit_code != 0:
        logger.info("no devicectl: %s", last_output_line(done))
        return None
    return xcrun
