"""All of a report on a terminal: every table, operator, caveat and failure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from pocketbench.bench.judge.grade import MEANINGS
from pocketbench.bench.judge.summary import Cell, Estimate
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.units import Scale, common_scale
from pocketbench.reports.formats.console import (
    DEFAULT_WIDTH,
    comparisons,
    plain,
    verdict_style,
)
from pocketbench.reports.formats.console_sustained import show_sustained
from pocketbench.reports.formats.console_table import fitted, part
from pocketbench.reports.tables.breakdowns import Breakdown, breakdowns
from pocketbench.reports.tables.budgets import budget_rows
from pocketbench.reports.tables.operators import operator_rows
from pocketbench.reports.tables.outputs import failing, outputs_section
from pocketbench.reports.text.caveats import CaveatEntry, caveat_entries
from pocketbench.reports.text.failures import failures_once
from pocketbench.reports.text.headline import headline
from pocketbench.reports.text.phrases import (
    VERDICT_SHAPES,
    counted,
    interval_text,
    reason_words,
)
from pocketbench.reports.text.retries import TITLE as RETRIES
from pocketbench.reports.text.retries import retry_lines
from pocketbench.reports.text.why import operator_pairs, tables_of, why
from pocketbench.reports.view import View

_MOST_ROWS = 60
_MOST_TABLES = 8
_MOST_OPERATORS = 4
_MOST_LAYERS = 6


def render(view: View, *, width: int = DEFAULT_WIDTH) -> str:
    """The whole report as plain text, without colour codes."""
    return plain(lambda console: show(view, console), width)


def show(view: View, console: Console) -> None:
    """Print it; colours only where the console itself has them."""
    answer = headline(view)
    console.print(Text(answer.sentence, style="bold"))
    for line in answer.details:
        console.print(Text(line))
    for budget in budget_rows(view):
        console.print(Text(budget.line))
    if view.summary.sustained:
        console.print()
        show_sustained(view, console)
    for model in view.models:
        console.print()
        _show_model(view, model, console)
    for line in _grades(view.summary.cells):
        console.print(Text(line, style="dim"))
    for row in comparisons(view, console, _MOST_ROWS):
        console.print(row)
    _show_outputs(view, console)
    _show_operators(view, console)
    found = caveat_entries(view)
    if found:
        console.print()
        console.print(Text("Caveats", style="bold"))
        for entry in found:
            _show_caveat(entry, console)
    if view.summary.failures:
        console.print()
        console.print(Text("Failures", style="bold"))
        for failure in failures_once(view):
            _item(f"{failure.where}: {failure.fact}", failure.remedy, console)
    if view.summary.retries:
        console.print()
        console.print(Text(RETRIES, style="bold"))
        for line in retry_lines(view):
            console.print(Text(line))


def _grades(cells: Sequence[Cell]) -> Iterator[str]:
    """What each letter means, and which caveats gave it to any cell."""
    for letter in sorted({cell.grade.letter for cell in cells}):
        given = {r for c in cells if c.grade.letter == letter for r in c.grade.reasons}
        reasons = reason_words(caveat for caveat in Caveat if caveat in given)
        why = f" ({reasons})" if reasons else ""
        yield f"{letter}: {MEANINGS[letter]}{why}"


def _show_model(view: View, model: str, console: Console) -> None:
    """One table per device, all with the same columns; units in the header."""
    cells = [c for d in view.device_ids for c in view.cells_of(model, d)]
    growth = any(Caveat.FOREIGN_MEMORY in cell.caveats for cell in cells)
    memory_name = "model_rss_bytes" if growth else "peak_rss_bytes"
    primary, memory = view.primary, view.metrics.get(memory_name)
    latency = _column_scale(cells, primary.name, primary.unit)
    size = common_scale("bytes", [cell.artifact.size_bytes for cell in cells])
    headings = [
        model,
        f"{primary.title}, {latency.name}",
        "ratio to baseline",
        f"size, {size.name}",
        "SQNR, dB",
    ]
    peak = _column_scale(cells, memory.name, memory.unit) if memory else None
    if peak:
        headings.insert(3, f"{'model memory' if growth else 'peak'}, {peak.name}")
    shown = cells[:_MOST_ROWS]
    rows: list[list[Text]] = []
    for cell in shown:
        row = [
            Text(f"{cell.grade.letter} {cell.variant_id}"),
            _figure(cell.estimates.get(primary.name), latency),
            _ratio(view, cell),
            Text(size.format(cell.artifact.size_bytes)),
            Text(_sqnr(cell)),
        ]
        if memory and peak:
            row.insert(3, _figure(cell.estimates.get(memory.name), peak, bare=True))
        rows.append(row)
    columns = fitted(headings, rows, console.width)
    console.print(part(columns, []))
    console.print(Rule(characters="─", style="dim"))
    by_device = itertools.groupby(
        zip(shown, rows, strict=True), key=lambda pair: pair[0].device_id
    )
    for device_id, found in by_device:
        console.print(Text(view.tagged(device_id), style="bold"))
        console.print(part(columns, [row for _, row in found]))
    if len(cells) > _MOST_ROWS:
        left_out = counted(len(cells) - _MOST_ROWS, "more configuration")
        console.print(Text(f"{left_out} in the HTML report and the CSV."))


def _show_operators(view: View, console: Console) -> None:
    """The slowest operators of each variant, and what fell back; where observed."""
    tables = [table for model in view.models for table in tables_of(view, model)]
    if not tables and not view.summary.unprofiled:
        return
    console.print()
    console.print(Text("Operator profile", style="bold"))
    for model in view.models:
        for pair in operator_pairs(view, tables_of(view, model)):
            if words := why(view, pair):
                console.print(Padding(Text(words), (0, 0, 0, 2)))
    for table in tables[:_MOST_TABLES]:
        found = operator_rows(table, _MOST_OPERATORS)
        title = f"{table.model} · {view.tagged(table.device_id)}: {found.sentence}."
        console.print(Padding(Text(title), (0, 0, 0, 2)))
        grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
        grid.add_column(max_width=40, overflow="ellipsis", no_wrap=True)
        for _ in range(3):
            grid.add_column(justify="right", no_wrap=True)
        for row in found.rows[:_MOST_OPERATORS]:
            mark = "*" if row.fallback else ""
            grid.add_row(
                Text(f"{row.cost.name}{mark}"),
                Text(f"{row.calls} call{'' if row.calls == '1' else 's'}"),
                Text(f"{row.time} {found.scale.name} {row.interval}".rstrip()),
                Text(row.share),
                style="dim",
            )
        console.print(Padding(grid, (0, 0, 0, 4)))
    for model in view.models:
        for breakdown in breakdowns(view, model)[:_MOST_TABLES]:
            _show_breakdown(view, model, breakdown, console)
    if any(table.fallbacks for table in tables[:_MOST_TABLES]):
        console.print(Padding(Text("*: fell back", style="dim"), (0, 0, 0, 2)))
    if len(tables) > _MOST_TABLES:
        left_out = counted(len(tables) - _MOST_TABLES, "more table")
        console.print(Text(f"  {left_out} in the HTML report and the CSV."))
    for failure in view.summary.unprofiled:
        where = f"{view.tagged(failure.device_id)} · {failure.model} · "
        fact = f"{where}{failure.variant_id}: no operator times: {failure.fact}"
        _item(fact, failure.remedy, console)


def _show_breakdown(view: View, model: str, table: Breakdown, console: Console) -> None:
    """By kind of operator or by layer; which operators, is in the page."""
    title = f"{model} · {view.tagged(table.device_id)}: {table.builds}"
    console.print(Padding(Text(title), (0, 0, 0, 2)))
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for place, heading in enumerate(table.headings):
        if place == 0:
            grid.add_column(heading, max_width=28, overflow="ellipsis", no_wrap=True)
        elif place > 1:
            grid.add_column(heading, justify="right")
    for row in table.rows[:_MOST_LAYERS]:
        grid.add_row(*(Text(words) for words in (row[0], *row[2:])), style="dim")
    console.print(Padding(grid, (0, 0, 0, 4)))
    left_out = table.left_out + max(0, len(table.rows) - _MOST_LAYERS)
    if left_out:
        console.print(Padding(Text(f"{left_out} more", style="dim"), (0, 0, 0, 4)))


def _column_scale(cells: list[Cell], metric: str, unit: str) -> Scale:
    found = (cell.estimates.get(metric) for cell in cells)
    return common_scale(unit, [e.point for e in found if e is not None])


def _figure(estimate: Estimate | None, scale: Scale, *, bare: bool = False) -> Text:
    if estimate is None:
        return Text("-")
    text = Text(scale.format(estimate.point))
    if not bare:
        text.append(f" {interval_text(estimate, scale)}", style="dim")
    return text


def _ratio(view: View, cell: Cell) -> Text:
    found = view.against_baseline(cell, view.primary.name)
    if found is None:
        is_baseline = cell.is_baseline and view.summary.compared_with is None
        return Text("baseline" if is_baseline else "-", style="dim")
    text = _figure(found.candidate_over_baseline, Scale(1.0, ""))
    if found.verdict:
        text.append(f" {VERDICT_SHAPES[found.verdict]}", verdict_style(view, found))
    return text


def _sqnr(cell: Cell) -> str:
    error = cell.artifact.output_error
    worst = error.worst_sqnr_db if error else None
    return f"{worst:.1f}" if worst is not None else "-"


def _show_outputs(view: View, console: Console) -> None:
    """What the devices answered, where that was checked."""
    section = outputs_section(view)
    if not (section.rows or section.missing):
        return
    console.print()
    console.print(Text("Output accuracy", style="bold"))
    console.print(Text(section.lead))
    shown = [place for place, name in enumerate(section.columns) if name != "cosine"]
    headings = ["", *(section.columns[place] for place in shown)]
    rows = [
        [
            Text(row.what),
            *(Text(row.texts[place]) for place in shown),
        ]
        for row in section.rows
    ]
    if rows:
        columns = fitted(headings, rows, console.width)
        console.print(part(columns, []))
    by_place = itertools.groupby(
        zip(section.rows, rows, strict=True),
        key=lambda pair: (pair[0].outputs.device_id, pair[0].outputs.model),
    )
    for (device_id, model), found in by_place:
        console.print(Text(f"{model} · {view.tagged(device_id)}", style="bold"))
        console.print(part(columns, [row for _, row in found]))
    for words in failing(view):
        console.print(Text(f"▲ {words}", style="red"))
    for words in section.missing:
        console.print(Text(f"Not checked: {words}"))


def _show_caveat(entry: CaveatEntry, console: Console) -> None:
    fact = entry.fact[:1].upper() + entry.fact[1:]
    _item(f"{fact} ({entry.where})", f"{entry.cause}; {entry.remedy}", console)


def _item(fact: str, why: str, console: Console) -> None:
    text = Text(fact)
    text.append(f"\n{why[:1].upper()}{why[1:]}.", style="dim")
    console.print(Padding(text, (0, 0, 0, 2)))
