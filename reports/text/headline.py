"""The answer in one sentence, written from the verdicts and from nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pocketbench.bench.judge.summary import Comparison, Estimate, Verdict
from pocketbench.bench.records.caveat import Caveat
from pocketbench.reports.text import sustained
from pocketbench.reports.text.fastest import fastest_sentence
from pocketbench.reports.text.fleet import fleet_lines
from pocketbench.reports.text.history import improved_sentence, raised_sentence
from pocketbench.reports.text.phrases import (
    BY_INTEREST,
    RATES,
    SETTLED_APART,
    before_after,
    counted,
    effect,
    effect_range,
    is_in_times,
    listed,
)
from pocketbench.reports.text.resolution import resolving_details, resolving_sentence
from pocketbench.reports.text.why import why_lines
from pocketbench.reports.view import View

MOST_MODELS_IN_WORDS = 3
"""With more models the verdicts are counted."""
MOST_FIGURES = 2
"""Comparisons whose milliseconds a sentence has."""
MOST_UNCOUNTED = 4
"""With more comparisons they are counted besides what is said of each candidate."""


class Headline(NamedTuple):
    """The sentence, and what else must be known to read it rightly."""

    sentence: str
    details: tuple[str, ...]

    def __str__(self) -> str:
        """All of it as one paragraph."""
        return " ".join((self.sentence, *self.details))


def headline(view: View) -> Headline:
    """What the history confirmed; how fast; what is better or worse, how much, where.

    Of two runs or builds the change comes before how fast it is: it is what was asked.
    An improvement of the history is no alarm and never comes first; nor does a
    regression of it where two builds of one model were measured, such as those of a
    pull request: they did not cause it.
    """
    answer = _answer(view)
    found = raised_sentence(view.histories.values())
    better = improved_sentence(view.histories.values())
    also = (better,) if better else ()
    if found is None:
        return Headline(answer.sentence, (*also, *answer.details))
    if any(model.builds for model in view.summary.run.started.plan.models):
        return Headline(answer.sentence, (found, *also, *answer.details))
    return Headline(found, (*also, answer.sentence, *answer.details))


def _answer(view: View) -> Headline:
    """What the run itself says."""
    if view.summary.sustained:
        said, more = sustained.sentence(view)
        return Headline(said, (*more, *_missing(view)))
    if not view.summary.cells:
        return Headline(_nothing_measured(view), ())
    missing = _missing(view)
    if view.summary.compared_with is not None and view.judged:
        return Headline(_change(view), (_two_runs(view), *missing))
    if not view.judged and view.withheld:
        return Headline(_withheld(view), (fastest_sentence(view), *missing))
    if view.summary.resolutions:
        details = (*resolving_details(view), *missing)
        return Headline(resolving_sentence(view), details)
    speed = fastest_sentence(view)
    if not view.judged:
        return Headline(speed, missing)
    first, *rest = [speed, *_claims(view)]
    if any(model.origins for model in view.summary.run.started.plan.models):
        # Two builds of one model: what changed between them is the question.
        first, *rest = [*rest, speed]
    details = (*rest, *_two_builds(view), *why_lines(view), *fleet_lines(view))
    return Headline(first, (*details, *missing))


def verdict_counts(view: View, judged: Sequence[Comparison]) -> str:
    """`1 regression, 2 improvements, 37 unchanged ...` of runs; `1 slower` within one.

    Where verdicts on time and on memory are counted together, `1 worse, 0 better`.
    """
    count = Counter(c.verdict for c in judged)
    worse, better = count[Verdict.REGRESSION], count[Verdict.IMPROVEMENT]
    if any(c.kind == "run" for c in judged):
        words = [counted(worse, "regression"), counted(better, "improvement")]
        words.append(f"{count[Verdict.NO_CHANGE]} unchanged")
    else:
        known = [view.metrics[c.metric] for c in judged if c.metric in view.metrics]
        is_time = {metric.unit for metric in known} <= {"ns", *RATES}
        pair = ("slower", "faster") if is_time else ("worse", "better")
        words = [f"{worse} {pair[0]}", f"{better} {pair[1]}"]
        words.append(f"{count[Verdict.NO_CHANGE]} same")
    total = counted(len(judged), "comparison")
    return f"{', '.join(words)}, {count[Verdict.INCONCLUSIVE]} inconclusive of {total}"


def _claims(view: View) -> list[str]:
    """A sentence for each candidate; the counts where those would be too many."""
    judged = [c for c in view.judged if c.metric == view.primary.name]
    counts = f"{verdict_counts(view, view.judged)}."
    if not judged or len({c.model for c in judged}) > MOST_MODELS_IN_WORDS:
        return [counts]
    by_candidate: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in judged:
        key = comparison.candidate, comparison.baseline
        by_candidate.setdefault(key, []).append(comparison)
    candidates = sorted(by_candidate.values(), key=_weight, reverse=True)
    claims = [_claim(view, comparisons) for comparisons in candidates]
    if any(_has_few_launches(view, c) for c in judged):
        claims[-1] = f"{claims[-1].removesuffix('.')}; quick run: rough numbers."
    return [*claims, counts] if len(view.judged) > MOST_UNCOUNTED else claims


def _change(view: View) -> str:
    """What the later of two runs changed: the worst regression, and the counts."""
    counts = verdict_counts(view, view.judged)
    worst = min(view.judged, key=lambda c: (BY_INTEREST.index(c.verdict), -_size(c)))
    if worst.verdict not in SETTLED_APART:
        return f"{counts}."
    metric = view.metrics.get(worst.metric)
    if metric is None:
        return f"{counts}."
    said = effect(metric, worst.candidate_over_baseline.point)
    figures = before_after(metric, *view.sides(worst))
    what = "" if metric is view.primary else f" {metric.title}"
    return (
        f"{worst.model} {worst.candidate} on {view.tagged(worst.device_id)}:{what} "
        f"{said} ({figures}); {counts}."
    )


def _two_runs(view: View) -> str:
    """Both runs by commit and id."""
    other, this = view.summary.compared_with, view.summary.run.started
    if other is None:
        return ""
    before, after = (
        f"{f'commit {run.commit[:10]}, ' if run.commit else ''}run {run.run_id}"
        for run in (other, this)
    )
    return f"Baseline: {before}. Candidate: {after}."


def _two_builds(view: View) -> list[str]:
    """The commits that builds of one model are of, where the run was given them."""
    lines = []
    for model in view.summary.run.started.plan.models:
        commits = [
            f"{name.capitalize()}: commit {build.commit[:10]}."
            for name, build in model.builds.items()
            if build.commit
        ]
        lines.append(" ".join(commits))
    return list(dict.fromkeys(filter(None, lines)))


def _size(comparison: Comparison) -> float:
    return abs(math.log(comparison.candidate_over_baseline.point))


def _weight(comparisons: Sequence[Comparison]) -> tuple[int, float]:
    """How much a candidate has to say: settled verdicts, then size of effect."""
    return (
        sum(c.verdict in SETTLED_APART for c in comparisons),
        sum(map(_size, comparisons)),
    )


def _claim(view: View, comparisons: Sequence[Comparison]) -> str:
    """What one candidate came to, over all models and devices: whole sentences."""
    candidate, baseline = comparisons[0].candidate, comparisons[0].baseline
    by_verdict: dict[Verdict, list[Comparison]] = {}
    for comparison in comparisons:
        if comparison.verdict is not None:
            by_verdict.setdefault(comparison.verdict, []).append(comparison)
    as_times = any(
        is_in_times(c.candidate_over_baseline.point)
        for c in comparisons
        if c.verdict in SETTLED_APART
    )
    parts: list[str] = []
    for verdict in sorted(
        by_verdict, key=lambda v: (-len(by_verdict[v]), BY_INTEREST.index(v))
    ):
        found = by_verdict[verdict]
        where = _where(view, found, comparisons, is_first=not parts)
        name = "it" if parts else baseline
        what = _what(view, verdict, found, name, as_times=as_times)
        parts.append(f"{what if parts else f'is {what}'} {where}")
    *first, last = parts
    sentence = f"{candidate} {', '.join([*first, f'and {last}'] if first else parts)}"
    sqnr = _sqnr(view, comparisons)
    if sqnr:
        sentence += f"; output SQNR {sqnr}"
    # Of its own, for less memory is per cent where much faster is times.
    memory = _memory(view, comparisons)
    return f"{sentence}. It {memory}." if memory else f"{sentence}."


def _what(
    view: View,
    verdict: Verdict,
    found: Sequence[Comparison],
    baseline: str,
    *,
    as_times: bool,
) -> str:
    if verdict is Verdict.NO_CHANGE:
        return f"within {found[0].min_effect * 100:g} % of {baseline}"
    if verdict is Verdict.INCONCLUSIVE:
        return "inconclusive" if baseline == "it" else f"inconclusive vs {baseline}"
    ratios = [c.candidate_over_baseline.point for c in found]
    said = f"{effect_range(view.primary, ratios, as_times=as_times)} than {baseline}"
    if len(found) > MOST_FIGURES:
        return said
    figures = [before_after(view.primary, *view.sides(c)) for c in found]
    return f"{said} ({', '.join(filter(None, figures))})"


def _where(
    view: View,
    found: Sequence[Comparison],
    of: Sequence[Comparison],
    *,
    is_first: bool,
) -> str:
    """`on all 3 devices (1 of them simulated)`; pairs where models differ in it.

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
    if total == 1:
        place = f"on {view.tagged(devices[0])}"
        return place + _both(models)
    if len(devices) == total:
        place = f"on {'both' if total == 2 else f'all {total}'} devices"
    else:
        place = f"on {len(devices)}"
        place += f" of {counted(total, 'device')}" if is_first else ""
    place += _not_real(view, devices, is_pairs=False)
    return place + _both(models)


def _both(models: set[str]) -> str:
    if len(models) == 1:
        return ""
    return f", for {'both' if len(models) == 2 else f'all {len(models)}'} models"


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
        cell = view.candidate_cell(comparison)
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
        cell = view.candidate_cell(comparison)
        error = cell.artifact.output_error if cell else None
        if error is None or error.worst_sqnr_db is None:
            return None
        found.add(round(error.worst_sqnr_db))
    low, high = min(found), max(found)
    return f"{low} dB" if low == high else f"{low} to {high} dB"


def _has_few_launches(view: View, comparison: Comparison) -> bool:
    cell = view.candidate_cell(comparison)
    return cell is not None and Caveat.TOO_FEW_LAUNCHES in cell.caveats


def _missing(view: View) -> tuple[str, ...]:
    wanted, measured = (
        view.summary.jobs_wanted,
        len(view.summary.cells or view.summary.sustained),
    )
    found = []
    if measured < wanted:
        planned = counted(wanted, "configuration")
        found.append(f"{wanted - measured} of {planned} could not be measured.")
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
        f"No verdict on {counted(len(withheld), 'comparison')} under different "
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
