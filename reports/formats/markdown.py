"""The report as a comment on a pull request: one line, what changed, the rest folded.

The hidden marker on the last line lets the next run find and replace the comment; the
first line is what a notification by mail shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pocketbench.bench.judge.summary import Comparison
from pocketbench.bench.units import common_scale
from pocketbench.reports.tables.breakdowns import breakdowns
from pocketbench.reports.tables.budgets import HEADINGS as BUDGET_HEADINGS
from pocketbench.reports.tables.budgets import budget_rows
from pocketbench.reports.tables.comparisons import (
    ComparisonRow,
    comparison_row,
    most_interesting,
)
from pocketbench.reports.tables.fleet import FLEET_HEADINGS, fleet_rows
from pocketbench.reports.tables.outputs import failing, outputs_section
from pocketbench.reports.tables.resources import EXPLAINED, HEADINGS, resource_rows
from pocketbench.reports.text import method, sustained
from pocketbench.reports.text.caveats import caveat_entries
from pocketbench.reports.text.condition_words import conditions_lines
from pocketbench.reports.text.failures import failures_once
from pocketbench.reports.text.fastest import (
    fastest_headings,
    first_table,
    memory_words,
)
from pocketbench.reports.text.headline import headline
from pocketbench.reports.text.history import line, raised, shared_names, title
from pocketbench.reports.text.next_step import next_step
from pocketbench.reports.text.phrases import (
    SETTLED_APART,
    before_after,
    counted,
    grade_words,
)
from pocketbench.reports.text.retries import TITLE as RETRIES
from pocketbench.reports.text.retries import retry_lines
from pocketbench.reports.text.sparkline import sparkline
from pocketbench.reports.view import View

MARKER = "<!-- pocketbench -->"
MOST_BYTES = 60_000
"""GitHub refuses a comment of more than 65,536 characters."""
_MOST_RAISED = 10
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
    found = [comparison_row(view, c) for c in most_interesting(view)]
    changed = [row for row in found if row.comparison.verdict in SETTLED_APART]
    rest = [row for row in found if row.comparison.verdict not in SETTLED_APART]
    answer = headline(view)
    pieces = [f"**{escaped(answer.sentence)}**\n"]
    pieces += [f"\n{escaped(line)}\n" for line in answer.details]
    pieces += _history(view)
    pieces += _budgets(view)
    pieces += _fastest(view)
    pieces += _table(view, changed)
    pieces += _fleet(view)
    pieces += _sustained(view)
    pieces += _outputs(view)
    pieces += _caveat_lines(view)
    pieces += _failures(view)
    step = next_step(view)
    if step:
        pieces.append(f"\nNext: {_with_code(step)}.\n")
    if rest:
        title = f"{counted(len(rest), 'comparison')} unchanged or inconclusive"
        pieces += _folded(title, _table(view, rest))
    pieces += _operators(view)
    pieces += _retries(view)
    pieces += _folded("How it was measured", _method(view))
    pieces += _resources(view)
    link = f"\n[The whole report]({report_url})\n" if report_url else ""
    return _cut(pieces, link)


def _with_code(words: str) -> str:
    """Our own sentence, in which `this` is a command."""
    parts = re.split("(`[^`]+`)", words)
    return "".join(x if x.startswith("`") else _escaped(x) for x in parts)


def escaped(words: str) -> str:
    """Text that Markdown and HTML leave as it is, on one line."""
    return _escaped(" ".join(words.split()))


def _escaped(line: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", line).translate(_ENTITIES)


def _budgets(view: View) -> list[str]:
    rows = budget_rows(view)
    if not rows:
        return []
    rule = " | ".join("---" for _ in BUDGET_HEADINGS)
    return [
        f"\n| {' | '.join(BUDGET_HEADINGS)} |\n| {rule} |\n",
        *(f"| {' | '.join(map(escaped, row.cells))} |\n" for row in rows),
    ]


def _fastest(view: View) -> list[str]:
    """How fast each model is on each device, where the headline has not all of it."""
    rows = first_table(view)
    if view.summary.compared_with or not rows:
        return []
    headings = fastest_headings(view)
    rule = " | ".join("---" for _ in headings)
    lines = [f"\n| {' | '.join(headings)} |\n| {rule} |\n"]
    for row in rows:
        words = [view.tagged(row.cell.device_id), *row.cells]
        lines.append(f"| {' | '.join(map(escaped, words))} |\n")
    return lines


def _table(view: View, found: Sequence[ComparisonRow]) -> list[str]:
    """A row for each comparison, in pieces that may be cut between rows."""
    if not found:
        return []
    headings = ["device", "model", "build", "baseline", "before → after"]
    headings += ["ratio [95 % CI]", "verdict", memory_words(view)]
    headings += ["file size", "quality"]
    has_metrics = len({row.comparison.metric for row in found}) > 1
    if has_metrics:
        headings.insert(4, "metric")
    if view.histories:
        headings.append("last 30 runs")
    rule = " | ".join("---" for _ in headings)
    rows = [f"\n| {' | '.join(headings)} |\n| {rule} |\n"]
    for row in found:
        comparison = row.comparison
        cells = [
            escaped(view.tagged(comparison.device_id)),
            escaped(comparison.model),
            escaped(comparison.candidate),
            escaped(view.baseline_name(comparison)),
            row.before_after,
            f"{row.ratio} {row.interval}",
            row.verdict_text,
            *_resources_changed(view, comparison),
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


def _resources_changed(view: View, comparison: Comparison) -> tuple[str, str]:
    """Memory and file size, before → after where both are known."""
    after = view.candidate_cell(comparison)
    if after is None:
        return "", ""
    name = view.memory_metric
    memory = view.comparison(comparison.kind, after, name)
    words = before_after(view.metrics[name], *view.sides(memory)) if memory else ""
    sizes = [size for size in view.sizes(comparison) if size is not None]
    scale = common_scale("bytes", sizes)
    size = " → ".join(dict.fromkeys(map(scale.format, sizes)))
    return words, f"{size} {scale.name}"


def _history(view: View) -> list[str]:
    """Each confirmed regression of the history, with its commits."""
    found = raised(view.histories.values())
    shared = shared_names(view.histories.values())
    lines = [
        f"- {escaped(f'{title(series, shared)}: {line(series, change)}')}\n"
        for series, change in found[:_MOST_RAISED]
    ]
    if left := len(found) - len(lines):
        lines.append(f"- {left} more\n")
    return ["\n**Confirmed regressions in the history**\n\n", *lines] if lines else []


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


def _sustained(view: View) -> list[str]:
    """One row per launch that ran on for minutes."""
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


def _caveat_lines(view: View) -> list[str]:
    found = caveat_entries(view)
    if not found:
        return []
    lines = [
        f"- {escaped(f'{entry.fact} ({entry.where})')}: {_with_code(entry.remedy)}\n"
        for entry in found
    ]
    return ["\n**Caveats**\n\n", *lines]


def _failures(view: View) -> list[str]:
    lines = [
        f"- {escaped(once.where)}: {escaped(once.fact)}. {escaped(once.remedy)}\n"
        for once in failures_once(view)
    ]
    return ["\n**Failures**\n\n", *lines] if lines else []


def _retries(view: View) -> list[str]:
    lines = [f"- {escaped(line)}\n" for line in retry_lines(view)]
    return _folded(RETRIES, lines) if lines else []


def _operators(view: View) -> list[str]:
    """Builds beside each other by kind of operator and by layer, folded."""
    lines = []
    for model in view.models:
        for table in breakdowns(view, model):
            where = f"{model} on {view.tagged(table.device_id)}: {table.builds}"
            rule = " | ".join("---" for _ in table.headings)
            lines.append(f"\n{escaped(where)}\n\n")
            lines.append(f"| {' | '.join(table.headings)} |\n| {rule} |\n")
            lines += [f"| {' | '.join(map(escaped, row))} |\n" for row in table.rows]
            if table.left_out:
                lines.append(f"\n{table.left_out} more\n")
    return _folded("Operator profile", lines) if lines else []


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
    generated = f"; {words}" if (words := method.generated(view)) else ""
    lines = [
        f"- {escaped(device)}: {escaped(words)}\n"
        for device, words in conditions_lines(view)
    ]
    return [
        f"\n{fence}\n{command}\n{fence}\n\n",
        sustained.how_measured(asked) + "\n"
        if asked
        else f"{method.blocks(view)}{generated}; the unit is the launch, paired by "
        f"block; false discovery rate 5 %{band}.\n",
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
    link += f"\n{MARKER}\n"
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
