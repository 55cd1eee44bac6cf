"""A phone of DeviceFarmer (STF): leased, measured over its adb, and given back."""

from __future__ import annotations

import contextlib
import fnmatch
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from filelock import Timeout

from pocketbench.bench.errors import (
    DeviceError,
    DeviceUnavailableError,
    NoDeviceError,
    UsageError,
)
from pocketbench.bench.records.device import DeviceDriver, DeviceInfo
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.units import format_span
from pocketbench.devices.android.adb.server import ensure_running
from pocketbench.devices.android.reconnect import ask_server, wait_until_back
from pocketbench.devices.labs.leased_driver import LeasedDriver, drivers_beside
from pocketbench.devices.labs.leases import Lease, Restore, leased
from pocketbench.devices.labs.stf_api import StfApi, api_from_environment

_ANSWER_TIMEOUT_S = 60.0
_POLL_S = 5.0
"""Between two questions whether a phone has become free."""
_KEYS = {"model": ("model", "marketName"), "manufacturer": ("manufacturer",)}


class StfDriver(LeasedDriver):
    """The one phone of a lease, on the user's own adb server."""

    def __init__(self, api: StfApi, serial: str, address: str) -> None:
        """Take what was leased, and where its adb is."""
        super().__init__(f"{serial} is leased from STF", partial(api.has, serial))
        self._address = address

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """Have the adb server connect to it while the context goes on.

        Raises:
            DeviceUnavailableError: It does not answer.
        """
        ensure_running(self._server, self.adb)
        device_id, never = self._prefix + self._address, threading.Event()
        try:
            words = ask_server(
                self._server, f"host:connect:{self._address}", device_id, never
            )
            answers = wait_until_back(
                self._server,
                self._address,
                device_id=device_id,
                timeout_s=_ANSWER_TIMEOUT_S,
                cancel=never,
            )
            if answers is None:
                raise DeviceUnavailableError(
                    device_id,
                    f"the phone leased from STF does not answer ({words})",
                    "Add this computer's adb key in STF (Settings > Keys)",
                    FailureReason.OFFLINE,
                )
            yield
        finally:
            with contextlib.suppress(DeviceError):
                ask_server(
                    self._server, f"host:disconnect:{self._address}", device_id, never
                )

    def discover(self) -> tuple[DeviceInfo, ...]:
        """The leased phone alone."""
        wanted = self._prefix + self._address
        return tuple(info for info in super().discover() if info.id == wanted)


@contextlib.contextmanager
def open_stf(
    address: str, wait_s: float, say: Callable[[str], None]
) -> Iterator[Callable[[Any], DeviceDriver]]:
    """Lease a free phone: `stf:SERIAL`, `stf:model=Pixel 8`; gives its driver.

    Raises:
        NoDeviceError: None that matches is free, or became so in time.
        ServiceError: STF refused, or cannot be reached.
        UsageError: STF_URL and STF_TOKEN are not set.
    """
    api = api_from_environment()
    pattern = address.partition(":")[2] or "*"
    with contextlib.ExitStack() as stack:
        serial = _wait_for_phone(stack, api, pattern, wait_s, say)
        driver = StfDriver(api, serial, api.connect(serial))
        with driver.connected():
            yield drivers_beside(driver)


def give_back_stf(lease: Lease, restore: Restore | None) -> None:
    """End a killed run's lease, whose phone is on the user's own adb server.

    Raises:
        ServiceError: STF refused, or cannot be reached.
        UsageError: STF_URL names no server, or another one.
    """
    if restore is not None:
        restore(None)
    api = api_from_environment()
    if api.url != lease.url:
        raise UsageError("--lab stf", f"STF_URL is not {lease.url}", "Set it")
    api.release(lease.serial)


def _wait_for_phone(
    stack: contextlib.ExitStack,
    api: StfApi,
    pattern: str,
    wait_s: float,
    say: Callable[[str], None],
) -> str:
    """The serial of a phone that is ours until the stack is closed.

    Raises:
        NoDeviceError: None matches, or none was free in time.
    """
    deadline, is_said = time.monotonic() + wait_s, False
    while True:
        matching = [x for x in api.phones() if _matches(pattern, x)]
        serial = _take_free(stack, api, matching)
        if serial is not None:
            return serial
        left_s = deadline - time.monotonic()
        if not matching or left_s <= 0:
            waited = f" after {format_span(wait_s)}" if matching and wait_s else ""
            raise NoDeviceError(
                f"--lab stf:{pattern}",
                f"none of {len(matching)} phones that match is free{waited}"
                if matching
                else "no phone of STF matches",
                f"See {api.url} for what it has"
                + (", or wait longer for one: --wait 10m" if matching else ""),
            )
        if not is_said:
            say(f"Waiting up to {format_span(wait_s)} for a free phone of STF")
        is_said = True
        time.sleep(min(_POLL_S, left_s))


def _take_free(
    stack: contextlib.ExitStack, api: StfApi, phones: Sequence[dict[str, Any]]
) -> str | None:
    """Lease the first that is free; `None`: there is none."""
    for phone in filter(_is_free, phones):
        # Not on the stack before it is ours: a phone may be asked for again.
        with contextlib.ExitStack() as attempt:
            try:
                is_ours = attempt.enter_context(_leased(api, phone["serial"]))
            except Timeout:
                continue
            if is_ours:
                stack.enter_context(attempt.pop_all())
                return str(phone["serial"])
    return None


def _leased(api: StfApi, serial: str) -> contextlib.AbstractContextManager[bool]:
    lease = Lease(lab="stf", url=api.url, serial=serial)
    return leased(lease, partial(api.take, serial), partial(api.release, serial))


def _matches(pattern: str, phone: dict[str, Any]) -> bool:
    key, equals, value = pattern.partition("=")
    if equals and key in _KEYS:
        found = (str(phone.get(name) or "") for name in _KEYS[key])
        return value.casefold() in (text.casefold() for text in found)
    return fnmatch.fnmatchcase(phone["serial"], pattern)


def _is_free(phone: dict[str, Any]) -> bool:
    is_there = phone.get("present") and phone.get("ready")
    return bool(is_there and not phone.get("using") and not phone.get("owner"))
