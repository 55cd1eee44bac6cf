"""Push files to a device and keep account of what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from pocketbench.bench.records.device import Device, DeviceFile, LocalFile


class Sender:
    """Pushes for one session: what it has sent once stays reported as sent.

    A device accounts for each call by itself, and the program is there before the
    models when it has to say what it can load.
    """

    def __init__(self) -> None:
        """Nothing is sent yet."""
        self._sent: set[str] = set()

    def push(
        self, device: Device, objects: Sequence[LocalFile]
    ) -> tuple[DeviceFile, ...]:
        """Make files be on a device.

        Raises:
            PushError: With the device's own reason.
            DeviceLostError: It went away.
            Cancelled: The run was stopped.
        """
        installed = device.push(objects)
        self._sent |= {item.sha256 for item in installed if item.origin == "sent"}
        return tuple(
            replace(item, origin="sent") if item.sha256 in self._sent else item
            for item in installed
        )
