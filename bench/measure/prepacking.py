"""Models made on a phone into what an app's export would be, once and kept.

The torch that exports has no XNNPACK. That of the program that brings Linux's C library
has it, and the whole of TorchScript, so the program prepacks the exported model itself.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pocketbench.bench.errors import DeviceError, LaunchError
from pocketbench.bench.measure.capabilities import capabilities_of, program_digest
from pocketbench.bench.measure.device_job import SupportsSession
from pocketbench.bench.measure.runner_binding import (
    RunnerBinding,
    binding_for,
    launch_request,
    needed_objects,
)
from pocketbench.bench.paths import cache_dir, replace_file
from pocketbench.bench.records.conditions import Missing
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.foreign import is_foreign, runs_float_kernels
from pocketbench.bench.records.run import PrepackedModel
from pocketbench.bench.records.runner import SupportsPrepacking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.measure.context import RunContext
    from pocketbench.bench.measure.device_job import DeviceJob
    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import Device
    from pocketbench.bench.records.plan import Variant

_PREPACKED_OPERATOR = "prepacked::conv2d_clamp_run"
_LEAST_SQNR_DB = 60
"""Another order of additions is some 120 dB; below this it is another model."""


def with_prepacked(run: RunContext, jobs: Sequence[DeviceJob]) -> tuple[DeviceJob, ...]:
    """The jobs with prepacked models, where a phone's program computes better so.

    One after the other: what the first phone makes, the others take from the cache. A
    model that cannot be prepacked is measured as it was exported.

    Raises:
        Cancelled: The user asked to stop.
    """
    return tuple(_prepacked(run, job) for job in jobs)


def _prepacked(run: RunContext, job: DeviceJob) -> DeviceJob:
    if isinstance(job.selected.driver, SupportsSession):
        # Its own host does.
        return job
    info = job.selected.info
    wanted = [
        (variant, artifact, binding)
        for variants in job.models.values()
        for variant in variants
        if (artifact := job.artifacts.get((variant.model, variant.name)))
        and (binding := binding_for(artifact, job.bindings))
        and isinstance(binding.runner, SupportsPrepacking)
        and is_foreign(binding.program, info)
        and artifact.export.is_prepacked is not True
        and runs_float_kernels(artifact.operators)
    ]
    made: dict[str, PrepackedModel] = {}
    missing = []
    for variant, artifact, binding in wanted:
        known = _read(_place(artifact, binding))
        if known is not None:
            made[artifact.sha256] = known
        else:
            missing.append((variant, artifact, binding))
    if missing:
        try:
            with job.selected.driver.open(info, cancel=run.cancel) as device:
                for variant, artifact, binding in missing:
                    if artifact.sha256 not in made:
                        found = _make(run, device, variant, artifact, binding)
                        made |= {artifact.sha256: found} if found else {}
        except (DeviceError, LaunchError) as error:
            run.observer.note(info.id, f"models are measured as exported: {error}")
    bindings = (
        [binding._replace(prepacked=made) for binding in job.bindings] if made else ()
    )
    return job.with_bindings(bindings) if bindings else job


def _make(
    run: RunContext,
    device: Device,
    variant: Variant,
    artifact: Artifact,
    binding: RunnerBinding,
) -> PrepackedModel | None:
    runner, info = binding.runner, device.info
    assert isinstance(runner, SupportsPrepacking)
    capabilities = capabilities_of(binding, device)
    if isinstance(capabilities, Missing) or _PREPACKED_OPERATOR not in (
        capabilities.operators or ()
    ):
        return None
    by = binding.program.version or runner.name
    what = f"{artifact.model} {artifact.variant}"
    run.observer.note(info.id, f"prepacking {what} for XNNPACK with its {by} ...")
    objects = device.push(needed_objects([binding], [artifact]))
    workload = run.plan.workload
    request = launch_request(
        variant, artifact, binding, {x.sha256: x for x in objects}, workload
    )
    command = runner.prepack_command(request)
    try:
        result = device.run(command.argv, timeout_s=workload.timeout_s, env=command.env)
        parsed = runner.parse_prepacked(result)
        if parsed.sqnr_db is not None and parsed.sqnr_db < _LEAST_SQNR_DB:
            raise LaunchError(
                FailureReason.MODEL_RAISED,
                what,
                f"prepacked, it answers something else ({parsed.sqnr_db} dB SQNR)",
            )
    except LaunchError as error:
        run.observer.note(info.id, f"{what} is measured as exported: {error.fact}")
        return None
    place = _place(artifact, binding)
    place.parent.mkdir(parents=True, exist_ok=True)
    file = place.with_suffix(f".{artifact.format}")
    replace_file(file, parsed.file)
    model = PrepackedModel(
        artifact_sha256=artifact.sha256,
        path=str(file),
        sha256=hashlib.sha256(parsed.file).hexdigest(),
        size_bytes=len(parsed.file),
        by=by,
        made_on=", ".join(filter(None, (info.model or info.name, info.abis[0]))),
        operators=parsed.operators,
        sqnr_db=parsed.sqnr_db,
    )
    replace_file(place, msgspec.json.encode(model))
    return model


def _place(artifact: Artifact, binding: RunnerBinding) -> Path:
    name = f"{artifact.sha256[:32]}-{program_digest(binding.program)[:16]}.json"
    return cache_dir() / "prepacked" / name


def _read(place: Path) -> PrepackedModel | None:
    try:
        model = msgspec.json.decode(place.read_bytes(), type=PrepackedModel)
        content = Path(model.path).read_bytes()
    except (OSError, msgspec.MsgspecError):
        return None
    return model if hashlib.sha256(content).hexdigest() == model.sha256 else None
