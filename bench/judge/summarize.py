"""From one stored run to its estimates and comparisons; pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from bench.artifact import Artifact
from bench.caveat import Caveat
from bench.failure import FailureReason
from bench.judge.counted import CellKey, counted_launches, standing_failures
from bench.judge.intervals import estimate, unpaired_ratio
from bench.judge.judged import Question, judged
from bench.judge.metrics import METRICS, PRIMARY, launch_values
from bench.judge.paired import paired_evidence
from bench.judge.sequential import sequential_evidence
from bench.judge.summary import Cell, LaunchValue, Metric, Summary
from bench.judge.verdicts import check_min_effect
from bench.launch import Launch
from bench.plan import Variant
from bench.run import DeviceReady, Run

FEWEST_LAUNCHES = 6
"""With fewer launches a cell carries the caveat too_few_launches."""
NOISY_VARIATION = 0.10
"""A coefficient of variation of launches above this is the caveat noisy."""


class Measured(NamedTuple):
    """A cell with the launches it was made of."""

    cell: Cell
    launches: tuple[Launch, ...]

    def by_block(self, metric: str) -> dict[int, float]:
        """One metric's value of each block that has it."""
        return {
            value.block: value.values[metric]
            for value in self.cell.launches
            if metric in value.values
        }

    def column(self, metric: str) -> list[float]:
        """One metric's values in order of time."""
        return _column(self.cell.launches, metric)


def summarize(
    run: Run,
    *,
    min_effect: float = 0.02,
    alpha: float = 0.05,
    gate: tuple[str, ...] = (PRIMARY,),
    looks: tuple[int, ...] = (),
) -> Summary:
    """Everything the reports of one run show.

    Args:
        run: The stored run; nothing else is looked at.
        min_effect: The smallest change that matters, as a proportion.
        alpha: Significance level of the family of verdicts.
        gate: Names of the metrics that get verdicts; one family together.
        looks: The numbers of blocks at which the data was to be looked at while the
            run went on, where it went on until it was settled; else empty.

    Raises:
        UsageError: The minimum effect is not a proportion.
    """
    check_min_effect(min_effect)
    devices = sorted(run.devices, key=lambda ready: ready.device.family != "host")
    measured = measured_cells(run, tuple(devices))
    comparisons = judged(
        [
            *_against_baseline(run, measured, looks, alpha),
            *_against_host(devices, measured, alpha),
        ],
        min_effect=min_effect,
        alpha=alpha,
        gate=gate,
    )
    return Summary(
        run=run,
        metrics=tuple(
            metric
            for metric in METRICS
            if metric.name == PRIMARY
            or any(metric.name in m.cell.estimates for m in measured.values())
        ),
        devices=tuple(devices),
        cells=tuple(m.cell for m in measured.values()),
        comparisons=comparisons,
        failures=standing_failures(run),
        jobs_wanted=len(run.started.plan.variants) * len(_selected_devices(run)),
    )


def measured_cells(
    run: Run, devices: tuple[DeviceReady, ...]
) -> dict[CellKey, Measured]:
    """Every cell with a launch that counts: devices in order, then as planned."""
    counted = counted_launches(run)
    artifacts = {(a.model, a.variant): a for a in run.artifacts}
    infos = {ready.device.id: ready for ready in devices}
    order = [*infos, *sorted({key.device_id for key in counted} - infos.keys())]
    present = [
        (key, variant)
        for device_id in order
        for variant in run.started.plan.variants
        if (key := CellKey(device_id, variant.model, variant.id)) in counted
    ]
    values = iter(launch_values([x for key, _ in present for x in counted[key]]))
    host_runners = {r.runner for r in devices if r.device.family == "host"}
    found: dict[CellKey, Measured] = {}
    for key, variant in present:
        launches = counted[key]
        rows = tuple(
            LaunchValue(
                started_at=launch.started_at,
                block=launch.block,
                position=launch.position,
                values=next(values),
            )
            for launch in launches
        )
        artifact = artifacts[variant.model, variant.name]
        ready = infos.get(key.device_id)
        doubts = _caveats(launches, rows, variant, artifact, ready)
        runner = launches[-1].runner
        if host_runners and runner not in host_runners:
            doubts.add(Caveat.RUNNERS_DIFFER)
        cell = Cell(
            device_id=key.device_id,
            model=key.model,
            variant_id=key.variant_id,
            artifact=artifact,
            runner=runner,
            threads=variant.threads,
            is_baseline=variant.is_baseline,
            estimates={
                metric.name: estimate(column)
                for metric in METRICS
                if (column := _column(rows, metric.name))
            },
            launches=rows,
            caveats=tuple(sorted(doubts, key=list(Caveat).index)),
        )
        found[key] = Measured(cell, launches)
    return found


