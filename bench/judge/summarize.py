"""From one stored run to its estimates and comparisons; pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pocketbench.bench.errors import StoreError
from pocketbench.bench.judge.budgets import judged_budgets
from pocketbench.bench.judge.cells import measured_cells
from pocketbench.bench.judge.comparability import unlike_within
from pocketbench.bench.judge.comparisons import Question, judge_comparisons
from pocketbench.bench.judge.fleet import fleet_comparisons
from pocketbench.bench.judge.intervals import unpaired_ratio
from pocketbench.bench.judge.metrics import PRIMARY
from pocketbench.bench.judge.operators import operator_tables, profile_failures
from pocketbench.bench.judge.outputs import judged_outputs, unchecked_outputs
from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.judge.resolution import resolutions
from pocketbench.bench.judge.sequential import sequential_evidence
from pocketbench.bench.judge.summary import Cell, Pairs, Summary
from pocketbench.bench.judge.sustained import sustained_cells
from pocketbench.bench.judge.valid_launches import CellKey, standing_failures
from pocketbench.bench.judge.verdicts import check_min_effect
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.families import family_of
from pocketbench.bench.records.metrics import (
    GENERATION_GATE,
    MEAN_LATENCY,
    METRICS,
    Metric,
)
from pocketbench.bench.records.run import DeviceReady, Run


def summarize(
    run: Run,
    *,
    min_effect: float | None = None,
    alpha: float = 0.05,
    gate: tuple[str, ...] = (),
    allow_mismatch: bool = False,
) -> Summary:
    """Everything the reports of one run show, judged as its plan says.

    Where the run went on until it was settled, its plan reports the looks at which the
    data was judged: they are repeated.

    Args:
        run: The stored run; nothing else is looked at.
        min_effect: The smallest change that matters, as a proportion; `None`: the
            plan's.
        alpha: Significance level of the family of verdicts.
        gate: Names of the metrics that get verdicts, one family together; empty: the
            plan's.
        allow_mismatch: Whether cells measured under unlike conditions get verdicts too,
            though the plan does not say so.

    Raises:
        UsageError: The minimum effect is not a proportion.
        StoreError: A number of the run is too large to calculate with.
    """
    try:
        return _summarized(run, min_effect, alpha, gate, allow_mismatch)
    except OverflowError as error:
        raise StoreError(
            run.folder,
            f"holds a number that nothing can be calculated with ({error})",
            "Restore its file, or remove the line of that launch",
        ) from error


def _summarized(
    run: Run,
    min_effect: float | None,
    alpha: float,
    gate: tuple[str, ...],
    allow_mismatch: bool,
) -> Summary:
    plan = run.started.plan
    effect = plan.min_effect if min_effect is None else min_effect
    check_min_effect(effect)
    devices = sorted(
        run.devices, key=lambda ready: not family_of(ready.device).is_this_computer
    )
    measured = measured_cells(run, tuple(devices))
    questions = [
        *_against_baseline(run, measured, alpha),
        *_against_host(devices, measured, alpha),
    ]
    gate = gate or plan.gate_on
    allow_mismatch = allow_mismatch or plan.allow_mismatch
    comparisons = judge_comparisons(
        questions,
        min_effect=effect,
        alpha=alpha,
        gate=gate,
        allow_mismatch=allow_mismatch,
    )
    return Summary(
        run=run,
        metrics=_metrics(run, measured),
        devices=tuple(devices),
        cells=tuple(measured.values()),
        comparisons=comparisons,
        fleet=fleet_comparisons(
            questions,
            {ready.device.id: ready.device for ready in devices},
            min_effect=effect,
            alpha=alpha,
            gate=gate,
            allow_mismatch=allow_mismatch,
        ),
        gate_on=gate,
        resolutions=resolutions(comparisons, alpha=alpha) if plan.self_check else (),
        outputs=judged_outputs(run),
        unchecked=unchecked_outputs(run),
        operators=operator_tables(run),
        unprofiled=profile_failures(run),
        failures=standing_failures(run),
        sustained=sustained_cells(run),
        budgets=judged_budgets(run, measured.values()),
        jobs_wanted=len(plan.variants) * len(_selected_devices(run)),
    )


def _metrics(run: Run, measured: dict[CellKey, Cell]) -> tuple[Metric, ...]:
    """Those measured; the primary one first, a mean only where it stands in for it."""
    present = {name for m in measured.values() for name in m.estimates}
    if run.started.plan.workload.generation is not None:
        present.update(GENERATION_GATE)
    elif MEAN_LATENCY not in present:
        present.add(PRIMARY)
    return tuple(metric for metric in METRICS if metric.name in present)


def _against_baseline(
    run: Run, measured: dict[CellKey, Cell], alpha: float
) -> Iterator[Question]:
    """Each variant against its model's baseline on the same device, block by block."""
    looks = run.started.plan.workload.looks
    judge = partial(sequential_evidence, looks=looks) if looks else paired_evidence
    for key, candidate in measured.items():
        baseline_id = _baseline_of(run, key)
        baseline = measured.get(key._replace(variant_id=baseline_id or ""))
        if baseline_id is None or baseline is None:
            continue
        differing = unlike_within(baseline, candidate)
        places = baseline.positions(), candidate.positions()
        for metric in METRICS:
            first, second = (m.by_block(metric.name) for m in (baseline, candidate))
            blocks = sorted(first.keys() & second.keys())
            pairs = [(first[block], second[block]) for block in blocks]
            found = judge(
                [before for before, _ in pairs],
                [after for _, after in pairs],
                alpha=alpha,
                resolution=_resolution(metric, baseline, candidate),
                positions=[(places[0][b], places[1][b]) for b in blocks],
            )
            if found is not None:
                yield Question(
                    "variant",
                    key,
                    baseline_id,
                    metric,
                    found,
                    "paired",
                    differing,
                    _figures_ratio(baseline, candidate, metric.name),
                    Pairs(
                        above=sum(after > before for before, after in pairs),
                        below=sum(after < before for before, after in pairs),
                    ),
                )


def _against_host(
    devices: list[DeviceReady], measured: dict[CellKey, Cell], alpha: float
) -> Iterator[Question]:
    """Each variant against the same one on the host, for information."""
    hosts = [
        ready.device.id for ready in devices if family_of(ready.device).is_this_computer
    ]
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
    """The baseline that a variant is compared with: of its threads and depth, if any.

    A generation is never compared with one at another depth.
    """
    variants = {v.id: v for v in run.started.plan.variants_of(key.model)}
    depth = variants[key.variant_id].kv_depth
    marked = [v for v in variants.values() if v.is_baseline and v.kv_depth == depth]
    if not marked or variants[key.variant_id].is_baseline:
        return None
    threads = variants[key.variant_id].threads
    return next((v.id for v in marked if v.threads == threads), marked[0].id)


def _figures_ratio(baseline: Cell, candidate: Cell, metric: str) -> float | None:
    """Candidate / baseline of the estimates that the reports show of each."""
    before, after = (m.estimates[metric].point for m in (baseline, candidate))
    return after / before if before > 0 and after > 0 else None


def _resolution(metric: Metric, *cells: Cell) -> float:
    """What a metric's values were rounded to: the coarser clock for times."""
    if metric.unit != "ns":
        return 0.0
    return float(
        max(
            launch.measurement.latency_resolution_ns
            for cell in cells
            for launch in cell.records
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
    launched |= {record.launch.device_id for record in run.sustained}
    return {ready.device.id for ready in run.devices} | failed | launched
