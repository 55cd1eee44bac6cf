"""Launches beside the timed ones: what else is asked of each variant on each device."""

from __future__ import annotations

import abc
import concurrent.futures
import itertools
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.errors import DeviceError, LaunchError, PocketbenchError
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.faults import (
    MOST_IN_A_ROW,
    is_transient,
    wait_before_retry,
)
from pocketbench.bench.measure.runner_binding import needed_objects
from pocketbench.bench.measure.start_program import start_program

if TYPE_CHECKING:
    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import (
        CommandResult,
        Device,
        DeviceFile,
        LocalFile,
    )
    from pocketbench.bench.records.failure import FailureReason
    from pocketbench.bench.records.plan import Variant
    from pocketbench.bench.records.run import Record
    from pocketbench.bench.records.runner import Command, Runner

Installed = dict[str, "DeviceFile"]
"""By sha256."""


class Wanted(NamedTuple):
    """One variant of a model, as exported."""

    variant: Variant
    artifact: Artifact
    block: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What fails together, in whichever block."""
        return self.variant.model, self.variant.id


class AuxiliaryLaunches(abc.ABC):
    """Asks one thing of the variants on one device; an answer is a record."""

    def __init__(
        self, run: RunContext, job: DeviceJob, wanted: Iterable[Wanted]
    ) -> None:
        """Take what a session does, and what is still wanted of this device."""
        self._job = job
        self._info = job.selected.info
        self._run = run
        self._wanted = tuple(wanted)

    def run(self) -> None:
        """Store a record for each variant; a failure is a record, not an error.

        Raises:
            Cancelled: The user asked to stop.
        """
        first = {item.key: item for item in reversed(self._wanted)}
        can = {key for key, item in first.items() if self._is_possible(item)}
        possible = [item for item in self._wanted if item.key in can]
        if not possible:
            return
        for number in itertools.count(1):
            try:
                with self._job.selected.driver.open(
                    self._info, cancel=self._run.cancel
                ) as device:
                    self._info = device.info
                    with self._around(device):
                        self._ask_all(device, possible)
                return
            except DeviceError as error:
                if number < MOST_IN_A_ROW and is_transient(error):
                    wait_before_retry(self._run, self._info, number)
                    continue
                for item in {item.key: item for item in reversed(possible)}.values():
                    self._fail(item, error, reason=error.reason)
                return

    def _ask_all(self, device: Device, wanted: list[Wanted]) -> None:
        """Take one after the other from the list: the rest fails with the device."""
        objects = {x.sha256: x for x in self._objects(wanted)}
        installed = {x.sha256: x for x in device.push(tuple(objects.values()))}
        while wanted:
            try:
                self._run.store.append(self._ask(device, wanted[0], installed))
                del wanted[0]
            except LaunchError as error:
                failed = wanted[0]
                self._fail(failed, error, reason=error.reason)
                wanted[:] = [item for item in wanted if item.key != failed.key]

    def _objects(self, wanted: Sequence[Wanted]) -> Sequence[LocalFile]:
        """What the device must hold."""
        artifacts = [item.artifact for item in wanted]
        return needed_objects(self._job.bindings, artifacts)

    def _around(self, device: Device) -> AbstractContextManager[object]:
        """What holds while this device is asked."""
        return nullcontext()

    def _started(
        self,
        device: Device,
        runner: Runner,
        command: Command,
        *,
        threads: int,
        timeout_s: float,
        cores: Sequence[int] = (),
    ) -> CommandResult:
        """Run a program to its end, on leased cores where it runs on this computer's.

        Raises:
            DeviceLostError: The device went away.
            Cancelled: The user asked to stop.
        """
        leased = self._run.lease.for_program(
            runner, self._info, threads, self._run.cancel
        )
        with leased as cpus:
            return start_program(
                device, command, cores=cores, timeout_s=timeout_s, host_cpus=cpus
            )

    @abc.abstractmethod
    def _is_possible(self, item: Wanted) -> bool:
        """Return whether a variant can be asked; store it when it cannot."""

    @abc.abstractmethod
    def _ask(self, device: Device, item: Wanted, installed: Installed) -> Record:
        """Launch and read the answer.

        Raises:
            LaunchError: There is none.
            DeviceError: The device went away.
        """

    @abc.abstractmethod
    def _fail(
        self, item: Wanted, error: PocketbenchError, *, reason: FailureReason
    ) -> None:
        """Store that there is no answer."""


def ask_at_once(askers: Sequence[AuxiliaryLaunches]) -> None:
    """Ask all devices at the same time.

    Raises:
        Cancelled: The user asked to stop; what was running has been ended.
    """
    with concurrent.futures.ThreadPoolExecutor(
        max_workers=max(1, len(askers)), thread_name_prefix="untimed"
    ) as pool:
        for future in [pool.submit(asker.run) for asker in askers]:
            future.result()
