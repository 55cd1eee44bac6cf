"""What is to be measured on one device."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pocketbench.bench.measure.runner_binding import RunnerBinding
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.plan import Variant

if TYPE_CHECKING:
    from pocketbench.bench.measure.context import RunContext
    from pocketbench.bench.records.launch import Failure, Launch
    from pocketbench.bench.records.run import DeviceReady


class DeviceJob:
    """What is to be measured on one device, and with which programs."""

    def __init__(
        self,
        selected: SelectedDevice,
        bindings: Sequence[RunnerBinding],
        *,
        models: Mapping[str, tuple[Variant, ...]],
        artifacts: Mapping[tuple[str, str], Artifact],
        deadline: float | None = None,
    ) -> None:
        """Take the models in order; an artifact's key is (model, variant name).

        Each artifact's format is one that a binding loads. No block begins after the
        deadline, which is of the monotonic clock.
        """
        self.selected = selected
        self.bindings = tuple(bindings)
        self.models = models
        self.artifacts = artifacts
        self.deadline = deadline

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def with_bindings(self, bindings: Sequence[RunnerBinding]) -> DeviceJob:
        """The same with other programs."""
        return DeviceJob(
            self.selected,
            bindings,
            models=self.models,
            artifacts=self.artifacts,
            deadline=self.deadline,
        )

    def limited(self, models: Collection[str], deadline: float | None) -> DeviceJob:
        """The same device and programs with fewer models, and until a deadline."""
        return DeviceJob(
            self.selected,
            self.bindings,
            models={name: self.models[name] for name in self.models if name in models},
            artifacts=self.artifacts,
            deadline=deadline,
        )


class JobSession(ABC):
    """Measures one job; its records are all it leaves behind."""

    def __init__(self, run: RunContext, job: DeviceJob) -> None:
        """Begin with the device as it was found."""
        self._run = run
        self._job = job
        self._info = job.selected.info

    def run(self) -> None:
        """Measure everything that is missing; a failure is a record, not an error.

        Raises:
            Cancelled: The user asked to stop.
        """
        pending = self._pending()
        self._run.observer.device_started(self._info, pending)
        try:
            if pending and not self._job.is_over:
                self._run_until_done()
        finally:
            self._run.observer.device_finished(self._info)

    @property
    def gave_up(self) -> bool:
        """Whether it ended although there was more to do."""
        return bool(self._pending()) and not self._job.is_over

    @abstractmethod
    def _pending(self) -> int:
        """How many launches are missing."""

    @abstractmethod
    def _run_until_done(self) -> None:
        """Measure what is missing, as long as the device allows it."""


@runtime_checkable
class SupportsSession(Protocol):
    """A driver whose devices another host opens: it measures their jobs itself."""

    def session(
        self,
        run: RunContext,
        job: DeviceJob,
        launches: tuple[Launch, ...],
        failures: tuple[Failure, ...],
        devices: tuple[DeviceReady, ...],
    ) -> JobSession:
        """What measures a job there and stores its records here."""
        ...
