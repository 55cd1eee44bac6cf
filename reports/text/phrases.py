"""Ratios, intervals and counts in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pocketbench.bench.judge.summary import Cell, Comparison, Estimate, Verdict
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.metrics import Metric
from pocketbench.bench.units import Scale, format_times_or_percent, significant

VERDICT_WORDS = {
    Verdict.REGRESSION: "regression",
    Verdict.IMPROVEMENT: "improvement",
    Verdict.NO_CHANGE: "no change",
    Verdict.INCONCLUSIVE: "inconclusive",
}

BY_INTEREST = (
    Verdict.REGRESSION,
    Verdict.IMPROVEMENT,
    Verdict.INCONCLUSIVE,
    Verdict.NO_CHANGE,
    None,
)
"""What is shown first where not everything can be."""

VERDICT_SHAPES = {
    Verdict.REGRESSION: "▲",
    Verdict.IMPROVEMENT: "▼",
    Verdict.NO_CHANGE: "●",
    Verdict.INCONCLUSIVE: "○",
}
"""The same shapes as in the charts, so that colour is never needed."""


def direction(metric: Metric, ratio: float) -> str:
    """`faster`, `slower`, `less`, `more`: what a candidate / baseline ratio means."""
    if metric.unit == "ns":
        return "faster" if ratio < 1 else "slower"
    if metric.unit == "per_s":
        return "slower" if ratio < 1 else "faster"
    return "less" if ratio < 1 else "more"


def effect(metric: Metric, ratio: float) -> str:
    """A ratio as people say it: `2.1x faster`, `38 % less`, `the same`."""
    if ratio == 1:
        return "the same"
    return f"{format_times_or_percent(ratio)} {direction(metric, ratio)}"


def effect_range(metric: Metric, ratios: Sequence[float]) -> str:
    """Ratios of one direction as one phrase: `1.9x to 2.4x faster`."""
    ordered = sorted(ratios, key=lambda r: max(r, 1 / r) if r > 0 else 0)
    first, last = (format_times_or_percent(r) for r in (ordered[0], ordered[-1]))
    amount = first if first == last else f"{first} to {last}"
    return f"{amount} {direction(metric, ordered[0])}"


def speed_up(estimate: Estimate) -> Estimate:
    """Baseline / candidate of a candidate / baseline ratio."""
    low, high = estimate.low, estimate.high
    return Estimate(
        point=1 / estimate.point,
        low=1 / high if high else None,
        high=1 / low if low else None,
        launches=estimate.launches,
    )


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


def verdict_text(comparison: Comparison) -> str:
    """`▼ improvement`, with what would settle it where it is not settled."""
    if comparison.verdict is None:
        return no_verdict(comparison)
    words = f"{VERDICT_SHAPES[comparison.verdict]} {VERDICT_WORDS[comparison.verdict]}"
    further = comparison.launches_to_settle
    if further is None:
        return words
    return f"{words}, about {further} more launches would settle it"


def no_verdict(comparison: Comparison) -> str:
    """Why a comparison has no verdict."""
    if not comparison.is_withheld:
        return "for information"
    return f"none: {listed([u.what for u in comparison.unlike])} unlike"


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
