"""Ratios, intervals and counts in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pocketbench.bench.judge.summary import (
    Cell,
    Comparison,
    Estimate,
    FleetComparison,
    Verdict,
)
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.metrics import Metric
from pocketbench.bench.units import (
    Scale,
    common_scale,
    format_percent,
    format_times_or_percent,
    significant,
)

_RUN_WORDS = {
    Verdict.REGRESSION: "regression",
    Verdict.IMPROVEMENT: "improvement",
    Verdict.NO_CHANGE: "no change",
    Verdict.INCONCLUSIVE: "inconclusive",
}
_VARIANT_WORDS = {**_RUN_WORDS, Verdict.NO_CHANGE: "same"}

BY_INTEREST = (
    Verdict.REGRESSION,
    Verdict.IMPROVEMENT,
    Verdict.INCONCLUSIVE,
    Verdict.NO_CHANGE,
    None,
)
"""What is shown first where not everything can be."""

SETTLED_APART = (Verdict.REGRESSION, Verdict.IMPROVEMENT)
"""Verdicts of a difference."""

VERDICT_SHAPES = {
    Verdict.REGRESSION: "▲",
    Verdict.IMPROVEMENT: "▼",
    Verdict.NO_CHANGE: "●",
    Verdict.INCONCLUSIVE: "○",
}
"""The same shapes as in the charts, so that colour is never needed."""


RATES = ("per_s", "tokens_per_s")
"""Units of which more is faster."""


def direction(metric: Metric, ratio: float) -> str:
    """`faster`, `slower`, `less`, `more`: what a candidate / baseline ratio means."""
    if metric.unit == "ns":
        return "faster" if ratio < 1 else "slower"
    if metric.unit in RATES:
        return "slower" if ratio < 1 else "faster"
    return "less" if ratio < 1 else "more"


def effect(metric: Metric, ratio: float, *, as_times: bool = False) -> str:
    """A ratio as people say it: `2.1x faster`, `25 % slower`, `38 % less`."""
    if ratio == 1:
        return "the same"
    return f"{_amount(metric, ratio, as_times)} {direction(metric, ratio)}"


def effect_range(
    metric: Metric, ratios: Sequence[float], *, as_times: bool = False
) -> str:
    """Ratios of one direction as one phrase: `1.9x to 2.4x faster`, `3 to 8 % less`."""
    ordered = sorted(ratios, key=lambda r: max(r, 1 / r) if r > 0 else 0)
    as_times = as_times or is_in_times(ordered[-1])
    first, last = (_amount(metric, r, as_times) for r in (ordered[0], ordered[-1]))
    amount = last if first == last else f"{first.removesuffix(' %')} to {last}"
    return f"{amount} {direction(metric, ordered[0])}"


def is_in_times(ratio: float) -> bool:
    """Whether a ratio is said as `2.1x` and not in per cent."""
    return ratio > 0 and max(ratio, 1 / ratio) >= 2


def _amount(metric: Metric, ratio: float, as_times: bool) -> str:
    """Half the memory is 50 % less; half the time is 2.0x faster."""
    if direction(metric, ratio) == "less":
        return format_percent(1 - ratio)
    return format_times_or_percent(ratio, as_times=as_times)


def ratio_text(estimate: Estimate) -> str:
    """`0.476`, three significant digits."""
    return significant(estimate.point)


def interval_text(estimate: Estimate, scale: Scale | None = None) -> str:
    """`[0.455, 0.498]`; says so where no interval can be had."""
    if estimate.low is None or estimate.high is None:
        return "[no interval]"
    size = scale.size if scale else 1.0
    low, high = (significant(end / size) for end in (estimate.low, estimate.high))
    return f"[{low}, {high}]"


def before_after(
    metric: Metric, before: Estimate | None, after: Estimate | None
) -> str:
    """`10.0 → 8.03 ms`, baseline and candidate; empty where either is unknown."""
    if before is None or after is None:
        return ""
    scale = common_scale(metric.unit, [before.point, after.point])
    words = f"{scale.format(before.point)} → {scale.format(after.point)} {scale.name}"
    return words.rstrip()


def verdict_words(
    comparison: Comparison | FleetComparison, metric: Metric | None
) -> str:
    """`regression` or `no change` of two runs; within one `slower`, `same` ..."""
    verdict = comparison.verdict
    if verdict is None:
        assert isinstance(comparison, Comparison)
        return no_verdict(comparison)
    if isinstance(comparison, Comparison) and comparison.kind == "run":
        return _RUN_WORDS[verdict]
    if verdict in SETTLED_APART and metric is not None:
        return direction(metric, comparison.candidate_over_baseline.point)
    return _VARIANT_WORDS[verdict]


def verdict_text(comparison: Comparison, metric: Metric | None) -> str:
    """`▼ 25 % faster`, `▲ regression, 8 % slower`; what would settle the unsettled."""
    if comparison.verdict is None:
        return no_verdict(comparison)
    words = verdict_words(comparison, metric)
    if comparison.verdict in SETTLED_APART and metric is not None:
        said = effect(metric, comparison.candidate_over_baseline.point)
        words = f"{words}, {said}" if comparison.kind == "run" else said
    elif comparison.verdict is Verdict.INCONCLUSIVE and comparison.launches_to_settle:
        count = comparison.launches_to_settle
        words += f", about {counted(count, 'more launch', 'more launches')} needed"
    return f"{VERDICT_SHAPES[comparison.verdict]} {words}"


def no_verdict(comparison: Comparison) -> str:
    """Why a comparison has no verdict."""
    if not comparison.is_withheld:
        return "for information"
    return f"none: different {listed([u.what for u in comparison.unlike])}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 cell`, `3 cells`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) <= 1:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def grade_words(cell: Cell) -> str:
    """`B: charging, clocks capped`; an A needs no words."""
    reasons = reason_words(cell.grade.reasons)
    return f"{cell.grade.letter}: {reasons}" if reasons else cell.grade.letter


def reason_words(reasons: Iterable[Caveat]) -> str:
    """`charging, clocks capped`: caveats by their names."""
    return ", ".join(reason.value.replace("_", " ") for reason in reasons)
