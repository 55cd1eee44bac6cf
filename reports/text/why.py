"""Why a build is slower or faster: what its operators take more or less, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pocketbench.bench.judge.operator_differences import (
    OperatorDifference,
    kind_differences,
)
from pocketbench.bench.judge.operators import OperatorTable
from pocketbench.bench.judge.summary import Comparison, Verdict
from pocketbench.bench.units import Scale, common_scale, significant
from pocketbench.reports.text.phrases import SETTLED_APART
from pocketbench.reports.view import View

MOST_LINES = 2
"""Beside the headline."""
AGREEMENT = 0.2
"""How far the operators' sum may be from the timed median."""
_FELL_BACK = 0.05
"""Below this share of the time, fallbacks are no explanation."""


class OperatorPair(NamedTuple):
    """A candidate's operators beside its baseline's; alone where there is none."""

    baseline: OperatorTable | None
    candidate: OperatorTable


def tables_of(view: View, model: str) -> list[OperatorTable]:
    """A model's tables by device and variant, in the report's order."""
    found = {
        (table.device_id, table.variant_id): table
        for table in view.summary.operators
        if table.model == model
    }
    return [
        found[device_id, variant_id]
        for device_id in view.device_ids
        for variant_id in view.variant_ids
        if (device_id, variant_id) in found
    ]


def operator_pairs(view: View, tables: Sequence[OperatorTable]) -> list[OperatorPair]:
    """Each candidate with its baseline; a lone table with nothing."""
    planned = view.summary.run.started.plan.variants
    pairs: list[OperatorPair] = []
    for device_id in dict.fromkeys(table.device_id for table in tables):
        here = {t.variant_id: t for t in tables if t.device_id == device_id}
        threads = {v.id: v.threads for v in planned if v.id in here}
        marked = [v.id for v in planned if v.is_baseline and v.id in here]
        candidates = [t for t in here.values() if t.variant_id not in marked]
        for table in candidates or list(here.values()):
            like = [x for x in marked if threads[x] == threads[table.variant_id]]
            name = next(iter(like or marked), None)
            is_alone = name is None or name == table.variant_id
            pairs.append(OperatorPair(None if is_alone else here[name or ""], table))
    return pairs


def disagreement(view: View, table: OperatorTable) -> str | None:
    """That a profile contradicts the timed median; `None` where the two agree."""
    cell = view.cells.get((table.device_id, table.model, table.variant_id))
    timed = cell.estimates.get(view.primary.name) if cell else None
    plain_ns = table.time_ns / max(1.0, table.observed_over_plain or 1.0)
    if timed is None or abs(plain_ns / timed.point - 1) <= AGREEMENT:
        return None
    scale = common_scale("ns", [timed.point])
    return (
        f"{table.variant_id}'s operators add up to {scale.format(table.time_ns)} "
        f"{scale.name}, but its timed median is {scale.format(timed.point)} "
        f"{scale.name}: more than {AGREEMENT * 100:.0f} % apart"
    )


def why(view: View, pair: OperatorPair) -> str | None:
    """The conclusion of a profile in a sentence; `None` where nothing differs."""
    baseline, candidate = pair
    if baseline is None:
        return None
    against = [words for t in (baseline, candidate) if (words := disagreement(view, t))]
    if against:
        found = "; ".join(against)
        return f"The profile does not explain the timed difference: {found}."
    comparison = _comparison(view, candidate)
    differences = kind_differences(baseline, candidate)
    if comparison is None or comparison.verdict not in SETTLED_APART:
        return None
    scale = common_scale("ns", [max(baseline.time_ns, candidate.time_ns)])
    if not differences:
        return None
    name = f"{candidate.variant_id} on {view.tagged(candidate.device_id)}"
    words = f"{name}: {_difference(differences[0], scale)}"
    return f"{words}{_no_fast_path(view, comparison, pair, differences[0].name)}."


def _difference(found: OperatorDifference, scale: Scale) -> str:
    """`convolution: +46.0 ms (12.0 → 58.0 ms) = 99 % of the difference`."""
    before, after = scale.format(found.before_ns), scale.format(found.after_ns)
    change = change_words(found, scale.format, unit=scale.name)
    return (
        f"{found.name}: {change} ({before} → {after} {scale.name}) = "
        f"{significant(found.share * 100, 2)} % of the difference"
    )


def change_words(
    found: OperatorDifference, number: Callable[[float], str], *, unit: str = ""
) -> str:
    """`+46.0 ms [44.1, 47.9]`; without the interval where one launch was observed."""
    sign = "+" if found.change_ns > 0 else "-"
    words = f"{sign}{number(abs(found.change_ns))} {unit}".rstrip()
    if found.interval_ns is None:
        return words
    low, high = map(number, found.interval_ns)
    return f"{words} [{low}, {high}]"


def why_lines(view: View) -> list[str]:
    """The conclusions of a run, the first few."""
    found = [
        words
        for model in view.models
        for pair in operator_pairs(view, tables_of(view, model))
        if (words := why(view, pair))
    ]
    return found[:MOST_LINES]


def _comparison(view: View, table: OperatorTable) -> Comparison | None:
    cell = view.cells.get((table.device_id, table.model, table.variant_id))
    return view.comparison("variant", cell, view.primary.name) if cell else None


def _no_fast_path(view: View, found: Comparison, pair: OperatorPair, kind: str) -> str:
    """Slower in another precision, though hardly anything fell back."""
    baseline, candidate = pair
    cells = [
        view.cells.get((t.device_id, t.model, t.variant_id))
        for t in (baseline, candidate)
        if t is not None
    ]
    precisions = [cell.artifact.precision for cell in cells if cell]
    is_slower = found.verdict is Verdict.REGRESSION
    if (
        not is_slower
        or len(set(precisions)) < 2
        or candidate.fallback_share > _FELL_BACK
    ):
        return ""
    return (
        f"; little or nothing fell back, so this CPU or kernel set has no fast path "
        f"for {kind} in {precisions[-1]}"
    )
