"""From the launches that count to cells: estimates, and the reasons to doubt them."""

from __future__ import annotations

import math
from collections import defaultdict

import msgspec

from pocketbench.bench.judge.grade import grade
from pocketbench.bench.judge.intervals import estimate, log_mean
from pocketbench.bench.judge.metrics import Reduced, primary_value, reduced
from pocketbench.bench.judge.output_quality import artifact_caveats
from pocketbench.bench.judge.resources import growth_only, resources_of
from pocketbench.bench.judge.summary import Cell, LaunchValue
from pocketbench.bench.judge.valid_launches import (
    CellKey,
    counted_launches,
    redone_launches,
)
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.caveat import FEWEST_LAUNCHES, NOISY_VARIATION, Caveat
from pocketbench.bench.records.device_kind import device_caveats
from pocketbench.bench.records.families import family_of
from pocketbench.bench.records.foreign import foreign_caveats
from pocketbench.bench.records.launch import Launch
from pocketbench.bench.records.metrics import METRICS
from pocketbench.bench.records.plan import Variant
from pocketbench.bench.records.run import DeviceReady, Run


def measured_cells(run: Run, devices: tuple[DeviceReady, ...]) -> dict[CellKey, Cell]:
    """Every cell with a launch that counts: devices in order, then as planned."""
    counted = counted_launches(run)
    redone = redone_launches(run, counted)
    artifacts = {(a.model, a.variant): a for a in run.artifacts}
    infos = {ready.device.id: ready for ready in devices}
    order = [*infos, *sorted({key.device_id for key in counted} - infos.keys())]
    present = [
        (key, variant)
        for device_id in order
        for variant in run.started.plan.variants
        if (key := CellKey(device_id, variant.model, variant.id)) in counted
    ]
    values = iter(reduced([x for key, _ in present for x in counted[key]]))
    host_runners = {
        name
        for ready in devices
        if family_of(ready.device).is_this_computer
        for name in (ready.runner, *(x.runner for x in ready.other_programs))
    }
    found: dict[CellKey, Cell] = {}
    for key, variant in present:
        launches = counted[key]
        rows = tuple(_value(launch, next(values)) for launch in launches)
        artifact = artifacts[variant.model, variant.name]
        ready = infos.get(key.device_id)
        reasons = _caveats(launches, rows, variant, artifact, ready)
        runner = launches[-1].runner
        resources = resources_of(launches)
        if Caveat.FOREIGN_MEMORY in reasons:
            rows = tuple(map(_without_peak, rows))
            resources = growth_only(resources)
        if host_runners and runner not in host_runners:
            reasons.add(Caveat.RUNNERS_DIFFER)
        caveats = tuple(sorted(reasons, key=list(Caveat).index))
        found[key] = Cell(
            device_id=key.device_id,
            model=key.model,
            variant_id=key.variant_id,
            artifact=artifact,
            runner=runner,
            threads=variant.threads,
            kv_depth=variant.kv_depth,
            is_baseline=variant.is_baseline,
            estimates={
                metric.name: estimate(column)
                for metric in METRICS
                if (column := _column(rows, metric.name))
            },
            launches=rows,
            records=launches,
            caveats=caveats,
            grade=grade(caveats),
            resources=resources,
            redone_launches=redone[key],
        )
    return found


def _caveats(
    launches: tuple[Launch, ...],
    rows: tuple[LaunchValue, ...],
    variant: Variant,
    artifact: Artifact,
    ready: DeviceReady | None,
) -> set[Caveat]:
    """Every reason to doubt a cell, but that of the runner."""
    found = {caveat for launch in launches for caveat in launch.caveats}
    if artifact.export.random_weights:
        found.add(Caveat.RANDOM_WEIGHTS)
    found.update(artifact_caveats(artifact, ready.device if ready else None))
    if len(launches) < FEWEST_LAUNCHES:
        found.add(Caveat.TOO_FEW_LAUNCHES)
    values = [x for row in rows if (x := primary_value(row.values)) is not None]
    typical = log_mean(values or [0.0])
    spread = typical.standard_error * math.sqrt(typical.launches)
    if spread > NOISY_VARIATION * typical.mean:
        found.add(Caveat.NOISY)
    if _outputs_vary(launches):
        found.add(Caveat.NONDETERMINISTIC)
    if any(
        x.is_requested and x.extent != "all"
        for launch in launches
        for x in launch.measurement.delegations
    ):
        found.add(Caveat.NOT_FULLY_DELEGATED)
    if not any("peak_rss_bytes" in row.values for row in rows):
        found.add(Caveat.NO_MEMORY)
    generated = [x.measurement.generation for x in launches]
    if artifact.decoder is not None and not any(generated):
        found.add(Caveat.ONE_STEP_OF_A_GENERATOR)
    if any(tokens and tokens.rates_are_theirs for tokens in generated):
        found.add(Caveat.OTHER_DEFINITION)
    if ready is not None:
        for program in ready.programs:
            if program.runner == launches[-1].runner:
                found.update(foreign_caveats(program, ready, artifact))
        if any(x.artifact_sha256 == artifact.sha256 for x in ready.prepacked):
            found.discard(Caveat.NOT_PREPACKED)
        device = ready.device
        found.update(device_caveats(device))
        if device.core_count is not None and variant.threads > device.core_count:
            found.add(Caveat.OVERSUBSCRIBED)
    return found


def _outputs_vary(launches: tuple[Launch, ...]) -> bool:
    """Whether launches alike in all that a run knows of gave unlike bits.

    Another runtime, another number of threads or another heap may round differently, as
    may another device; only launches that share these have a digest to compare.
    """
    digests = defaultdict(set)
    for launch in launches:
        measured = launch.measurement
        if measured.output_digest is not None:
            alike = (
                launch.runner,
                measured.runtime_version,
                measured.threads,
                measured.heap,
                measured.seed,
            )
            digests[alike].add(measured.output_digest)
    return any(len(found) > 1 for found in digests.values())


def _without_peak(row: LaunchValue) -> LaunchValue:
    values = {name: x for name, x in row.values.items() if name != "peak_rss_bytes"}
    return msgspec.structs.replace(row, values=values)


def _value(launch: Launch, found: Reduced) -> LaunchValue:
    shaped = found.shaped
    return LaunchValue(
        started_at=launch.started_at,
        block=launch.block,
        position=launch.position,
        values=found.values,
        shape=shaped and shaped.shape,
        steady_from=shaped.steady_from if shaped else 0,
    )


def _column(rows: tuple[LaunchValue, ...], metric: str) -> list[float]:
    return [row.values[metric] for row in rows if metric in row.values]
