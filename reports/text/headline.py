"""The answer in one sentence, written from the verdicts and from nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pocketbench.bench.judge.summary import Cell, Comparison, Estimate, Verdict
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.units import format_value
from pocketbench.reports.text import sustained
from pocketbench.reports.text.fleet import fleet_lines
from pocketbench.reports.text.phrases import counted, effect_range, listed
from pocketbench.reports.text.resolution import resolving_details, resolving_sentence
from pocketbench.reports.view import View

MOST_MODELS_IN_WORDS = 3
"""With more models, or against another run, the verdicts are counted."""


class Headline(NamedTuple):
    """The sentence, and what else must be known to read it rightly."""

    sentence: str
    details: tuple[str, ...]

    def __str__(self) -> str:
        """All of it as one paragraph."""
        return " ".join((self.sentence, *self.details))


def headline(view: View) -> Headline:
    """Answer: did it get better or worse, by how much, where."""
    if view.summary.sustained:
        said, more = sustained.sentence(view)
        return Headline(said, (*more, *_missing(view)))
    if not view.summary.cells:
        return Headline(_nothing_measured(view), ())
    judged = [c for c in view.judged if c.metric == view.primary.name]
    missing = _missing(view)
    if not view.judged and view.withheld:
        return Headline(_withheld(view), missing)
    if view.summary.resolutions:
        details = (*resolving_details(view), *missing)
        return Headline(resolving_sentence(view), details)
    if not view.judged:
        return Headline(_only_measured(view), missing)
    counts = verdict_counts(view.judged)
    models = {c.model for c in judged}
    in_words = (
        judged
        and len(models) <= MOST_MODELS_IN_WORDS
        and all(c.kind == "variant" for c in judged)
    )
    if not in_words:
        return Headline(f"{counts}.", (*fleet_lines(view), *missing))
    by_candidate: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in judged:
        key = comparison.candidate, comparison.baseline
        by_candidate.setdefault(key, []).append(comparison)
    candidates = sorted(by_candidate.values(), key=_weight, reverse=True)
    claims = [_claim(view, comparisons) for comparisons in candidates]
    counting = (f"{counts}.",) if len(view.judged) > 1 else ()
    details = (*claims[1:], *fleet_lines(view), *counting, *missing)
    return Headline(claims[0], details)


def verdict_counts(judged: Sequence[Comparison]) -> str:
    """`1 regression, 2 improvements, 37 unchanged, 4 inconclusive of 44 cells`."""
    count = Counter(c.verdict for c in judged)
    cells = "cells" if len({c.metric for c in judged}) <= 1 else "comparisons"
    total = counted(len(judged), cells.removesuffix("s"))
    return (
        f"{counted(count[Verdict.REGRESSION], 'regression')}, "
        f"{counted(count[Verdict.IMPROVEMENT], 'improvement')}, "
        f"{count[Verdict.NO_CHANGE]} unchanged, "
        f"{count[Verdict.INCONCLUSIVE]} inconclusive of {total}"
    )


def _weight(comparisons: Sequence[Comparison]) -> tuple[int, float]:
    """How much a candidate has to say: settled verdicts, then size of effect."""
    settled = (Verdict.REGRESSION, Verdict.IMPROVEMENT)
    return (
        sum(c.verdict in settled for c in comparisons),
        sum(abs(math.log(c.candidate_over_baseline.point)) for c in comparisons),
    )


def _claim(view: View, comparisons: Sequence[Comparison]) -> str:
    """What one candidate came to, over all models and devices: a whole sentence."""
    candidate, baseline = comparisons[0].candidate, comparisons[0].baseline
    by_verdict: dict[Verdict, list[Comparison]] = {}
    for comparison in comparisons:
        if comparison.verdict is not None:
            by_verdict.setdefault(comparison.verdict, []).append(comparison)
    parts: list[str] = []
    for verdict in sorted(by_verdict, key=lambda v: -len(by_verdict[v])):
        found = by_verdict[verdict]
        where = _where(view, found, comparisons, is_first=not parts)
        if parts:
            parts.append(f"{_what(view, verdict, found, 'it')} {where}")
        else:
            parts.append(f"is {_what(view, verdict, found, baseline)} {where}")
    memory = _memory(view, comparisons)
    if memory:
        parts.append(memory)
    *first, last = parts
    sentence = f"{candidate} {', '.join([*first, f'and {last}'] if first else parts)}"
    sqnr = _sqnr(view, comparisons)
    if sqnr:
        sentence += f"; output SQNR {sqnr}"
    if any(_has_few_launches(view, c) for c in comparisons):
        sentence += "; quick run: rough numbers"
    return f"{sentence}."


def _what(
    view: View, verdict: Verdict, found: Sequence[Comparison], baseline: str
) -> str:
    band = f"{found[0].min_effect * 100:g} %"
    if verdict is Verdict.NO_CHANGE:
        return f"within {band} of {baseline}"
    if verdict is Verdict.INCONCLUSIVE:
        return "undecided" if baseline == "it" else f"inconclusive against {baseline}"
    ratios = [c.candidate_over_baseline.point for c in found]
    return f"{effect_range(view.primary, ratios)} than {baseline}"


def _where(
    view: View,
    found: Sequence[Comparison],
    of: Sequence[Comparison],
    *,
    is_first: bool,
) -> str:
    """`on 3 of 3 devices (1 of them simulated)`; pairs where models differ in it.

    Said in full the first time; after that only the number and what is not real.
    """
    models = {c.model for c in of}
    devices = list(dict.fromkeys(c.device_id for c in found))
    if len(found) < len(of) and len(models) > 1:
        pairs = f"in {len(found)}"
        if is_first:
            pairs += f" of {len(of)} pairs of model and device"
        return pairs + _not_real(view, devices, is_pairs=True)
    total = len({c.device_id for c in of})
    place = f"on {len(devices)}"
    if is_first:
        place += f" of {counted(total, 'device')}"
    place += _not_real(view, devices, is_pairs=False)
    if len(models) > 1:
        place += f", for {'both' if len(models) == 2 else f'all {len(models)}'} models"
    return place


def _not_real(view: View, devices: Sequence[str], *, is_pairs: bool) -> str:
    """`(1 of them simulated)`; counts devices, whatever was counted before it."""
    tags = Counter(
        tag.lower().replace("simulator", "in a simulator").replace(", ", " and ")
        for d in devices
        if (tag := view.tag(d))
    )
    if not tags:
        return ""
    if len(tags) == 1 and tags.total() == len(devices):
        words = next(iter(tags))
        return f" ({words})" if len(devices) == 1 else f" (all {words})"
    kinds = [f"{number} {tag}" for tag, number in sorted(tags.items(), reverse=True)]
    if is_pairs:
        return f" ({listed(kinds)} of {counted(len(devices), 'device')})"
    return f" ({', '.join([kinds[0].replace(' ', ' of them ', 1), *kinds[1:]])})"


def _memory(view: View, comparisons: Sequence[Comparison]) -> str | None:
    """Said only where every interval lies beyond the minimum effect, one way.

    Peak memory gets no verdict unless it was asked to gate; a whole interval beyond
    the band is stricter than what a verdict asks for.
    """
    metric = view.metrics.get("peak_rss_bytes")
    if metric is None:
        return None
    found = []
    for comparison in comparisons:
        cell = _candidate_cell(view, comparison)
        ratio = view.comparison("variant", cell, metric.name) if cell else None
        if ratio is None:
            return None
        found.append(ratio)
    sides = {_beyond(c.candidate_over_baseline, c.min_effect) for c in found}
    if len(sides) != 1 or None in sides:
        return None
    words = effect_range(metric, [c.candidate_over_baseline.point for c in found])
    return f"uses {words} memory"


def _beyond(ratio: Estimate, min_effect: float) -> int | None:
    """-1 or 1 where the whole interval lies below or above the band, else `None`."""
    if ratio.low is None or ratio.high is None:
        return None
    if ratio.high < 1 / (1 + min_effect):
        return -1
    return 1 if ratio.low > 1 + min_effect else None


def _sqnr(view: View, comparisons: Sequence[Comparison]) -> str | None:
    found = set()
    for comparison in comparisons:
        cell = _candidate_cell(view, comparison)
        error = cell.artifact.output_error if cell else None
        if error is None or error.worst_sqnr_db is None:
            return None
        found.add(round(error.worst_sqnr_db))
    low, high = min(found), max(found)
    return f"{low} dB" if low == high else f"{low} to {high} dB"


def _has_few_launches(view: View, comparison: Comparison) -> bool:
    cell = _candidate_cell(view, comparison)
    return cell is not None and Caveat.TOO_FEW_LAUNCHES in cell.caveats


def _candidate_cell(view: View, comparison: Comparison) -> Cell | None:
    return view.cells.get(
        (comparison.device_id, comparison.model, comparison.candidate)
    )


def _missing(view: View) -> tuple[str, ...]:
    wanted, measured = (
        view.summary.jobs_wanted,
        len(view.summary.cells or view.summary.sustained),
    )
    found = []
    if measured < wanted:
        cells = counted(wanted, "cell")
        found.append(f"{wanted - measured} of {cells} could not be measured.")
    if view.judged and view.withheld:
        found.append(_withheld(view))
    if any(not c.drift_controlled for c in view.judged):
        found.append("Two runs measured apart: drift is not controlled.")
    gates = [view.metric_title(name) for name in view.summary.gates_missing]
    if gates:
        found.append(f"No verdict on {listed(gates)}: nothing was measured of it.")
    return tuple(found)


def _withheld(view: View) -> str:
    """Why there is no verdict where one was asked for."""
    withheld = view.withheld
    what = dict.fromkeys(u.what for c in withheld for u in c.unlike)
    differ = f"{listed(list(what))} {'differs' if len(what) == 1 else 'differ'}"
    return (
        f"No verdict on {counted(len(withheld), 'comparison')} across unlike "
        f"conditions: {differ}; --allow-mismatch gives one."
    )


def _nothing_measured(view: View) -> str:
    failures = view.summary.failures
    devices = len({failure.device_id for failure in failures})
    if not failures:
        return "Nothing was measured."
    return (
        f"Nothing could be measured: {counted(len(failures), 'failure')} "
        f"on {counted(devices, 'device')}."
    )


def _only_measured(view: View) -> str:
    """A run with one variant: its figures, or how many there are."""
    metric = view.primary
    cells = [c for c in view.summary.cells if metric.name in c.estimates]
    few = len(cells) <= 4 and len({(c.model, c.variant_id) for c in cells}) == 1
    if not cells or not few:
        total = counted(len(view.summary.cells), "cell")
        return f"{total} measured; no baseline."
    figures = [
        f"{format_value(metric.unit, c.estimates[metric.name].point)} on "
        f"{view.tagged(c.device_id)}"
        for c in cells
    ]
    name = f"{cells[0].model} {cells[0].variant_id}"
    return f"{name} takes {listed(figures)}; no baseline."
