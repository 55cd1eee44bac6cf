"""From one stored run to its estimates and comparisons; pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

from pocketbench.bench.errors import StoreError
from pocketbench.bench.judge.budgets import judged_budgets
from pocketbench.bench.judge.cells import measured_cells
from pocketbench.bench.judge.comparability import facts_within, unlike_within
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
from pocketbench.bench.judge.valid_launches import CellKey, retries, standing_failures
from pocketbench.bench.judge.verdicts import check_min_effect
from pocketbench.bench.records.device_kind import interchangeable
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
        retries=retries(run),
        sustained=sustained_cells(run),
        budgets=judged_budgets(run, measured.values()),
        jobs_wanted=len(plan.variants) * _wanted_devices(run),
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
    facts = cache(lambda key: facts_within(measured[key]))
    baselines = cache(partial(_baselines_of, run))
    for key, candidate in measured.items():
        baseline_id = baselines(key.model).get(key.variant_id)
        baseline_key = key._replace(variant_id=baseline_id or "")
        baseline = measured.get(baseline_key)
        if baseline_id is None or baseline is None:
            continue
        differing = unlike_within(
            facts(baseline_key),
            facts(key),
            is_one_engine=baseline.artifact.engine == candidate.artifact.engine,
        )
        clock_ns = _clock_ns(baseline, candidate)
        places = baseline.positions(), candidate.positions()
        for metric in METRICS:
            if metric.name not in candidate.estimates:
                continue
            first, second = (m.by_block(metric.name) for m in (baseline, candidate))
            blocks = sorted(first.keys() & second.keys())
            pairs = [(first[block], second[block]) for block in blocks]
            found = judge(
                [before for before, _ in pairs],
                [after for _, after in pairs],
                alpha=alpha,
                resolution=clock_ns if metric.unit == "ns" else 0.0,
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


def _baselines_of(run: Run, model: str) -> dict[str, str]:
    """By variant, the baseline it is compared with: of its threads and depth, if any.

    A generation is never compared with one at another depth.
    """
    variants = run.started.plan.variants_of(model)
    found = {}
    for variant in variants:
        marked = [
            x for x in variants if x.is_baseline and x.kv_depth == variant.kv_depth
        ]
        if marked and not variant.is_baseline:
            alike = (x.id for x in marked if x.threads == variant.threads)
            found[variant.id] = next(alike, marked[0].id)
    return found


def _figures_ratio(baseline: Cell, candidate: Cell, metric: str) -> float | None:
    """Candidate / baseline of the estimates that the reports show of each."""
    before, after = (m.estimates[metric].point for m in (baseline, candidate))
    return after / before if before > 0 and after > 0 else None


def _clock_ns(*cells: Cell) -> float:
    """What times of these were rounded to: by the coarser clock."""
    return float(
        max(
            launch.measurement.latency_resolution_ns
            for cell in cells
            for launch in cell.records
        )
    )


def _wanted_devices(run: Run) -> int:
    """How many devices were to measure each model, those never opened included."""
    if run.started.plan.spread:
        kinds = {interchangeable(ready.device) for ready in run.devices}
        return max(1, len(kinds))
    failed = {
        failure.device_id
        for failure in run.failures
        if failure.reason is not FailureReason.EXPORT_FAILED
    }
    launched = {launch.device_id for launch in run.launches}
    launched |= {record.launch.device_id for record in run.sustained}
    return len({ready.device.id for ready in run.devices} | failed | launched)
