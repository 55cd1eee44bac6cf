"""Phones of a lease, on an adb server that reaches them while it lasts."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pocketbench.bench import registry
from pocketbench.bench.errors import DeviceError, DeviceUnavailableError, ServiceError
from pocketbench.bench.records.device import DeviceDriver, DeviceInfo
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.driver import AndroidDevice, AndroidDriver

logger = logging.getLogger(__name__)


class LeasedDriver(AndroidDriver):
    """Finds and opens them, and knows a lease that is lost from a phone that is."""

    def __init__(
        self,
        subject: str,
        is_leased: Callable[[], bool],
        *,
        host: str | None = None,
        port: int | None = None,
    ) -> None:
        """Take what a lost lease is said of, how it is known, and the adb server."""
        super().__init__(host=host, port=port)
        self._subject, self._is_leased = subject, is_leased

    @contextlib.contextmanager
    def open(
        self, info: DeviceInfo, *, cancel: threading.Event
    ) -> Iterator[AndroidDevice]:
        """Take exclusive use of a phone while it is still leased.

        Raises:
            DeviceUnavailableError: The lease is lost, or as of any phone.
        """
        try:
            self._check_leased(info)
            with super().open(info, cancel=cancel) as device:
                yield device
        except DeviceError as error:
            if error.reason is not FailureReason.LEASE_LOST:
                self._check_leased(info)
            raise

    def _check_leased(self, info: DeviceInfo) -> None:
        try:
            is_ours = self._is_leased()
        except ServiceError as error:
            # The phone itself may answer all the same.
            logger.info("%s", error)
            return
        if not is_ours:
            reason = FailureReason.LEASE_LOST
            raise DeviceUnavailableError(
                info.id, f"{self._subject} no more", reason.remedy, reason
            )


def drivers_beside(driver: AndroidDriver) -> Callable[[Any], DeviceDriver]:
    """What makes drivers: this one for Android, this computer's own for the rest."""
    return lambda selector: (
        driver
        if selector.family == "android"
        else registry.load(registry.DEVICES, "device family", selector.family)()
    )
