"""Everything that is done on one device: open, push, blocks of launches."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from contextlib import AbstractContextManager
from functools import partial

from pocketbench.bench.conditions.launch_caveats import (
    BlockHeat,
    cool_reference,
    core_caveats,
    state_caveats,
)
from pocketbench.bench.errors import (
    Cancelled,
    DeviceLostError,
    LaunchError,
    PocketbenchError,
)
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.cooldown_wait import (
    CooldownWait,
    needs_cooldown,
    redos_on,
)
from pocketbench.bench.measure.device_job import DeviceJob, JobSession
from pocketbench.bench.measure.failure_records import Place
from pocketbench.bench.measure.faults import DeviceFaults
from pocketbench.bench.measure.ledger import Ledger
from pocketbench.bench.measure.preflight import check
from pocketbench.bench.measure.push_tracker import Sender
from pocketbench.bench.measure.runner_binding import (
    ReadyVariant,
    binding_for,
    device_ready,
    launch_request,
    needed_objects,
    used_bindings,
)
from pocketbench.bench.measure.schedule import block_order
from pocketbench.bench.measure.spin_probe import spin_once
from pocketbench.bench.measure.start_program import quiesced, start_program
from pocketbench.bench.measure.store import utc_now
from pocketbench.bench.planning.cores import biggest_core, cores_of
from pocketbench.bench.records.blocks import TRIES
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.device import CommandResult, Device, DeviceFile
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.families import family_of
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.plan import Variant
from pocketbench.bench.records.runner import Runner

logger = logging.getLogger(__name__)

_AS_NOW_S = 0.5
"""How old a reading of conditions may be that also stands for the next launch."""
_NEVER_READ: tuple[float, Conditions | None] = (-math.inf, None)


class DeviceSession(JobSession):
    """Measures one job on a device that this computer opens."""

    _grace_s = 0.0
    """What a stopped program is given to end; without, it is killed."""

    def __init__(
        self,
        run: RunContext,
        job: DeviceJob,
        *,
        launches: tuple[Launch, ...] = (),
        failures: tuple[Failure, ...] = (),
    ) -> None:
        """`launches` and `failures` are what an earlier part of the run stored."""
        super().__init__(run, job)
        self._is_this_computer = family_of(self._info).is_this_computer
        self._ledger = Ledger(
            self._info.id,
            run.plan,
            models=job.models,
            exported=job.artifacts,
            launches=launches,
            failures=failures,
        )
        self._installed: dict[str, DeviceFile] = {}
        self._sender = Sender()
        self._faults = DeviceFaults(run, self._info, self._ledger)
        self._ready: dict[tuple[str, str], ReadyVariant] = {}
        self._pinned: tuple[int, ...] = ()
        self._cooldown: CooldownWait | None = None
        self._heat: BlockHeat | None = None
        self._last_read = _NEVER_READ

    def _pending(self) -> int:
        return self._ledger.pending_launches(redos=self._redos)

    def _run_until_done(self) -> None:
        while True:
            try:
                self._run_opened()
            except Cancelled:
                raise
            except PocketbenchError as error:
                if self._faults.can_retry(error):
                    continue
            except Exception as error:
                # The job boundary: nothing that happens here may take others along.
                logger.exception("%s", self._info.id)
                fact = f"{type(error).__name__}: {error}"
                remedy = FailureReason.INTERNAL.remedy
                self._faults.store(PocketbenchError(self._info.id, fact, remedy))
            return

    def _run_opened(self) -> None:
        """Open the device and measure what is missing.

        Raises:
            PocketbenchError: It went on no further.
        """
        with self._job.selected.driver.open(
            self._info, cancel=self._run.cancel
        ) as device:
            self._info = device.info
            self._pinned = cores_of(self._info, self._run.plan.cores)
            self.prepare(device)
            with quiesced(device, self._run.plan, self._run.observer):
                self._begin_cooldown(device)
                self._measure(device)

    @property
    def _redos(self) -> int:
        """How often a throttled block is done again here."""
        return redos_on(self._info, self._run.plan.cooldown)

    def prepare(self, device: Device) -> None:
        """Refuse what cannot work, push what it lacks, record what it holds."""
        live = [x for model in self._job.models for x in self._ledger.live(model)]
        artifacts = {
            (x.model, x.name): self._job.artifacts[x.model, x.name] for x in live
        }
        bindings = self._job.bindings
        push = partial(self._sender.push, device)
        found = check(device, bindings, artifacts, push, self._run.plan.workload)
        for text in found.unchecked:
            self._run.observer.note(
                self._info.id, f"models not compared with it: {text}"
            )
        for variant in live:
            refused = found.refused.get((variant.model, variant.name))
            if refused is not None:
                artifacts.pop((variant.model, variant.name), None)
                self._faults.store(refused, variant=variant)
        installed = push(
            needed_objects(used_bindings(bindings, artifacts), artifacts.values())
        )
        self._installed = {item.sha256: item for item in installed}
        self._ready.clear()
        self._run.store.append(device_ready(self._info, bindings, installed))
        sent = sum(item.size_bytes for item in installed if item.origin == "sent")
        self._run.observer.device_ready(self._info, sent)

    def _measure(self, device: Device) -> None:
        """Go through the blocks, all models within each, until all are whole."""
        for block in range(self._run.plan.workload.blocks):
            for model in self._job.models:
                self._measure_block(device, model, block)
            self._run.store.sync()

    def _measure_block(self, device: Device, model: str, block: int) -> None:
        """Launch every variant once; begin again while a launch fails or throttles."""
        for _ in range(TRIES + self._redos):
            if self._ledger.is_done(model, block, redos=self._redos):
                return
            if self._job.is_over:
                return
            live = self._ledger.live(model)
            attempt = self._ledger.next_attempt(model, block)
            self._run.observer.block_started(self._info, model, block)
            self._heat = BlockHeat(self._run.plan.cooldown, is_settled=self._settle())
            order = block_order(
                [v.id for v in live], block, self._run.plan.workload.seed
            )
            by_id = {variant.id: variant for variant in live}
            for position, variant_id in enumerate(order):
                self._wait_for_turn()
                if not self.launch(device, by_id[variant_id], block, attempt, position):
                    break
            else:
                self._faults.progressed()

    def _wait_for_turn(self) -> None:
        delay_s = self._run.spacing.delay_s(self._info.id, time.monotonic())
        if delay_s > 0:
            self._run.cancel.wait(delay_s)

    def launch(
        self, device: Device, variant: Variant, block: int, attempt: int, position: int
    ) -> bool:
        """Do one launch, store its outcome, and return whether it measured."""
        ready = self.ready(variant)
        self._run.observer.launch_started(self._info, variant.model, variant.id)
        started_at = utc_now()
        result: CommandResult | None = None
        lost: DeviceLostError | Cancelled | None = None
        after: Conditions | None = None
        try:
            before = self._conditions_now(device)
            result, cpus = self._start(device, ready)
            try:
                after = device.conditions()
                self._last_read = time.monotonic(), after
            except (DeviceLostError, Cancelled) as error:
                # What it measured before that stands.
                lost = error
            measurement = ready.binding.runner.parse(
                result, ready.artifact, ready.request
            )
        except (LaunchError, DeviceLostError) as error:
            self._faults.store(
                error,
                variant=variant,
                place=Place(block, attempt, position),
                started_at=started_at,
                result=result,
            )
            if isinstance(error, DeviceLostError):
                raise
            self._faults.check()
            return False
        launch = Launch(
            device_id=self._info.id,
            model=variant.model,
            variant_id=variant.id,
            artifact_sha256=ready.artifact.sha256,
            runner=ready.binding.program.runner,
            block=block,
            attempt=attempt,
            position=position,
            started_at=started_at,
            wall_ns=result.duration_ns,
            host_cpus=cpus,
            caveats=(
                *core_caveats(
                    variant,
                    wanted=self._run.plan.cores,
                    pinned=self._pinned,
                    leased=cpus,
                    core_count=self._info.core_count,
                ),
                *self._heat_caveats(variant, before, after),
                *state_caveats(
                    before,
                    baseline=self._cooldown.baseline if self._cooldown else None,
                ),
            ),
            measurement=measurement,
            conditions_before=before,
            conditions_after=after,
        )
        self._keep(launch)
        self._ledger.launches.append(launch)
        self._run.observer.launch_finished(self._info, launch)
        if lost is not None:
            raise lost
        return True

    def _conditions_now(self, device: Device) -> Conditions | None:
        """As just read after the launch before, or read: on phones it takes long."""
        read_at, conditions = self._last_read
        if time.monotonic() - read_at < _AS_NOW_S:
            return conditions
        return device.conditions()

    def _keep(self, launch: Launch) -> None:
        """Store a launch that measured."""
        self._run.store.append(launch)

    def _start(
        self, device: Device, ready: ReadyVariant
    ) -> tuple[CommandResult, tuple[int, ...]]:
        """Start the program and wait for its end; also the leased cores it had."""
        request, timeout_s = ready.request, self._run.plan.workload.timeout_s
        with self._cores(ready.binding.runner, request.threads) as cpus:
            result = start_program(
                device,
                ready.command,
                cores=self._pinned,
                timeout_s=timeout_s + request.min_duration_s,
                host_cpus=cpus,
                grace_s=self._grace_s,
            )
        return result, cpus

    def _begin_cooldown(self, device: Device) -> None:
        """Warm a phone that can grow hot, for it never gets back to cold, and look."""
        self._cooldown = None
        first = self._first_variants()
        if not first or not needs_cooldown(self._info, self._run.plan.cooldown):
            return
        wait = CooldownWait(
            device,
            self._run.plan.cooldown,
            spin=partial(self._spin, device, first[0]),
            observer=self._run.observer,
            cancel=self._run.cancel,
        )
        self._run.observer.note(
            self._info.id, "warming up with a block that is not kept"
        )
        for variant in first:
            # What fails here fails again where it is recorded.
            with contextlib.suppress(LaunchError):
                self._start(device, self._usual(variant))
        wait.take_baseline()
        self._cooldown = wait

    def _settle(self) -> bool | None:
        """Wait until it is cool; whether it is, or `None` where it need not be."""
        if self._cooldown is None:
            return None
        self._last_read = _NEVER_READ
        return self._cooldown.settle()

    def _first_variants(self) -> tuple[Variant, ...]:
        """Those of the block that comes next."""
        missing = self._ledger.unfinished(redos=self._redos)
        return self._ledger.live(missing[0][1]) if missing else ()

    def _spin(self, device: Device, variant: Variant) -> float | None:
        ready = self.ready(variant)
        with self._cores(ready.binding.runner, 1) as cpus:
            return spin_once(
                device,
                ready.binding.runner,
                ready.request,
                spin_ms=self._run.plan.cooldown.spin_ms,
                cores=self._pinned or biggest_core(self._info),
                host_cpus=cpus,
            )

    def _heat_caveats(
        self, variant: Variant, before: Conditions | None, after: Conditions | None
    ) -> tuple[Caveat, ...]:
        if self._heat is None or self._is_this_computer:
            return ()
        reference = cool_reference(self._ledger.launches, variant.model, variant.id)
        return self._heat.caveats(before, after, reference=reference, cpus=self._pinned)

    def ready(self, variant: Variant) -> ReadyVariant:
        """What each launch of a variant takes, on a prepared device."""
        key = variant.model, variant.id
        if key not in self._ready:
            self._ready[key] = self._asked_of(variant)
        return self._ready[key]

    def _asked_of(self, variant: Variant) -> ReadyVariant:
        """What is asked of a variant's program when the launch is kept."""
        return self._usual(variant)

    def _usual(self, variant: Variant) -> ReadyVariant:
        artifact = self._job.artifacts[variant.model, variant.name]
        binding = binding_for(artifact, self._job.bindings)
        workload = self._run.plan.workload
        request = launch_request(variant, artifact, binding, self._installed, workload)
        return ReadyVariant(variant, artifact, binding, request)

    def _cores(
        self, runner: Runner, threads: int
    ) -> AbstractContextManager[tuple[int, ...]]:
        return self._run.lease.for_program(
            runner, self._info, threads, self._run.cancel
        )
