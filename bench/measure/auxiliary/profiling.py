"""Profile each variant's operators on each device after all that is timed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pocketbench.bench.errors import PocketbenchError
from pocketbench.bench.measure.auxiliary.launches import (
    AuxiliaryLaunches,
    Installed,
    Wanted,
    ask_at_once,
)
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.runner_binding import binding_for, launch_request
from pocketbench.bench.measure.start_program import quiesced
from pocketbench.bench.measure.store import utc_now
from pocketbench.bench.planning.cores import cores_of
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.operator_times import OperatorProfile, ProfileFailure
from pocketbench.bench.records.runner import SupportsProfile

if TYPE_CHECKING:
    from pocketbench.bench.records.device import Device
    from pocketbench.bench.records.plan import Variant
    from pocketbench.bench.records.run import Run


MOST_BLOCKS = 5
"""Enough for an interval; each observed launch takes about twice a timed one."""


def profile_operators(run: RunContext, jobs: Sequence[DeviceJob]) -> None:
    """Observe what was measured and has no profile yet, all devices at once.

    What the store holds decides, so a run that goes on does only what is missing.
    What cannot be observed is a record and a note, never a failed job.

    Raises:
        Cancelled: The run was stopped; what was running has been ended.
    """
    stored = read_run(run.store.folder)
    ask_at_once([_Profiler(run, job, _wanted(job, stored)) for job in jobs])


def _wanted(job: DeviceJob, run: Run) -> list[Wanted]:
    """What was measured on a device and has no profile there, block by block.

    Each block begins with another variant, so that drift meets all of them alike.
    """
    device_id = job.selected.info.id
    measured = {
        (x.model, x.variant_id) for x in run.launches if x.device_id == device_id
    }
    done = {
        (x.model, x.variant_id, x.artifact_sha256, x.block)
        for x in run.profiles
        if isinstance(x, OperatorProfile) and x.device_id == device_id
    }
    blocks = min(MOST_BLOCKS, run.started.plan.workload.blocks)
    return [
        Wanted(variant, artifact, block)
        for model, variants in job.models.items()
        for block in range(blocks)
        for variant in _from(variants, block)
        if (model, variant.id) in measured
        and (artifact := job.artifacts.get((model, variant.name))) is not None
        and (model, variant.id, artifact.sha256, block) not in done
    ]


def _from(variants: Sequence[Variant], first: int) -> Sequence[Variant]:
    place = first % len(variants) if variants else 0
    return (*variants[place:], *variants[:place])


class _Profiler(AuxiliaryLaunches):
    """Observes on one device."""

    def _around(self, device: Device) -> AbstractContextManager[object]:
        self._run.observer.note(
            self._info.id, "observing operators in launches that are not timed"
        )
        return quiesced(device, self._run.plan, self._run.observer)

    def _ask(
        self, device: Device, item: Wanted, installed: Installed
    ) -> OperatorProfile:
        variant, artifact, block = item
        binding = binding_for(artifact, self._job.bindings)
        runner = binding.runner
        assert isinstance(runner, SupportsProfile)
        workload = replace(self._run.plan.workload, min_duration_s=0.0)
        request = launch_request(variant, artifact, binding, installed, workload)
        started_at = utc_now()
        result = self._started(
            device,
            runner,
            runner.profile_command(request),
            cores=cores_of(self._info, self._run.plan.cores),
            threads=variant.threads,
            # Each inference that is timed is followed by one that is observed.
            timeout_s=2 * workload.timeout_s,
        )
        return OperatorProfile(
            device_id=self._info.id,
            model=variant.model,
            variant_id=variant.id,
            artifact_sha256=artifact.sha256,
            runner=binding.program.runner,
            started_at=started_at,
            block=block,
            times=runner.parse_profile(result, artifact, request),
        )

    def _is_possible(self, item: Wanted) -> bool:
        """Return whether a variant's program can observe; store it when it cannot."""
        runner = binding_for(item.artifact, self._job.bindings).runner
        if isinstance(runner, SupportsProfile):
            return True
        reason = FailureReason.NO_OPERATOR_TIMES
        error = PocketbenchError(
            runner.name,
            f"{runner.name} does not report single operators",
            reason.remedy,
        )
        self._fail(item, error, reason=reason)
        return False

    def _fail(
        self, item: Wanted, error: PocketbenchError, *, reason: FailureReason
    ) -> None:
        variant, artifact, _ = item
        self._run.store.append(
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
        self._run.observer.note(
            self._info.id,
            f"{variant.model} {variant.id}: no operator times: {error.fact}",
        )
