"""The forest plot: every comparison, its ratio and interval, worst first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pocketbench.bench.judge.summary import Comparison, Verdict
from pocketbench.bench.records.metrics import Metric
from pocketbench.reports.plots.axis import Axis, ratio_axis
from pocketbench.reports.plots.rows import (
    Row,
    RowChart,
    row_chart,
    row_sheet,
    shortened,
)
from pocketbench.reports.plots.sheet import Sheet
from pocketbench.reports.plots.style import (
    BAND,
    INK,
    MUTED,
    REGRESSION,
    VERDICT_COLOURS,
    VERDICT_MARKERS,
    WIDE_PX,
)
from pocketbench.reports.text.headline import headline
from pocketbench.reports.text.phrases import (
    counted,
    direction,
    effect,
    interval_text,
    ratio_text,
    verdict_words,
)
from pocketbench.reports.view import View


def forest(
    view: View, comparisons: Sequence[Comparison], *, name: str = "forest"
) -> str:
    """Draw comparisons of one metric, at least one, for a page."""
    metric, ordered = _ordered(view, comparisons)
    return row_chart(
        _chart(view, metric, ordered),
        name=name,
        title=_title(metric),
        description=_description(ordered, metric),
    )


def svg(view: View) -> str:
    """A file of its own of the first judged metric; equal runs give equal bytes."""
    judged = _judged(view)
    if not judged:
        return _only_words(view).svg(
            "forest",
            title="No verdict",
            description=str(headline(view)),
            inline=False,
        )
    metric, ordered = _ordered(view, judged)
    return row_sheet(_chart(view, metric, ordered)).svg(
        "forest",
        title=_title(metric),
        description=_description(ordered, metric),
        inline=False,
    )


def png(view: View) -> bytes:
    """The same as pixels, twice as fine, in the light theme."""
    judged = _judged(view)
    if not judged:
        return _only_words(view).png()
    return row_sheet(_chart(view, *_ordered(view, judged))).png()


def _judged(view: View) -> list[Comparison]:
    """Those of the first metric that has verdicts."""
    for metric in view.summary.metrics:
        if found := [c for c in view.judged if c.metric == metric.name]:
            return found
    return []


def _only_words(view: View) -> Sheet:
    """Where there is nothing to draw, what the report says."""
    sheet = Sheet(WIDE_PX, 60.0)
    sheet.text(8.0, 30.0, shortened(headline(view).sentence, 110))
    return sheet


def _ordered(
    view: View, comparisons: Sequence[Comparison]
) -> tuple[Metric, list[Comparison]]:
    metric = view.metrics[comparisons[0].metric]
    return metric, worst_first(comparisons, metric)


def _title(metric: Metric) -> str:
    return f"{metric.title} of every candidate against its baseline"


def _chart(view: View, metric: Metric, ordered: Sequence[Comparison]) -> RowChart:
    min_effect = ordered[0].min_effect
    ratios = list(_to_show(ordered))
    baselines = _baselines(view, ordered)
    return RowChart(
        rows=[_row(view, metric, comparison) for comparison in ordered],
        axis=lambda start, end: ratio_axis(ratios, min_effect, start, end),
        behind=lambda sheet, axis, top, bottom: _band(
            sheet, axis, top, bottom, min_effect
        ),
        row=lambda sheet, axis, index, y: _mark(
            sheet, axis, ordered[index], y, is_alarm=view.is_alarm(ordered[index])
        ),
        heading=(f"← {direction(metric, 0.5)}", f"{direction(metric, 2)} →"),
        caption=f"{metric.title}: candidate ÷ {baselines}, log scale; "
        f"band: the minimum effect of {min_effect * 100:g} %",
    )


def badness(comparison: Comparison, metric: Metric) -> float:
    """Log ratio, positive where the candidate is worse."""
    log_ratio = math.log(comparison.candidate_over_baseline.point)
    return log_ratio if metric.better == "lower" else -log_ratio


def worst_first(comparisons: Iterable[Comparison], metric: Metric) -> list[Comparison]:
    """By model, then device, then cell: each level led by its worst cell."""
    found = list(comparisons)
    by_model: dict[str, float] = {}
    by_device: dict[tuple[str, str], float] = {}
    for comparison in found:
        bad = badness(comparison, metric)
        model, device = comparison.model, (comparison.model, comparison.device_id)
        by_model[model] = max(bad, by_model.get(model, -math.inf))
        by_device[device] = max(bad, by_device.get(device, -math.inf))
    return sorted(
        found,
        key=lambda c: (
            -by_model[c.model],
            c.model,
            -by_device[c.model, c.device_id],
            c.device_id,
            -badness(c, metric),
            c.candidate,
        ),
    )


def _row(view: View, metric: Metric, comparison: Comparison) -> Row:
    ratio = comparison.candidate_over_baseline
    verdict = comparison.verdict
    if verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT):
        said = effect(metric, ratio.point)
    else:
        said = verdict_words(comparison, metric) if verdict else ""
    return Row(
        model=comparison.model,
        device=view.label(comparison.device_id),
        tag=view.tag(comparison.device_id),
        label=comparison.candidate,
        label_colour=INK,
        said=said,
        exactly=f"{ratio_text(ratio)} {interval_text(ratio)}",
    )


def _to_show(comparisons: Iterable[Comparison]) -> Iterable[float]:
    """Points, and the ends of intervals as far as they do not squeeze the rest."""
    points = [c.candidate_over_baseline.point for c in comparisons]
    least, most = min(points) / 1.6, max(points) * 1.6
    for comparison in comparisons:
        ratio = comparison.candidate_over_baseline
        yield ratio.point
        if ratio.low is not None and ratio.high is not None:
            yield max(ratio.low, least)
            yield min(ratio.high, most)


def _baselines(view: View, comparisons: Iterable[Comparison]) -> str:
    names = {view.baseline_name(c) for c in comparisons}
    return names.pop() if len(names) == 1 else "its baseline"


def _band(
    sheet: Sheet, axis: Axis, top: float, bottom: float, min_effect: float
) -> None:
    left, right = axis.pixel(1 / (1 + min_effect)), axis.pixel(1 + min_effect)
    sheet.rectangle(left, top, right - left, bottom - top, colour=BAND)
    one = axis.pixel(1)
    sheet.lines([[(one, top), (one, bottom)]], colour=MUTED, width=1.0)


def _mark(
    sheet: Sheet, axis: Axis, comparison: Comparison, y: float, *, is_alarm: bool
) -> None:
    ratio = comparison.candidate_over_baseline
    verdict = comparison.verdict or Verdict.INCONCLUSIVE
    colour = REGRESSION if is_alarm else VERDICT_COLOURS[verdict]
    if ratio.low is not None and ratio.high is not None:
        left, right = axis.held(ratio.low), axis.held(ratio.high)
        sheet.lines([[(left, y), (right, y)]], colour=colour, width=2.0)
        # An interval that goes on past the axis ends in an arrow.
        if ratio.low < axis.low:
            sheet.marks([(left, y)], colour=colour, shape="<", size=5)
        if ratio.high > axis.high:
            sheet.marks([(right, y)], colour=colour, shape=">", size=5)
    sheet.marks(
        [(axis.pixel(ratio.point), y)],
        colour=colour,
        shape=VERDICT_MARKERS[verdict],
        size=10 if VERDICT_MARKERS[verdict] != "o" else 8,
        hollow=verdict is Verdict.INCONCLUSIVE,
    )


def _description(ordered: Sequence[Comparison], metric: Metric) -> str:
    worst, best = ordered[0], ordered[-1]
    for comparison in ordered:
        if badness(comparison, metric) > badness(worst, metric):
            worst = comparison
        if badness(comparison, metric) < badness(best, metric):
            best = comparison
    return (
        f"{counted(len(ordered), 'row')}, one per cell, from {_said(metric, worst)} "
        f"to {_said(metric, best)}; each with its 95 % interval."
    )


def _said(metric: Metric, comparison: Comparison) -> str:
    words = effect(metric, comparison.candidate_over_baseline.point)
    return f"{words} ({comparison.model} {comparison.candidate})"
