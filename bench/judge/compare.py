"""Two stored runs against each other, where drift between them is not controlled."""

from __future__ import annotations

from pocketbench.bench.judge.cells import measured_cells
from pocketbench.bench.judge.comparability import unlike_apart
from pocketbench.bench.judge.comparisons import Question, judge_comparisons
from pocketbench.bench.judge.intervals import unpaired_ratio
from pocketbench.bench.judge.metrics import PRIMARY
from pocketbench.bench.judge.summary import Comparison
from pocketbench.bench.judge.verdicts import check_min_effect
from pocketbench.bench.records.metrics import METRICS
from pocketbench.bench.records.plan import DEFAULT_MIN_EFFECT
from pocketbench.bench.records.run import Run


def compare_runs(
    base: Run,
    head: Run,
    *,
    min_effect: float = DEFAULT_MIN_EFFECT,
    alpha: float = 0.05,
    gate: tuple[str, ...] = (PRIMARY,),
    allow_mismatch: bool = False,
) -> tuple[Comparison, ...]:
    """Compare every cell that both runs have, all metrics, by Welch's t test.

    Each comparison says `design="sequential"`: whatever changed on the device between
    the runs is in the ratio, so that none of them should gate on its own. On a busy
    computer a quarter to two thirds of unchanged cells were seen to look changed.

    Args:
        base: The run that the other is compared with.
        head: The run whose change is asked for.
        min_effect: The smallest change that matters, as a proportion.
        alpha: Significance level of the family of verdicts.
        gate: Names of the metrics that get verdicts; one family together.
        allow_mismatch: Whether a cell measured under unlike conditions gets one too.

    Raises:
        UsageError: The minimum effect is not a proportion.
    """
    check_min_effect(min_effect)
    before = measured_cells(base, base.devices)
    after = measured_cells(head, head.devices)
    infos = [{ready.device.id: ready for ready in run.devices} for run in (base, head)]
    differing = {
        key: unlike_apart(
            (before[key], infos[0].get(key.device_id)),
            (candidate, infos[1].get(key.device_id)),
        )
        for key, candidate in after.items()
        if key in before
    }
    questions = [
        Question(
            kind="run",
            key=key,
            baseline=base.started.run_id,
            metric=metric,
            evidence=ratio.evidence(alpha),
            design="sequential",
            unlike=differing[key],
            before=baseline.estimates.get(metric.name),
            before_size_bytes=baseline.artifact.size_bytes,
        )
        for key, candidate in after.items()
        if (baseline := before.get(key)) is not None
        for metric in METRICS
        if (
            ratio := unpaired_ratio(
                baseline.column(metric.name), candidate.column(metric.name)
            )
        )
        is not None
    ]
    return judge_comparisons(
        questions,
        min_effect=min_effect,
        alpha=alpha,
        gate=gate,
        allow_mismatch=allow_mismatch,
    )
