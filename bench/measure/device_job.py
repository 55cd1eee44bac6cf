"""What is to be measured on one device."""

from __future__ import annotations

import time
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


class Session(Protocol):
    """Measures one job."""

    @property
    def gave_up(self) -> bool:
        """Whether the device can measure no more in this run."""
        ...

    def run(self) -> None:
        """Measure everything that is missing; a failure is a record, not an error.

        Raises:
            Cancelled: The user asked to stop.
        """
        ...


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
    ) -> Session:
        """What measures a job there and stores its records here."""
        ...