def _against_baseline(
    run: Run, measured: dict[CellKey, Measured], looks: tuple[int, ...], alpha: float
) -> Iterator[Question]:
    """Each variant against its model's baseline on the same device, block by block."""
    for key, candidate in measured.items():
        baseline_id = _baseline_of(run, key)
        baseline = measured.get(key._replace(variant_id=baseline_id or ""))
        if baseline_id is None or baseline is None:
            continue
        for metric in METRICS:
            first, second = (m.by_block(metric.name) for m in (baseline, candidate))
            blocks = sorted(first.keys() & second.keys())
            judge = (
                partial(sequential_evidence, looks=looks) if looks else paired_evidence
            )
            found = judge(
                [first[block] for block in blocks],
                [second[block] for block in blocks],
                alpha=alpha,
                resolution=_resolution(metric, baseline, candidate),
            )
            if found is not None:
                yield Question("variant", key, baseline_id, metric, found, "paired")


def _against_host(
    devices: list[DeviceReady], measured: dict[CellKey, Measured], alpha: float
) -> Iterator[Question]:
    """Each variant against the same one on the host, for information."""
    hosts = [ready.device.id for ready in devices if ready.device.family == "host"]
    for key, candidate in measured.items():
        host = measured.get(key._replace(device_id=hosts[0])) if hosts else None
        if host is None or key.device_id in hosts:
            continue
        for metric in METRICS:
            ratio = unpaired_ratio(
                host.column(metric.name), candidate.column(metric.name)
            )
            if ratio is not None:
                evidence = ratio.evidence(alpha)
                yield Question("host", key, "host", metric, evidence, "sequential")


def _baseline_of(run: Run, key: CellKey) -> str | None:
    """The baseline that a variant is compared with: one of as many threads, if any."""
    variants = {v.id: v for v in run.started.plan.variants_of(key.model)}
    marked = [v for v in variants.values() if v.is_baseline]
    if not marked or variants[key.variant_id].is_baseline:
        return None
    threads = variants[key.variant_id].threads
    return next((v.id for v in marked if v.threads == threads), marked[0].id)


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
    if len(launches) < FEWEST_LAUNCHES:
        found.add(Caveat.TOO_FEW_LAUNCHES)
    medians = _column(rows, PRIMARY)
    if len(medians) > 1 and statistics.mean(medians) > 0:
        variation = statistics.stdev(medians) / statistics.mean(medians)
        if variation > NOISY_VARIATION:
            found.add(Caveat.NOISY)
    if not any("peak_rss_bytes" in row.values for row in rows):
        found.add(Caveat.NO_MEMORY)
    if ready is not None:
        device = ready.device
        if device.is_simulated:
            found.add(Caveat.SIMULATED)
        if device.is_emulated:
            found.add(Caveat.EMULATED)
        if device.core_count is not None and variant.threads > device.core_count:
            found.add(Caveat.OVERSUBSCRIBED)
    return found


def _column(rows: tuple[LaunchValue, ...], metric: str) -> list[float]:
    return [row.values[metric] for row in rows if metric in row.values]


def _resolution(metric: Metric, *measured: Measured) -> float:
    """What a metric's values were rounded to: the coarser clock for times."""
    if metric.unit != "ns":
        return 0.0
    return float(
        max(
            launch.measurement.latency_resolution_ns
            for m in measured
            for launch in m.launches
        )
    )


def _selected_devices(run: Run) -> set[str]:
    """The devices that were to be measured, those never opened included."""
    failed = {
        failure.device_id
        for failure in run.failures
        if failure.reason is not FailureReason.EXPORT_FAILED
    }
    launched = {launch.device_id for launch in run.launches}
    return {ready.device.id for ready in run.devices} | failed | launched
