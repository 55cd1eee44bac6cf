"""The machine's report: estimates, comparisons and failures as one JSON document.

Its schema is docs/schemas/report.schema.json, which `scripts/write_schemas` writes.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import replace

from pocketbench.bench.conditions.aggregation import DeviceConditions
from pocketbench.bench.judge.grade import Grade
from pocketbench.bench.judge.operators import OperatorTable
from pocketbench.bench.judge.outputs import JudgedOutputs
from pocketbench.bench.judge.resources import Resources
from pocketbench.bench.judge.summary import (
    Comparison,
    Estimate,
    FleetComparison,
    JudgedBudget,
    LaunchValue,
    Resolution,
    Retried,
    Summary,
)
from pocketbench.bench.judge.time_series import SustainedCell
from pocketbench.bench.records.artifact import OutputError
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.generation import Generation
from pocketbench.bench.records.launch import Heap
from pocketbench.bench.records.metrics import Metric
from pocketbench.bench.records.output_check import OutputCheckMissing
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.run import Outcome
from pocketbench.reports.text.headline import headline
from pocketbench.reports.view import View

SCHEMA = 1
"""Raised when a reader of the old documents would misread the new ones.

1: first.
"""


class VerdictCounts(Value, frozen=True, kw_only=True):
    """How many comparisons came to which verdict."""

    regression: int
    improvement: int
    no_change: int
    inconclusive: int


class RunFacts(Value, frozen=True, kw_only=True):
    """Which run this is about."""

    id: str
    started_at: str
    outcome: Outcome
    command: tuple[str, ...]
    commit: str | None
    versions: dict[str, str]
    blocks: int
    """The most, where it went on until it was settled."""
    looks: tuple[int, ...] = ()
    """Numbers of blocks at which it was judged, where it went on until settled."""
    gate_on: tuple[str, ...]
    """Names of the metrics that get verdicts."""
    warmup_iterations: int
    iterations: int
    generation: Generation | None = None
    """What each launch generated, instead of those iterations."""
    heap: Heap = "system"
    """`steady`: a runner that can kept it from favouring a build."""


class ComparedWith(Value, frozen=True, kw_only=True):
    """The earlier run, the baseline of every comparison of the kind `run`."""

    run: str
    """Its id."""
    commit: str | None


class DeviceFacts(Value, frozen=True, kw_only=True):
    """A device that was measured; serials are hashed."""

    id: str
    name: str
    family: str
    is_simulated: bool
    is_emulated: bool
    is_replayed: bool
    """A stand-in for the device's own tools answered, as in pocketbench's tests."""
    simulated_of: str | None
    soc: str | None
    os_name: str | None
    os_version: str | None
    build_fingerprint: str | None
    runner: str
    runner_version: str | None


class CellFacts(Value, frozen=True, kw_only=True):
    """One model and variant on one device."""

    device_id: str
    model: str
    variant_id: str
    is_baseline: bool
    threads: int
    kv_depth: int | None = None
    """Tokens in the KV cache when the prompt comes; `None`: it did not generate."""
    runner: str
    artifact_sha256: str
    size_bytes: int
    random_weights: bool
    output_error: OutputError | None
    caveats: tuple[Caveat, ...]
    grade: Grade
    redone_launches: int
    resources: Resources | None
    """Memory and how it was read, and energy, unscaled."""
    estimates: dict[str, Estimate]
    """By metric name, unscaled."""
    launches: tuple[LaunchValue, ...]
    """In order of time, unscaled."""


class FailureFacts(Value, frozen=True, kw_only=True):
    """Failures, why, and what to do."""

    device_id: str
    model: str | None
    variant_id: str | None
    reason: FailureReason
    fact: str
    remedy: str


class Document(Value, frozen=True, kw_only=True):
    """The verdict of one run. Times are ns, sizes bytes, rates per second."""

    schema: int = SCHEMA
    kind: Literal["pocketbench verdict"] = "pocketbench verdict"
    sentence: str
    details: tuple[str, ...]
    verdicts: VerdictCounts
    run: RunFacts
    compared_with: ComparedWith | None = None
    """`None`: builds within one run are compared."""
    metrics: tuple[Metric, ...]
    """The primary one first."""
    devices: tuple[DeviceFacts, ...]
    conditions: tuple[DeviceConditions, ...] = ()
    """What each device reported about itself before and after its launches."""
    cells: tuple[CellFacts, ...]
    comparisons: tuple[Comparison, ...]
    fleet: tuple[FleetComparison, ...] = ()
    """What holds on phones in general, for each kind of phone by itself."""
    resolutions: tuple[Resolution, ...]
    """Of a self-check: what each device can resolve; else empty."""
    sustained: tuple[SustainedCell, ...] = ()
    """Of a run of single long launches, instead of cells."""
    outputs: tuple[JudgedOutputs, ...] = ()
    """What the devices answered to known inputs, where that was checked."""
    outputs_unchecked: tuple[OutputCheckMissing, ...] = ()
    """Where it could not be, and why."""
    failures: tuple[FailureFacts, ...]
    retries: tuple[Retried, ...] = ()
    """What opening a device again made good."""
    operators: tuple[OperatorTable, ...] = ()
    """Where the time goes, with `--profile ops`; of a launch that is not timed."""
    cells_wanted: int
    budgets: tuple[JudgedBudget, ...] = ()
    """Each budget of the suite on each configuration it is about."""


def render(view: View) -> str:
    """One JSON document, indented, keys in a fixed order."""
    encoded = msgspec.json.encode(document(view))
    return msgspec.json.format(encoded, indent=1).decode() + "\n"


def document(
    view: View, *, only_primary: bool = False, is_large: bool = False
) -> Document:
    """Gather what a machine needs to decide and a person to draw again.

    Args:
        view: The summary.
        only_primary: Of single launches and of ratios to the host only the primary
            metric.
        is_large: Leave out single launches, and other metrics' ratios without verdict.
    """
    summary = view.summary
    answer = headline(view)
    verdicts = [c.verdict.value for c in view.judged if c.verdict]
    return Document(
        sentence=answer.sentence,
        details=answer.details,
        verdicts=VerdictCounts(
            **{name: verdicts.count(name) for name in VerdictCounts.__struct_fields__}
        ),
        run=_run_facts(summary),
        compared_with=ComparedWith(run=other.run_id, commit=other.commit)
        if (other := summary.compared_with)
        else None,
        metrics=summary.metrics,
        devices=tuple(
            DeviceFacts(
                runner=ready.runner,
                runner_version=ready.runner_version,
                **{
                    name: getattr(ready.device, name)
                    for name in DeviceFacts.__struct_fields__
                    if name not in ("runner", "runner_version")
                },
            )
            for ready in summary.devices
        ),
        conditions=view.conditions,
        cells=tuple(
            CellFacts(
                device_id=cell.device_id,
                model=cell.model,
                variant_id=cell.variant_id,
                is_baseline=cell.is_baseline,
                threads=cell.threads,
                kv_depth=cell.kv_depth,
                runner=cell.runner,
                artifact_sha256=cell.artifact.sha256,
                size_bytes=cell.artifact.size_bytes,
                random_weights=cell.artifact.export.random_weights,
                output_error=cell.artifact.output_error,
                caveats=cell.caveats,
                grade=cell.grade,
                redone_launches=cell.redone_launches,
                resources=cell.resources,
                estimates=cell.estimates,
                launches=()
                if is_large
                else _only(view.primary.name, cell.launches)
                if only_primary
                else cell.launches,
            )
            for cell in summary.cells
        ),
        comparisons=tuple(
            comparison
            for comparison in summary.comparisons
            if not only_primary
            or (comparison.kind != "host" and not is_large)
            or comparison.verdict is not None
            or comparison.metric == view.primary.name
        ),
        fleet=summary.fleet,
        resolutions=summary.resolutions,
        sustained=summary.sustained,
        outputs=summary.outputs,
        outputs_unchecked=summary.unchecked,
        failures=tuple(
            FailureFacts(
                **{f: getattr(failure, f) for f in FailureFacts.__struct_fields__}
            )
            for failure in summary.failures
        ),
        retries=summary.retries,
        operators=summary.operators,
        cells_wanted=summary.jobs_wanted,
        budgets=summary.budgets,
    )


def _only(metric: str, launches: tuple[LaunchValue, ...]) -> tuple[LaunchValue, ...]:
    return tuple(
        replace(launch, values={m: v for m, v in launch.values.items() if m == metric})
        for launch in launches
    )


def _run_facts(summary: Summary) -> RunFacts:
    started = summary.run.started
    workload = started.plan.workload
    return RunFacts(
        id=started.run_id,
        started_at=started.started_at,
        outcome=summary.run.outcome,
        command=started.command,
        commit=started.commit,
        versions=started.versions,
        blocks=workload.blocks,
        looks=workload.looks,
        gate_on=summary.gate_on,
        warmup_iterations=workload.warmup_iterations,
        iterations=workload.iterations,
        generation=workload.generation,
        heap=summary.run.heap,
    )
