"""From ratios to comparisons with verdicts, corrected together as one family."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

from msgspec.structs import replace

from pocketbench.bench.judge.intervals import Evidence, exp
from pocketbench.bench.judge.summary import (
    Comparison,
    Contradiction,
    Estimate,
    Pairs,
    Unlike,
    Verdict,
)
from pocketbench.bench.judge.valid_launches import CellKey
from pocketbench.bench.judge.verdicts import corrected, launches_to_settle, verdict
from pocketbench.bench.records.metrics import Metric, is_gated


class Question(NamedTuple):
    """A ratio that was measured, before anything is said about it."""

    kind: Literal["variant", "host", "run"]
    key: CellKey
    baseline: str
    metric: Metric
    evidence: Evidence
    design: Literal["paired", "sequential"]
    unlike: tuple[Unlike, ...] = ()
    figures_ratio: float | None = None
    """Of the two cells' estimates."""
    pairs: Pairs | None = None
    before: Estimate | None = None
    before_size_bytes: int | None = None

    @property
    def contradicted_by(self) -> frozenset[Contradiction]:
        """What lies on the other side of 1 than the ratio."""
        log_ratio = self.evidence.ratio.mean
        found = set()
        if self.figures_ratio and math.log(self.figures_ratio) * log_ratio < 0:
            found.add(Contradiction.FIGURES)
        if self.pairs is not None and self.pairs.majority * log_ratio < 0:
            found.add(Contradiction.PAIRS)
        return frozenset(found)


def judge_comparisons(
    questions: Iterable[Question],
    *,
    min_effect: float,
    alpha: float,
    gate: tuple[str, ...],
    allow_mismatch: bool = False,
) -> tuple[Comparison, ...]:
    """Give verdicts on the gated metrics' ratios, which are one family.

    The ratio to the host is for information and never in the family; nor is one across
    unlike conditions, unless it is asked for with `allow_mismatch`.
    """
    asked = list(questions)
    wanted = [q.kind != "host" and is_gated(q.metric.name, gate) for q in asked]
    gated = [
        of and (allow_mismatch or not q.unlike)
        for q, of in zip(asked, wanted, strict=True)
    ]
    family = [
        q.evidence.p_value if of else None for q, of in zip(asked, gated, strict=True)
    ]
    q_values = corrected(family)
    made = (
        _comparison(question, of, q_value, min_effect=min_effect, alpha=alpha)
        for question, of, q_value in zip(asked, gated, q_values, strict=True)
    )
    return tuple(
        replace(comparison, is_withheld=of and comparison.verdict is None)
        for comparison, of in zip(made, wanted, strict=True)
    )


def _comparison(
    question: Question,
    is_gated: bool,
    q_value: float | None,
    *,
    min_effect: float,
    alpha: float,
) -> Comparison:
    evidence = question.evidence
    found, further = None, None
    if is_gated:
        found = verdict(
            evidence,
            q_value,
            min_effect=min_effect,
            better=question.metric.better,
            alpha=alpha,
        )
        if found is Verdict.INCONCLUSIVE:
            further = launches_to_settle(
                evidence, q_value, min_effect=min_effect, alpha=alpha
            )
    equivalence = evidence.equivalence
    bounded = is_gated and equivalence and not math.isnan(equivalence[0])
    matters = abs(evidence.ratio.mean) >= math.log1p(min_effect)
    return Comparison(
        kind=question.kind,
        device_id=question.key.device_id,
        model=question.key.model,
        metric=question.metric.name,
        baseline=question.baseline,
        candidate=question.key.variant_id,
        candidate_over_baseline=evidence.estimate(),
        p_value=evidence.p_value,
        q_value=q_value,
        verdict=found,
        design=question.design,
        drift_controlled=question.design == "paired",
        min_effect=min_effect,
        launches_to_settle=further,
        unlike=question.unlike,
        no_change_low=exp(equivalence[0]) if equivalence and bounded else None,
        no_change_high=exp(equivalence[1]) if equivalence and bounded else None,
        pairs=question.pairs if is_gated else None,
        contradicted_by=tuple(sorted(question.contradicted_by)) if matters else (),
        before=question.before,
        before_size_bytes=question.before_size_bytes,
    )
