"""What holds on phones in general, in words."""

from __future__ import annotations

from pocketbench.bench.judge.summary import FleetComparison, Verdict
from pocketbench.reports.text.phrases import (
    VERDICT_SHAPES,
    counted,
    effect,
    interval_text,
    ratio_text,
    verdict_words,
)
from pocketbench.reports.view import View

MOST_LINES = 4
"""Beside the headline; tables and data have them all."""
_AGREE, _DIFFER = 0.25, 0.75
"""Of I², after Higgins and others (BMJ 327, 2003)."""
_NOUNS = {
    None: "phone",
    "SIMULATED": "simulated phone",
    "EMULATED": "emulator",
    "SIMULATOR": "simulator",
}


def fleet_lines(view: View) -> list[str]:
    """A sentence for each comparison over phones in the primary metric."""
    found = [
        comparison
        for comparison in view.summary.fleet
        if comparison.metric == view.primary.name
    ]
    lines = [_sentence(view, comparison) for comparison in found[:MOST_LINES]]
    if len(found) > MOST_LINES:
        lines.append(
            f"{len(found) - MOST_LINES} more comparisons over phones are in the report."
        )
    return lines


def fleet_name(comparison: FleetComparison) -> str:
    """`8 phones`, `3 simulated phones`."""
    noun = _NOUNS.get(comparison.tag) or f"{(comparison.tag or '').lower()} phone"
    return counted(len(comparison.device_ids), noun)


def fleet_effect(view: View, comparison: FleetComparison) -> str:
    """`3 % slower: 1.03 [1.02, 1.04]`; only the ratio where no direction is clear."""
    ratio = comparison.candidate_over_baseline
    metric = view.metrics.get(comparison.metric)
    figures = f"{ratio_text(ratio)} {interval_text(ratio)}"
    if metric is None or ratio.low is None or ratio.high is None:
        return figures
    if ratio.low <= 1 <= ratio.high:
        return figures
    return f"{effect(metric, ratio.point)}: {figures}"


def fleet_verdict(view: View, comparison: FleetComparison) -> str:
    """`▲ slower`."""
    words = verdict_words(comparison, view.metrics.get(comparison.metric))
    return f"{VERDICT_SHAPES[comparison.verdict]} {words}"


def agreement(comparison: FleetComparison) -> str:
    """`phones agree, I² 0 %`, `phones differ by about 4 %, I² 88 %`."""
    share = comparison.i_squared
    between = f"about {100 * comparison.between_devices:.2g} %"
    if share < _AGREE:
        words = "phones agree"
    elif share < _DIFFER:
        words = f"phones differ moderately, by {between}"
    else:
        words = f"phones differ, by {between}"
    return f"{words}, I² {100 * share:.0f} %"


def _sentence(view: View, comparison: FleetComparison) -> str:
    candidate = comparison.candidate
    if len({c.model for c in view.summary.fleet}) > 1:
        candidate = f"{comparison.model} {candidate}"
    if comparison.verdict is Verdict.NO_CHANGE:
        what = f"is within {comparison.min_effect * 100:g} % of {comparison.baseline}"
    elif comparison.verdict is Verdict.INCONCLUSIVE:
        what = f"vs {comparison.baseline} is inconclusive"
    else:
        ratio = comparison.candidate_over_baseline
        said = effect(view.primary, ratio.point)
        what = f"is {said} than {comparison.baseline}"
    interval = interval_text(comparison.candidate_over_baseline)
    return (
        f"Over {fleet_name(comparison)} {candidate} {what}, ratio "
        f"{ratio_text(comparison.candidate_over_baseline)} {interval} "
        f"({agreement(comparison)})."
    )
