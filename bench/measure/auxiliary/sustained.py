"""A device's part of a sustained run: one process per variant, watched meanwhile."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import msgspec

from pocketbench.bench.conditions.launch_caveats import BlockHeat
from pocketbench.bench.errors import Cancelled, DeviceLostError
from pocketbench.bench.measure.device_session import DeviceSession
from pocketbench.bench.measure.schedule import block_order
from pocketbench.bench.records.blocks import TRIES
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.families import family_of
from pocketbench.bench.records.sustained import Reading, Sustained, SustainedLaunch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from pocketbench.bench.measure.ledger import Ledger
    from pocketbench.bench.measure.runner_binding import ReadyVariant
    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.device import CommandResult, Device
    from pocketbench.bench.records.launch import Launch
    from pocketbench.bench.records.plan import Variant


def missing_variants(ledger: Ledger, models: Iterable[str], seed: int) -> list[Variant]:
    """The variants that have not run for the whole time, in a seeded order."""
    done = {
        (launch.model, launch.variant_id)
        for launch in ledger.launches
        if not launch.measurement.was_stopped
    }
    missing = []
    for model in models:
        live = {variant.id: variant for variant in ledger.live(model)}
        order = block_order(list(live), 0, seed)
        missing += [live[x] for x in order if (model, x) not in done]
    return missing


class SustainedSession(DeviceSession):
    """Measure one job for a stated time; a launch is a `SustainedLaunch`.

    Each process waits for a cool phone; none is repeated for having throttled, which
    is what is asked about.
    """

    _grace_s = 30.0
    """For a stopped program to end its inference and print what it has: megabytes."""
    _readings: tuple[Reading, ...] = ()

    @property
    def _asked(self) -> Sustained:
        assert self._run.plan.sustained is not None
        return self._run.plan.sustained

    def _missing(self) -> list[Variant]:
        """The variants that have not run for the whole time, in a seeded order."""
        seed = self._run.plan.workload.seed
        return missing_variants(self._ledger, self._job.models, seed)

    def _pending(self) -> int:
        return len(self._missing())

    def _first_variants(self) -> tuple[Variant, ...]:
        return tuple(self._missing())

    def _measure(self, device: Device) -> None:
        """Run every variant that is missing; one that failed is tried once more."""
        for position, variant in enumerate(self._missing()):
            for _ in range(TRIES):
                if variant not in self._ledger.live(variant.model):
                    break
                attempt = self._ledger.next_attempt(variant.model, 0)
                self._run.observer.block_started(self._info, variant.model, 0)
                self._heat = BlockHeat(
                    self._run.plan.cooldown,
                    is_settled=self._cooldown.settle() if self._cooldown else None,
                )
                is_measured = self.launch(device, variant, 0, attempt, position)
                if self._run.cancel.is_set():
                    # Stopped, it may have ended as if of its own accord.
                    raise Cancelled(self._info.id, "stopped", "Its program was ended")
                if is_measured:
                    self._faults.progressed()
                    break

    def _asked_of(self, variant: Variant) -> ReadyVariant:
        usual = self._usual(variant)
        request = msgspec.structs.replace(
            usual.request, min_duration_s=self._asked.duration_s, reports_gaps=True
        )
        return dataclasses.replace(usual, request=request)

    def _start(
        self, device: Device, ready: ReadyVariant
    ) -> tuple[CommandResult, tuple[int, ...]]:
        """Start the program and read the device's conditions until its end."""
        if not ready.request.reports_gaps:
            return super()._start(device, ready)
        began_ns = time.perf_counter_ns()
        with ThreadPoolExecutor(1, thread_name_prefix=self._info.id) as beside:
            running = beside.submit(super()._start, device, ready)
            self._readings = self._watch(device, running, began_ns)
            return running.result()

    def _watch(
        self, device: Device, running: Future[Any], began_ns: int
    ) -> tuple[Reading, ...]:
        """Read the conditions at the stated interval while a program runs."""
        readings: list[Reading] = []
        interval_ns = round(self._asked.interval_s * 1e9)
        due_ns = began_ns + interval_ns
        while family_of(self._info).can_watch and not self._run.cancel.is_set():
            left_s = (due_ns - time.perf_counter_ns()) / 1e9
            if wait([running], timeout=max(0.0, left_s)).done:
                break
            asked_ns = time.perf_counter_ns()
            try:
                conditions = device.conditions()
            except (Cancelled, DeviceLostError):
                # The program's own driver is informed too, and says what that means.
                break
            if conditions is None:
                break
            now_ns = time.perf_counter_ns()
            readings.append(
                Reading(
                    at_ns=asked_ns - began_ns,
                    took_ns=now_ns - asked_ns,
                    conditions=conditions,
                )
            )
            self._run.observer.conditions_read(
                self._info,
                conditions,
                at_s=(asked_ns - began_ns) / 1e9,
                of_s=self._asked.duration_s,
            )
            # What could not be read in time is left out, not made up for.
            due_ns = max(due_ns + interval_ns, now_ns)
        return tuple(readings)

    def _heat_caveats(
        self, variant: Variant, before: Conditions | None, after: Conditions | None
    ) -> tuple[Caveat, ...]:
        caveats = super()._heat_caveats(variant, before, after)
        return tuple(x for x in caveats if x is not Caveat.THROTTLED)

    def _keep(self, launch: Launch) -> None:
        self._run.store.append(
            SustainedLaunch(
                launch=launch,
                asked=self._asked,
                readings=self._readings,
                cpus=self._pinned,
            )
        )
