"""What happens during a run, for whatever shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.device import DeviceInfo
    from pocketbench.bench.records.launch import Failure, Launch


class Observer:
    """Receives each step of a run and ignores it. Called from several threads."""

    def note(self, subject: str, text: str) -> None:
        """Something slow began or ended: an export, a build, a push."""

    def going_on_to(self, blocks: int) -> None:
        """Measuring begins, or goes on, until there are so many blocks."""

    def device_started(self, info: DeviceInfo, launches: int) -> None:
        """A device is about to be opened; it has so many launches before it."""

    def device_ready(self, info: DeviceInfo, sent_bytes: int) -> None:
        """A device holds all it needs."""

    def block_started(self, info: DeviceInfo, model: str, block: int) -> None:
        """A block begins."""

    def launch_started(self, info: DeviceInfo, model: str, variant_id: str) -> None:
        """A process is about to be started on a device."""

    def conditions_read(
        self, info: DeviceInfo, conditions: Conditions, *, at_s: float, of_s: float
    ) -> None:
        """A device was read while a program ran on it, so long into its time."""

    def launch_finished(self, info: DeviceInfo, launch: Launch) -> None:
        """A launch was measured and stored."""

    def launch_failed(self, info: DeviceInfo, failure: Failure) -> None:
        """A launch, a variant or a device failed; it is stored."""

    def device_finished(self, info: DeviceInfo) -> None:
        """Nothing more is to be done on a device."""
