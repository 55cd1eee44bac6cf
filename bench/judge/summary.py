"""What the reports show: estimates and comparisons of one run, no formatting."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pocketbench.bench.judge.grade import Grade
from pocketbench.bench.judge.operators import OperatorTable
from pocketbench.bench.judge.outputs import JudgedOutputs
from pocketbench.bench.judge.resources import Resources
from pocketbench.bench.judge.time_series import SustainedCell
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.metrics import MEAN_LATENCY, USUAL_GATE, Metric
from pocketbench.bench.records.operator_times import ProfileFailure
from pocketbench.bench.records.output_check import OutputCheckMissing
from pocketbench.bench.records.plan import Budget, depth_suffix
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.run import DeviceReady, Run, RunStarted


class Estimate(Value, frozen=True, kw_only=True):
    """A point and its 95 % interval, always together."""

    point: float
    low: float | None
    """`None` (both ends) with fewer than two launches: no interval can be had."""
    high: float | None
    launches: int
    """How many launches, or pairs of launches, it rests on."""


class Verdict(StrEnum):
    """What a comparison came to."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NO_CHANGE = "no_change"
    INCONCLUSIVE = "inconclusive"


class LaunchShape(StrEnum):
    """How the main iterations of one launch go."""

    FLAT = "flat"
    WARM_UP = "warm_up"
    """Slower at first; the last level is the fastest and lasts."""
    SLOW_DOWN = "slow_down"
    """Faster at first, as on a phone that grows hot."""
    NO_STEADY_STATE = "no_steady_state"
    """Still changing in its last quarter."""


class LaunchValue(Value, frozen=True, kw_only=True):
    """One launch's values, for the dots of the charts."""

    started_at: str
    block: int
    position: int
    values: dict[str, float]
    """By metric name."""
    shape: LaunchShape | None = None
    """`None` with fewer than 20 main iterations: they show none."""
    steady_from: int = 0
    """The main iteration, from 0, from which the last level holds; with the shape
    WARM_UP those before it are left out of the latencies."""


class Cell(Value, frozen=True, kw_only=True):
    """One model and variant on one device: one estimate per metric."""

    device_id: str
    model: str
    variant_id: str
    artifact: Artifact
    runner: str
    threads: int
    kv_depth: int | None = None
    """Tokens in the KV cache when the prompt comes; `None`: it did not generate."""
    is_baseline: bool
    estimates: dict[str, Estimate]
    """By metric name; a metric nothing was measured of is absent."""
    launches: tuple[LaunchValue, ...]
    """In order of time; only the launches that count (broken blocks left out)."""
    records: tuple[Launch, ...]
    """The same launches as they were stored, in the same order."""
    caveats: tuple[Caveat, ...]
    """Of its launches, its device and its spread together, worst first."""
    grade: Grade
    """How far it can be trusted, and the caveats that decide it."""
    resources: Resources | None = None
    """Memory and how it was read, and energy; `None`: not asked for."""
    redone_launches: int = 0
    """Launches that were throttled and measured again: leaving them out favours the
    variant that heats the device more."""

    @property
    def build_id(self) -> str:
        """The variant, at whatever depth of the KV cache it was measured."""
        return self.variant_id.removesuffix(depth_suffix(self.kv_depth))

    def by_block(self, metric: str) -> dict[int, float]:
        """One metric's value of each block that has it."""
        return {
            value.block: value.values[metric]
            for value in self.launches
            if metric in value.values
        }

    def positions(self) -> dict[int, int]:
        """The place of each block's launch within it."""
        return {value.block: value.position for value in self.launches}

    def column(self, metric: str) -> list[float]:
        """One metric's values in order of time."""
        return [
            value.values[metric] for value in self.launches if metric in value.values
        ]


class Unlike(Value, frozen=True, kw_only=True):
    """A condition that differed between the two sides of a comparison."""

    what: str
    """`OS build`, `charging`, ..."""
    baseline: str
    candidate: str


class Pairs(Value, frozen=True, kw_only=True):
    """How many blocks say which, one by one."""

    above: int
    """Those whose candidate has the larger value."""
    below: int

    @property
    def majority(self) -> int:
        """1 or -1 where more than half of the pairs lie above or below; else 0."""
        return (self.above > self.below) - (self.above < self.below)


class Contradiction(StrEnum):
    """What says the opposite of an estimated ratio, though it matters."""

    FIGURES = "figures"
    """The estimates of the two cells, set against each other."""
    PAIRS = "pairs"
    """More than half of the blocks."""


class Comparison(Value, frozen=True, kw_only=True, omit_defaults=True):
    """A candidate against a baseline, in one metric, on one device.

    As JSON what has its default is left out.
    """

    kind: Literal["variant", "host", "run"]
    """Against the baseline variant on the same device; against the host with the same
    variant; against another stored run."""
    device_id: str
    model: str
    metric: str
    baseline: str
    """Variant id, `host`, or the other run's id."""
    candidate: str
    """Variant id."""
    candidate_over_baseline: Estimate
    p_value: float | None
    q_value: float | None
    """After Benjamini-Hochberg over the primary metric's cells; `None` elsewhere."""
    verdict: Verdict | None
    """`None` where none is given: the ratio to the host is for information, and one
    across unlike conditions too unless they were allowed."""
    design: Literal["paired", "sequential"]
    """Paired blocks; or two sets apart, where drift is not controlled."""
    drift_controlled: bool
    """Whether what changed on the device meanwhile is the same on both sides."""
    min_effect: float
    launches_to_settle: int | None
    """About how many further launches of each side would settle an inconclusive one."""
    unlike: tuple[Unlike, ...] = ()
    """What else differed between the two sides and is in the ratio."""
    is_withheld: bool = False
    """It would have got a verdict under like conditions."""
    no_change_low: float | None = None
    """Ends of the interval of two one-sided tests at 5 % each: the verdict is no change
    where it lies within the minimum effect. `None` where no verdict was asked for."""
    no_change_high: float | None = None
    pairs: Pairs | None = None
    """`None` where launches were not paired or no verdict was asked for."""
    contradicted_by: tuple[Contradiction, ...] = ()
    """What says the opposite of the ratio, where it is beyond the minimum effect."""
    before: Estimate | None = None
    """The baseline's own value, of another run, whose cells are not in the summary."""
    before_size_bytes: int | None = None
    """Of the baseline's model file, there too."""


