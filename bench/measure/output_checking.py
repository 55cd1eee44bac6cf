"""Before anything is timed: each variant's answers on each device, in own launches."""

from __future__ import annotations

import concurrent.futures
import hashlib
import threading
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from bench.device import LocalObject
from bench.errors import Cancelled, DeviceError, LaunchError, PocketbenchError
from bench.failure import FailureReason
from bench.measure.answers import compare
from bench.measure.lease import CpuLease
from bench.measure.observer import Observer
from bench.measure.session import utc_now
from bench.measure.starting import start_program
from bench.measure.store import Store
from bench.measure.task import Task
from bench.measure.tool import launch_request, needed_objects, tool_for
from bench.output_check import OutputCheck, OutputCheckMissing
from bench.runner import TellingOutputs
from bench.units import format_size

if TYPE_CHECKING:
    from bench.artifact import Artifact, OutputReference
    from bench.device import Device, InstalledObject
    from bench.plan import Plan, Variant

MOST_ANSWER_BYTES = 64 * 2**20
"""Of one launch: the answers come over the wire as text."""

Outcome = OutputCheck | OutputCheckMissing


class _Wanted(NamedTuple):
    variant: Variant
    artifact: Artifact


def check_outputs(
    plan: Plan,
    tasks: Sequence[Task],
    *,
    store: Store,
    lease: CpuLease,
    observer: Observer,
    cancel: threading.Event,
    done: Iterable[Outcome] = (),
) -> None:
    """Check all devices at once and store what comes of it.

    `done` is what an earlier part of the same run stored; what failed there is tried
    again.

    Raises:
        Cancelled: `cancel` was set; what was running has been ended.
    """
    checked = {
        (x.device_id, x.model, x.variant_id, x.artifact_sha256)
        for x in done
        if isinstance(x, OutputCheck)
    }
    checkers = [
        _Checker(task, plan, store, lease, observer, cancel, checked) for task in tasks
    ]
    with concurrent.futures.ThreadPoolExecutor(
        max_workers=max(1, len(checkers)), thread_name_prefix="check"
    ) as pool:
        for future in [pool.submit(checker.run) for checker in checkers]:
            future.result()


class _Checker:
    """Checks one device."""

    def __init__(
        self,
        task: Task,
        plan: Plan,
        store: Store,
        lease: CpuLease,
        observer: Observer,
        cancel: threading.Event,
        checked: set[tuple[str, str, str, str]],
    ) -> None:
        self._task = task
        self._info = task.selected.info
        self._plan = plan
        self._store = store
        self._lease = lease
        self._observer = observer
        self._cancel = cancel
        self._wanted = [
            _Wanted(variant, artifact)
            for model, variants in task.models.items()
            for variant in variants
            if (artifact := task.artifacts.get((model, variant.name))) is not None
            and (self._info.id, model, variant.id, artifact.sha256) not in checked
        ]

    def run(self) -> None:
        """Store a record for each variant; a failure is a record, not an error."""
        possible = [item for item in self._wanted if self._is_possible(item)]
        if not possible:
            return
        try:
            with self._task.selected.driver.open(
                self._info, cancel=self._cancel
            ) as device:
                self._check_all(device, possible)
        except Cancelled:
            raise
        except DeviceError as error:
            # Measuring comes next, and tells what is wrong with the device.
            for item in possible:
                self._miss(item, error, reason=error.reason)

    def _check_all(self, device: Device, wanted: list[_Wanted]) -> None:
        inputs = [
            LocalObject(
                path=kept.path,
                name="inputs.bin",
                sha256=kept.sha256,
                size_bytes=kept.size_bytes,
            )
            for item in wanted
            if (kept := _reference(item).inputs)
        ]
        models = [item.artifact for item in wanted]
        objects = {
            x.sha256: x for x in (*needed_objects(self._task.tools, models), *inputs)
        }
        installed = {x.sha256: x for x in device.push(tuple(objects.values()))}
        while wanted:
            item = wanted.pop(0)
            try:
                self._store.append(self._check(device, item, installed))
            except LaunchError as error:
                self._miss(item, error, reason=error.reason)
            except DeviceError as error:
                self._miss(item, error, reason=error.reason)
                raise

    def _check(
        self, device: Device, item: _Wanted, installed: dict[str, InstalledObject]
    ) -> OutputCheck:
        variant, artifact = item
        reference = _reference(item)
        runner, program = tool_for(artifact, self._task.tools)
        assert isinstance(runner, TellingOutputs)
        request = replace(
            launch_request(variant, artifact, program, installed, self._plan.workload),
            inputs=reference.input_specs,
        )
        started_at = utc_now()
        command = runner.outputs_command(
            request, installed[reference.inputs.sha256].remote_path
        )
        shares = self._info.shares_host_cpu and runner.needs_cpu
        leased = (
            self._lease.cores(variant.threads, self._cancel)
            if shares
            else nullcontext(())
        )
        with leased as cpus:
            result = start_program(
                device,
                command,
                prefix=(),
                timeout_s=self._plan.workload.timeout_s,
                host_cpus=cpus,
            )
        answers = runner.parse_outputs(result)
        subject = f"{artifact.model} {artifact.variant}"
        compared = compare(answers, reference, subject)
        told = b"".join(tensor.data for tensors in answers for tensor in tensors)
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
            answers_sha256=hashlib.sha256(told).hexdigest(),
            tensors=compared.tensors,
            label_count=len(reference.labels) if has_labels else None,
            correct_count=compared.correct_count,
            reference_correct_count=compared.reference_correct_count,
        )

    def _is_possible(self, item: _Wanted) -> bool:
        """Tell a variant that can be checked from one that cannot, which is stored."""
        obstacle = self._obstacle(item)
        if obstacle is not None:
            self._miss(item, obstacle, reason=None)
        return obstacle is None

    def _obstacle(self, item: _Wanted) -> PocketbenchError | None:
        runner = tool_for(item.artifact, self._task.tools).runner
        if not isinstance(runner, TellingOutputs):
            return PocketbenchError(
                runner.name,
                f"{runner.name} does not tell what a model answers",
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

    def _miss(
        self, item: _Wanted, error: PocketbenchError, *, reason: FailureReason | None
    ) -> None:
        self._store.append(
            OutputCheckMissing(
                device_id=self._info.id,
                model=item.variant.model,
                variant_id=item.variant.id,
                artifact_sha256=item.artifact.sha256,
                started_at=utc_now(),
                fact=error.fact,
                remedy=error.next_step,
                reason=reason,
            )
        )
        self._observer.note(
            self._info.id,
            f"{item.variant.model} {item.variant.id} not checked: {error.fact}",
        )


def _reference(item: _Wanted) -> OutputReference:
    assert item.artifact.reference is not None
    return item.artifact.reference
