"""Check each variant's answers on each device before anything is timed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pocketbench.bench.errors import PocketbenchError
from pocketbench.bench.measure.auxiliary.launches import (
    AuxiliaryLaunches,
    Installed,
    Wanted,
    ask_at_once,
)
from pocketbench.bench.measure.auxiliary.output_sums import compare
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.runner_binding import binding_for, launch_request
from pocketbench.bench.measure.store import utc_now
from pocketbench.bench.records.device import LocalFile
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.output_check import OutputCheck, OutputCheckMissing
from pocketbench.bench.records.runner import SupportsOutputs
from pocketbench.bench.units import format_size

if TYPE_CHECKING:
    from pocketbench.bench.records.artifact import OutputReference
    from pocketbench.bench.records.device import Device

MOST_ANSWER_BYTES = 64 * 2**20
"""Of one launch: outputs arrive as text."""

Outcome = OutputCheck | OutputCheckMissing


def check_outputs(
    run: RunContext, jobs: Sequence[DeviceJob], done: Iterable[Outcome] = ()
) -> None:
    """Check all devices at once and store the results.

    `done` is what an earlier part of the same run stored; what failed there is tried
    again.

    Raises:
        Cancelled: The run was stopped; what was running has been ended.
    """
    checked = {
        (x.device_id, x.model, x.variant_id, x.artifact_sha256)
        for x in done
        if isinstance(x, OutputCheck)
    }
    checkers = [
        _Checker(
            run,
            job,
            [
                Wanted(variant, artifact)
                for model, variants in job.models.items()
                for variant in variants
                if (artifact := job.artifacts.get((model, variant.name)))
                and (job.selected.info.id, model, variant.id, artifact.sha256)
                not in checked
            ],
        )
        for job in jobs
    ]
    ask_at_once(checkers)
    _note_each_fact_once(run, [x for checker in checkers for x in checker.missing])


def _note_each_fact_once(
    run: RunContext, missing: Sequence[OutputCheckMissing]
) -> None:
    """Say why outputs were not checked, however many variants and devices that met."""
    found: dict[str, list[OutputCheckMissing]] = {}
    for one in missing:
        found.setdefault(one.fact, []).append(one)
    for fact, (first, *others) in found.items():
        more = f" and {len(others)} more" if others else ""
        run.observer.note(
            first.device_id,
            f"{first.model} {first.variant_id}{more} not checked: {fact}",
        )


class _Checker(AuxiliaryLaunches):
    """Checks one device; measuring comes next, and reports what is wrong with it."""

    def __init__(
        self, run: RunContext, job: DeviceJob, wanted: Iterable[Wanted]
    ) -> None:
        """Take what a session does, and what is still wanted of this device."""
        super().__init__(run, job, wanted)
        self.missing: list[OutputCheckMissing] = []

    def _objects(self, wanted: Sequence[Wanted]) -> Sequence[LocalFile]:
        inputs = [
            LocalFile(
                path=kept.path,
                name="inputs.bin",
                sha256=kept.sha256,
                size_bytes=kept.size_bytes,
            )
            for item in wanted
            if (kept := _reference(item).inputs)
        ]
        return (*super()._objects(wanted), *inputs)

    def _ask(self, device: Device, item: Wanted, installed: Installed) -> OutputCheck:
        variant, artifact, _ = item
        reference = _reference(item)
        binding = binding_for(artifact, self._job.bindings)
        runner = binding.runner
        assert isinstance(runner, SupportsOutputs)
        request = replace(
            launch_request(
                variant, artifact, binding, installed, self._run.plan.workload
            ),
            inputs=reference.input_specs,
        )
        started_at = utc_now()
        command = runner.outputs_command(
            request, installed[reference.inputs.sha256].remote_path
        )
        result = self._started(
            device,
            runner,
            command,
            threads=variant.threads,
            timeout_s=self._run.plan.workload.timeout_s,
        )
        answers = runner.parse_outputs(result)
        subject = f"{artifact.model} {artifact.variant}"
        compared = compare(answers, reference, subject)
        parsed = b"".join(tensor.data for tensors in answers for tensor in tensors)
        has_labels = compared.correct_count is not None
        return OutputCheck(
            device_id=self._info.id,
            model=variant.model,
            variant_id=variant.id,
            artifact_sha256=artifact.sha256,
            runner=runner.name,
            started_at=started_at,
            reference=reference.of,
            input_count=reference.set_count,
            answers_sha256=hashlib.sha256(parsed).hexdigest(),
            tensors=compared.tensors,
            label_count=len(reference.labels) if has_labels else None,
            correct_count=compared.correct_count,
            reference_correct_count=compared.reference_correct_count,
        )

    def _is_possible(self, item: Wanted) -> bool:
        """Return whether a variant can be checked; store it when it cannot."""
        obstacle = self._obstacle(item)
        if obstacle is not None:
            self._fail(item, obstacle, reason=None)
        return obstacle is None

    def _obstacle(self, item: Wanted) -> PocketbenchError | None:
        runner = binding_for(item.artifact, self._job.bindings).runner
        if not isinstance(runner, SupportsOutputs):
            return PocketbenchError(
                runner.name,
                f"{runner.name} does not report what a model answers",
                "Measure with pocketbench's own runner to check the outputs",
            )
        reference = item.artifact.reference
        if reference is None:
            return PocketbenchError(
                item.variant.id,
                "there are no known answers to compare with",
                "Give the model as module:factory, or a .ptl with bundled inputs",
            )
        if reference.outputs.size_bytes > MOST_ANSWER_BYTES:
            return PocketbenchError(
                item.variant.id,
                f"its answers are {format_size(reference.outputs.size_bytes)}, more "
                f"than the {format_size(MOST_ANSWER_BYTES)} that are compared",
                "Give it smaller or fewer inputs",
            )
        return None

    def _fail(
        self, item: Wanted, error: PocketbenchError, *, reason: FailureReason | None
    ) -> None:
        missing = OutputCheckMissing(
            device_id=self._info.id,
            model=item.variant.model,
            variant_id=item.variant.id,
            artifact_sha256=item.artifact.sha256,
            started_at=utc_now(),
            fact=error.fact,
            remedy=error.next_step,
            reason=reason,
        )
        self._run.store.append(missing)
        self.missing.append(missing)


def _reference(item: Wanted) -> OutputReference:
    assert item.artifact.reference is not None
    return item.artifact.reference