class FleetComparison(Value, frozen=True, kw_only=True):
    """A candidate against a baseline, in one metric, on phones in general."""

    tag: str | None
    """`SIMULATED`, `EMULATED` ...; `None`: real phones. The kinds are never mixed."""
    device_ids: tuple[str, ...]
    """The phones it rests on."""
    model: str
    metric: str
    baseline: str
    candidate: str
    candidate_over_baseline: Estimate
    """Over phones: the interval holds the mean of all such phones' ratios."""
    between_devices: float
    """Standard deviation of the phones' own ratios, as a proportion."""
    i_squared: float
    """Share of the variance between the phones' ratios that is not noise, 0 to 1."""
    p_value: float | None
    q_value: float | None
    """After Benjamini-Hochberg over the fleet comparisons of the run."""
    verdict: Verdict
    min_effect: float
    no_change_low: float
    """Ends of the interval of two one-sided tests at 5 % each."""
    no_change_high: float


class Resolution(Value, frozen=True, kw_only=True):
    """What one device can resolve: a model file was compared with itself."""

    device_id: str
    model: str
    variant_id: str
    """Of the copy."""
    metric: str
    blocks: int
    """Pairs of launches it rests on."""
    half_width: float | None
    """Of the interval of the ratio, as a proportion; `None` where there is none."""
    smallest_found: float | None
    """The smallest change, as a proportion, that so many blocks find four times in
    five, were it the only comparison."""
    blocks_for_min_effect: int | None
    """About how many would show the minimum effect as often; `None`: more than can be
    promised."""
    min_effect: float


class BudgetVerdict(StrEnum):
    """What a configuration's interval says about a budget."""

    WITHIN = "within"
    OVER = "over"
    UNDECIDED = "undecided"
    """The limit lies within the interval, or there is no interval."""
    NOT_MEASURED = "not_measured"


class JudgedBudget(Value, frozen=True, kw_only=True, omit_defaults=True):
    """A budget on one configuration; on none where none fits it."""

    budget: Budget
    device_id: str | None = None
    model: str | None = None
    variant_id: str | None = None
    estimate: Estimate | None = None
    verdict: BudgetVerdict


class Retried(Value, frozen=True, kw_only=True):
    """What went wrong on a device for a moment, and cost no launch."""

    device_id: str
    reason: FailureReason
    times: int
    """How often the device was opened again for it."""
    fact: str
    """Of the last time."""


class Summary(Value, frozen=True, kw_only=True):
    """Everything a report of one run needs; derived from the run's file alone."""

    run: Run
    metrics: tuple[Metric, ...]
    """The primary one first."""
    devices: tuple[DeviceReady, ...]
    """The host first."""
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    fleet: tuple[FleetComparison, ...] = ()
    """What holds on phones in general, where a run has enough phones of a kind."""
    outputs: tuple[JudgedOutputs, ...] = ()
    """What the devices answered, where that was checked."""
    unchecked: tuple[OutputCheckMissing, ...] = ()
    """Where it could not be."""
    operators: tuple[OperatorTable, ...] = ()
    """Where the time goes, where that was observed."""
    unprofiled: tuple[ProfileFailure, ...] = ()
    """Where it could not be."""
    failures: tuple[Failure, ...]
    """That stand: those a later attempt made good are left out."""
    retries: tuple[Retried, ...] = ()
    """Those that opening the device again made good, by device and reason."""
    jobs_wanted: int
    """Cells the plan asked for on the devices that were selected."""
    gate_on: tuple[str, ...] = USUAL_GATE
    """Names of the metrics that were to get verdicts."""
    resolutions: tuple[Resolution, ...] = ()
    """Of a self-check, in which every candidate is its own baseline; else empty."""
    sustained: tuple[SustainedCell, ...] = ()
    """Of a run of single long launches, which has no cells."""
    budgets: tuple[JudgedBudget, ...] = ()
    """Each budget of the suite on each configuration it is about."""
    compared_with: RunStarted | None = None
    """The earlier run that this one is compared with."""

    @property
    def gates_missing(self) -> tuple[str, ...]:
        """Metrics that were to get verdicts and have none, where others could.

        Withheld verdicts are marked in the comparisons themselves.
        """
        judged = {
            c.metric for c in self.comparisons if c.verdict is not None or c.is_withheld
        }
        if not any(c.kind != "host" for c in self.comparisons):
            return ()
        if MEAN_LATENCY in judged:
            judged.add(USUAL_GATE[0])
        return tuple(name for name in self.gate_on if name not in judged)

    def cell(self, device_id: str, model: str, variant_id: str) -> Cell | None:
        """One cell, or `None` when nothing was measured of it."""
        for cell in self.cells:
            if (cell.device_id, cell.model, cell.variant_id) == (
                device_id,
                model,
                variant_id,
            ):
                return cell
        return None
