"""Which phone measures which models, where phones of one kind share them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pocketbench.bench.records.device_kind import interchangeable

if TYPE_CHECKING:
    from pocketbench.bench.measure.device_job import DeviceJob
    from pocketbench.bench.records.launch import Launch

Part = tuple[str, ...]
"""Models that are measured together, on one device."""


class SharedWork:
    """The models of interchangeable devices: each is measured whole on one of them.

    A device that is given up hands back what it has not finished, so those that have
    nothing left to do wait for the others.
    """

    def __init__(self, jobs: Sequence[DeviceJob], begun: Mapping[str, str]) -> None:
        """Take the jobs that share their models; those begun stay on their device."""
        ids = {job.selected.info.id for job in jobs}
        models = list(dict.fromkeys(model for job in jobs for model in job.models))
        self._kept: dict[str, list[Part]] = {device_id: [] for device_id in ids}
        self._free: list[Part] = []
        for model in models:
            kept = self._kept.get(begun.get(model, ""), self._free)
            kept.append((model,))
        self._busy = 0
        self._changed = threading.Condition()

    @classmethod
    def alone(cls, job: DeviceJob) -> SharedWork:
        """The work of a device that shares it with no other: all in one part."""
        work = cls([], {})
        work._free.append(tuple(job.models))
        return work

    def take(self, device_id: str) -> Part | None:
        """Wait for a part to measure; `None`: all are finished or given up.

        Every part that is taken must be returned, with `finished` or `given_up`.
        """
        with self._changed:
            while True:
                for waiting in (self._kept.get(device_id), self._free):
                    if waiting:
                        self._busy += 1
                        return waiting.pop(0)
                if not self._busy:
                    return None
                self._changed.wait()

    def finished(self) -> None:
        """A part needs nothing more."""
        self._return(())

    def given_up(self, device_id: str, part: Part) -> None:
        """A device does no more: the others get its part, and what it was to do."""
        self._return((part, *self._kept.pop(device_id, ())))

    def _return(self, parts: Sequence[Part]) -> None:
        with self._changed:
            self._busy -= 1
            self._free[:0] = parts
            self._changed.notify_all()


def shared_work(
    jobs: Sequence[DeviceJob], launches: Sequence[Launch], *, spread: bool
) -> list[tuple[DeviceJob, SharedWork]]:
    """Each job with the work that it takes part in."""
    if not spread:
        return [(job, SharedWork.alone(job)) for job in jobs]
    found = []
    for group in _groups(jobs):
        work = SharedWork(group, _begun(group, launches))
        found += [(job, work) for job in group]
    return found


def begun_on(jobs: Sequence[DeviceJob], launches: Sequence[Launch]) -> list[DeviceJob]:
    """The jobs with only the models that were measured there last."""
    limited = []
    for group in _groups(jobs):
        begun = _begun(group, launches)
        for job in group:
            mine = [x for x in job.models if begun.get(x) == job.selected.info.id]
            limited += [job.limited(mine, job.deadline)] if mine else []
    return limited


def _groups(jobs: Sequence[DeviceJob]) -> list[list[DeviceJob]]:
    groups: dict[object, list[DeviceJob]] = {}
    for job in jobs:
        groups.setdefault(interchangeable(job.selected.info), []).append(job)
    return list(groups.values())


def _begun(jobs: Sequence[DeviceJob], launches: Sequence[Launch]) -> dict[str, str]:
    """The device on which each model was launched last, by model."""
    ids = {job.selected.info.id for job in jobs}
    return {x.model: x.device_id for x in launches if x.device_id in ids}
