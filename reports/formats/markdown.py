"""The report as a comment on a pull request: one line, what changed, the rest folded.

The hidden marker on the first line lets the next run find and replace the comment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pocketbench.bench.judge.summary import Comparison, Verdict
from pocketbench.reports.plots.forest import worst_first
from pocketbench.reports.tables.fleet import FLEET_HEADINGS, fleet_rows
from pocketbench.reports.tables.outputs import failing, outputs_section
from pocketbench.reports.tables.resources import EXPLAINED, HEADINGS, resource_rows
from pocketbench.reports.text import method, sustained
from pocketbench.reports.text.caveats import doubts
from pocketbench.reports.text.condition_words import conditions_lines
from pocketbench.reports.text.headline import headline
from pocketbench.reports.text.phrases import (
    VERDICT_SHAPES,
    VERDICT_WORDS,
    counted,
    effect,
    grade_words,
    interval_text,
    no_verdict,
    ratio_text,
)
from pocketbench.reports.text.sparkline import sparkline
from pocketbench.reports.view import View

MARKER = "<!-- pocketbench -->"
MOST_BYTES = 60_000
"""GitHub refuses a comment of more than 65,536 characters."""
_CHANGED = (Verdict.REGRESSION, Verdict.IMPROVEMENT)
_SPECIAL = re.compile(r"[\\`*_{}\[\]#|~$]|:(?=//)|(?<=www)\.|^[-+]")
_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@&#8203;"}  # nobody is mentioned
)


def render(view: View, *, report_url: str | None = None) -> str:
    """Markdown of at most MOST_BYTES; what does not fit is cut and said to be.

    Args:
        view: The summary; its histories are sparklines of the last 30 runs.
        report_url: Where the whole report is, for the cut and the last line.
    """
    judged = [
        c
        for metric in view.summary.metrics
        for c in worst_first(
            (x for x in view.judged if x.metric == metric.name), metric
        )
    ]
    changed = [c for c in judged if c.verdict in _CHANGED]
    rest = [c for c in judged if c.verdict not in _CHANGED]
    rest += view.withheld
    answer = headline(view)
    pieces = [f"{MARKER}\n**{escaped(answer.sentence)}**\n"]
    if answer.details:
        pieces.append("\n" + "\n".join(escaped(line) for line in answer.details) + "\n")
    pieces += _table(view, changed)
    pieces += _fleet(view)
    pieces += _courses(view)
    pieces += _outputs(view)
    pieces += _doubts(view)
    pieces += _failures(view)
    if rest:
        title = f"{counted(len(rest), 'other cell')}, not changed or not settled"
        pieces += _folded(title, _table(view, rest))
    pieces += _folded("How it was measured", _method(view))
    pieces += _resources(view)
    link = f"\n[The whole report]({report_url})\n" if report_url else ""
    return _cut(pieces, link)


def escaped(words: str) -> str:
    """Text that Markdown and HTML leave as it is, on one line."""
    line = _SPECIAL.sub(r"\\\g<0>", " ".join(words.split()))
    return line.translate(_ENTITIES)


def _table(view: View, comparisons: Sequence[Comparison]) -> list[str]:
    """A row a cell, in pieces that may be cut between rows."""
    if not comparisons:
        return []
    headings = ["device", "model", "candidate", "against", "ratio [95 %]", "verdict"]
    headings.append("quality")
    has_metrics = len({c.metric for c in comparisons}) > 1
    if has_metrics:
        headings.insert(4, "metric")
    if view.histories:
        headings.append("last 30 runs")
    rule = " | ".join("---" for _ in headings)
    rows = [f"\n| {' | '.join(headings)} |\n| {rule} |\n"]
    for comparison in comparisons:
        ratio = comparison.candidate_over_baseline
        cells = [
            escaped(view.tagged(comparison.device_id)),
            escaped(comparison.model),
            escaped(comparison.candidate),
            escaped(comparison.baseline),
            f"{ratio_text(ratio)} {interval_text(ratio)}",
            _verdict(view, comparison),
            _trust(view, comparison),
        ]
        if has_metrics:
            cells.insert(4, escaped(view.metric_title(comparison.metric)))
        if view.histories:
            key = (comparison.device_id, comparison.model, comparison.candidate)
            history = view.histories.get(key)
            cells.append(sparkline(history.series.values if history else ()))
        rows.append(f"| {' | '.join(cells)} |\n")
    return rows


def _fleet(view: View) -> list[str]:
    """What holds over all phones of a kind."""
    rows = fleet_rows(view)
    if not rows:
        return []
    rule = " | ".join("---" for _ in FLEET_HEADINGS)
    return [
        f"\n| {' | '.join(FLEET_HEADINGS)} |\n| {rule} |\n",
        *(f"| {' | '.join(map(escaped, row.cells))} |\n" for row in rows),
    ]


def _courses(view: View) -> list[str]:
    """A row a launch that ran on for minutes."""
    cells = view.summary.sustained
    if not cells:
        return []
    first, last = sustained.window_names(cells)
    headings = ["device", "model", "variant", first, last, "last ÷ first"]
    headings += ["throttled, it says", "temperature", "lasted"]
    rule = " | ".join("---" for _ in headings)
    rows = [f"\n| {' | '.join(headings)} |\n| {rule} |\n"]
    for cell in cells:
        row = sustained.sustained_row(cell)
        words = [
            view.tagged(cell.device_id),
            *(cell.model, cell.variant_id, row.first, row.last, row.ratio),
            *(row.throttled, row.temperature, row.lasted),
        ]
        rows.append(f"| {' | '.join(map(escaped, words))} |\n")
    return rows


def _verdict(view: View, comparison: Comparison) -> str:
    if comparison.verdict is None:
        return no_verdict(comparison)
    words = f"{VERDICT_SHAPES[comparison.verdict]} {VERDICT_WORDS[comparison.verdict]}"
    metric = view.metrics.get(comparison.metric)
    if comparison.verdict in _CHANGED and metric:
        words += f", {effect(metric, comparison.candidate_over_baseline.point)}"
    further = comparison.launches_to_settle
    if comparison.verdict is Verdict.INCONCLUSIVE and further is not None:
        words += f", about {further} more launches would settle it"
    return words


def _trust(view: View, comparison: Comparison) -> str:
    """The worse grade of the two cells that are compared, with its reasons."""
    cell = view.less_trusted(comparison)
    return escaped(grade_words(cell)) if cell else ""


def _outputs(view: View) -> list[str]:
    """Limits that are missed in the open, the figures folded."""
    section = outputs_section(view)
    missed = [f"- ▲ {escaped(words)}\n" for words in failing(view)]
    if missed:
        missed.insert(0, "\n**Answers outside the limits**\n\n")
    if not (section.rows or section.missing):
        return missed
    headings = ("device", "model", "variant", *section.columns)
    rows = [f"\n{escaped(section.lead)}\n\n"]
    if section.rows:
        rule = " | ".join("---" for _ in headings)
        rows.append(f"| {' | '.join(headings)} |\n| {rule} |\n")
    for row in section.rows:
        where = (view.tagged(row.outputs.device_id), row.outputs.model, row.what)
        cells = " | ".join(escaped(words) for words in (*where, *row.texts))
        rows.append(f"| {cells} |\n")
    rows += [f"\nNot checked: {escaped(words)}\n" for words in section.missing]
    return [*missed, *_folded("Output accuracy", rows)]


def _doubts(view: View) -> list[str]:
    found = doubts(view)
    if not found:
        return []
    lines = [
        f"- {escaped(doubt.fact)} ({escaped(doubt.where)}): {escaped(doubt.remedy)}\n"
        for doubt in found
    ]
    return ["\n**Caveats**\n\n", *lines]


def _failures(view: View) -> list[str]:
    lines = []
    for failure in view.summary.failures:
        parts = [view.tagged(failure.device_id), failure.model, failure.variant_id]
        where = " · ".join(escaped(part) for part in parts if part)
        lines.append(f"- {where}: {escaped(failure.fact)}. {escaped(failure.remedy)}\n")
    return ["\n**Failures**\n\n", *lines] if lines else []


def _resources(view: View) -> list[str]:
    """Memory and energy of every cell, folded."""
    rows = resource_rows(view)
    if not rows:
        return []
    headings = ("device", "model", "variant", *HEADINGS)
    lines = [f"\n| {' | '.join(headings)} |\n|{' --- |' * len(headings)}\n"]
    for cell, words in rows:
        names = (view.tagged(cell.device_id), cell.model, cell.variant_id)
        lines.append(f"| {' | '.join(map(escaped, (*names, *words)))} |\n")
    return _folded("Memory and energy", [*lines, f"\n{escaped(EXPLAINED)}\n"])


def _method(view: View) -> list[str]:
    run = view.summary.run.started
    command = method.command_line(view)
    fence = "`" * (max((len(m) for m in re.findall(r"`+", command)), default=0) + 3)
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    commit = f", commit {run.commit}" if run.commit else ""
    effect_size = method.min_effect(view)
    band = f"; minimum effect {effect_size * 100:g} %" if effect_size else ""
    asked = run.plan.sustained
    lines = [
        f"- {escaped(device)}: {escaped(words)}\n"
        for device, words in conditions_lines(view)
    ]
    return [
        f"\n{fence}\n{command}\n{fence}\n\n",
        sustained.how_measured(asked) + "\n"
        if asked
        else f"{method.blocks(view)}, a launch the unit, paired by block, "
        f"false discovery rate 5 %{band}.\n",
        f"{escaped(versions + commit)}\n",
        "\n" if lines else "",
        *lines,
    ]


def _folded(title: str, pieces: Sequence[str]) -> list[str]:
    return [
        f"\n<details><summary>{title}</summary>\n",
        *pieces,
        "\n</details>\n",
    ]


def _cut(pieces: Sequence[str], link: str) -> str:
    """Whole pieces while they fit; folds that were opened are closed."""
    note = "\n*Cut: the rest is in the whole report.*\n"
    room = MOST_BYTES - len((link + note + "\n</details>\n").encode())
    kept: list[str] = []
    size, open_folds = 0, 0
    for piece in pieces:
        size += len(piece.encode())
        if size > room:
            return "".join([*kept, "\n</details>\n" * open_folds, note, link])
        kept.append(piece)
        open_folds += piece.count("<details>") - piece.count("</details>")
    return "".join([*kept, link])
