"""After all that is timed: each variant's operators on each device, in own launches."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from bench.device import Quieting
from bench.errors import Cancelled, DeviceError, LaunchError, PocketbenchError
from bench.failure import FailureReason
from bench.measure.lease import CpuLease
from bench.measure.observer import Observer
from bench.measure.pinning import cores_of, pin_to
from bench.measure.session import utc_now
from bench.measure.starting import start_program
from bench.measure.store import Store, read_run
from bench.measure.task import Task
from bench.measure.tool import launch_request, needed_objects, tool_for
from bench.operator_times import OperatorProfile, ProfileFailure
from bench.runner import Profiling

if TYPE_CHECKING:
    from bench.artifact import Artifact
    from bench.device import Device, InstalledObject
    from bench.plan import Plan, Variant
    from bench.run import Run


class _Wanted(NamedTuple):
    variant: Variant
    artifact: Artifact


def profile_operators(
    plan: Plan,
    tasks: Sequence[Task],
    *,
    store: Store,
    lease: CpuLease,
    observer: Observer,
    cancel: threading.Event,
) -> None:
    """Observe what was measured and has no profile yet, all devices at once.

    What the store holds decides, so a run that goes on does only what is missing.
    What cannot be observed is a record and a note, never a failed job.

    Raises:
        Cancelled: `cancel` was set; what was running has been ended.
    """
    run = read_run(store.folder)
    profilers = [
        _Profiler(task, plan, store, lease, observer, cancel, _wanted(task, run))
        for task in tasks
    ]
    with concurrent.futures.ThreadPoolExecutor(
        max_workers=max(1, len(profilers)), thread_name_prefix="profile"
    ) as pool:
        for future in [pool.submit(profiler.run) for profiler in profilers]:
            future.result()


def _wanted(task: Task, run: Run) -> list[_Wanted]:
    """The variants that were measured on a device and have no profile there."""
    device_id = task.selected.info.id
    measured = {
        (x.model, x.variant_id) for x in run.launches if x.device_id == device_id
    }
    done = {
        (x.model, x.variant_id, x.artifact_sha256)
        for x in run.profiles
        if isinstance(x, OperatorProfile) and x.device_id == device_id
    }
    return [
        _Wanted(variant, artifact)
        for model, variants in task.models.items()
        for variant in variants
        if (model, variant.id) in measured
        and (artifact := task.artifacts.get((model, variant.name))) is not None
        and (model, variant.id, artifact.sha256) not in done
    ]


class _Profiler:
    """Observes on one device."""

    def __init__(
        self,
        task: Task,
        plan: Plan,
        store: Store,
        lease: CpuLease,
        observer: Observer,
        cancel: threading.Event,
        wanted: list[_Wanted],
    ) -> None:
        self._task = task
        self._info = task.selected.info
        self._plan = plan
        self._store = store
        self._lease = lease
        self._observer = observer
        self._cancel = cancel
        self._wanted = wanted

    def run(self) -> None:
        """Store a record for each variant."""
        possible = [item for item in self._wanted if self._is_possible(item)]
        if not possible:
            return
        try:
            with self._task.selected.driver.open(
                self._info, cancel=self._cancel
            ) as device:
                self._info = device.info
                with self._quieted(device):
                    self._profile_all(device, possible)
        except Cancelled:
            raise
        except DeviceError as error:
            for item in possible:
                self._fail(item, error, reason=error.reason)

    def _profile_all(self, device: Device, wanted: list[_Wanted]) -> None:
        """Take one after the other from the list: the rest fails with the device."""
        objects = needed_objects(self._task.tools, [item.artifact for item in wanted])
        installed = {item.sha256: item for item in device.push(objects)}
        self._observer.note(
            self._info.id, "observing operators in launches that are not timed"
        )
        while wanted:
            try:
                self._store.append(self._profile(device, wanted[0], installed))
            except LaunchError as error:
                self._fail(wanted[0], error, reason=error.reason)
            del wanted[0]

    def _profile(
        self, device: Device, item: _Wanted, installed: dict[str, InstalledObject]
    ) -> OperatorProfile:
        variant, artifact = item
        runner, program = tool_for(artifact, self._task.tools)
        assert isinstance(runner, Profiling)
        workload = replace(self._plan.workload, min_duration_s=0.0)
        request = launch_request(variant, artifact, program, installed, workload)
        started_at = utc_now()
        leased: AbstractContextManager[tuple[int, ...]] = (
            self._lease.cores(variant.threads, self._cancel)
            if self._info.shares_host_cpu and runner.needs_cpu
            else nullcontext(())
        )
        with leased as cpus:
            result = start_program(
                device,
                runner.profile_command(request),
                prefix=pin_to(self._info, cores_of(self._info, self._plan.cores)),
                # Each inference that is timed is followed by one that is observed.
                timeout_s=2 * workload.timeout_s,
                host_cpus=cpus,
            )
        return OperatorProfile(
            device_id=self._info.id,
            model=variant.model,
            variant_id=variant.id,
            artifact_sha256=artifact.sha256,
            runner=program.runner,
            started_at=started_at,
            times=runner.parse_profile(result, artifact, request),
        )

    def _quieted(self, device: Device) -> AbstractContextManager[tuple[str, ...]]:
        if self._plan.quiet and isinstance(device, Quieting):
            return device.quieted(self._plan.screen)
        return nullcontext(())

    def _is_possible(self, item: _Wanted) -> bool:
        """Tell whether a variant's program can observe; store it when it cannot."""
        runner = tool_for(item.artifact, self._task.tools).runner
        if isinstance(runner, Profiling):
            return True
        reason = FailureReason.NO_OPERATOR_TIMES
        error = PocketbenchError(
            runner.name,
            f"{runner.name} does not tell of single operators",
            reason.remedy,
        )
        self._fail(item, error, reason=reason)
        return False

    def _fail(
        self, item: _Wanted, error: PocketbenchError, *, reason: FailureReason
    ) -> None:
        variant, artifact = item
        self._store.append(
            ProfileFailure(
                device_id=self._info.id,
                model=variant.model,
                variant_id=variant.id,
                artifact_sha256=artifact.sha256,
                reason=reason,
                fact=error.fact,
                remedy=error.next_step,
                started_at=utc_now(),
            )
        )
        self._observer.note(
            self._info.id,
            f"{variant.model} {variant.id}: no operator times: {error.fact}",
        )
