"""The answer on a terminal: how fast, the comparison, caveats, in at most 25 lines."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from pocketbench.bench.judge.summary import BudgetVerdict, Comparison, Verdict
from pocketbench.bench.units import shown
from pocketbench.reports.formats.console_sustained import show_sustained
from pocketbench.reports.formats.console_table import NamedRow, named_rows, shortened
from pocketbench.reports.tables.budgets import budget_rows
from pocketbench.reports.tables.comparisons import comparison_row, most_interesting
from pocketbench.reports.tables.outputs import failing
from pocketbench.reports.text.caveats import caveat_entries
from pocketbench.reports.text.failures import failures_once
from pocketbench.reports.text.fastest import Fastest, fastest_headings, first_table
from pocketbench.reports.text.headline import headline
from pocketbench.reports.text.next_step import next_step
from pocketbench.reports.text.phrases import counted
from pocketbench.reports.view import View

DEFAULT_WIDTH = 80
MOST_LINES = 25
_MOST_SENTENCES, _MOST_FASTEST, _MOST_CAVEATS, _MOST_MISSED = 9, 6, 3, 2
_FEWEST_SENTENCES, _LINES_OF_FASTEST = 5, 10
"""Lines of sentences, whatever else there is; lines that they leave to how fast."""
_MOST_BUDGETS, _LONGEST_BASELINE, _MOST_GENERATED = 4, 16, 10
_VERDICT_STYLES = {Verdict.IMPROVEMENT: "blue", Verdict.INCONCLUSIVE: "dim"}


def render(view: View, *, width: int = DEFAULT_WIDTH) -> str:
    """The answer as plain text, without colour codes."""
    return plain(lambda console: show(view, console), width)


def plain(show: Callable[[Console], None], width: int) -> str:
    """What is printed, without colour codes."""
    out = io.StringIO()
    show(Console(file=out, width=width, color_system=None, force_terminal=False))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    # Wrapping may have brought any word to the beginning of a line.
    return shown("\n".join(lines)) + "\n"


def show(view: View, console: Console) -> None:
    """Print the answer; colours only where the console itself has them.

    The comparisons get the lines that everything else leaves; where those are too few
    for them, more of the fastest builds do.
    """
    beside = _beside(view, console)
    below = [*_caveats(view, console), *_failures(view, console), Text()]
    step = next_step(view)
    if step:
        below += _wrapped(console, f"Next: {step}.")
    below += _wrapped(console, _more(view), "dim")
    room = MOST_LINES - len(beside) - len(below)
    is_one_run = view.summary.compared_with is None
    wanted = len(_fastest(view, console, _LINES_OF_FASTEST)) if is_one_run else 0
    lines, left_out = _sentences(view, console, room - wanted)
    room -= len(lines)
    fastest = _fastest(view, console, room) if is_one_run else []
    compared = comparisons(view, console, room - len(fastest))
    if is_one_run and not compared:
        fastest = _fastest(view, console, room, most=room)
    if left_out:
        more = counted(left_out, "more sentence")
        lines.append(Text(f"{more}: --details", style="dim"))
    lines += [*beside, *fastest]
    if view.summary.sustained:
        _print(lines, console)
        console.print()
        show_sustained(view, console)
        lines = []
    shown = [*lines, *compared, *below]
    if left_out and len(shown) > MOST_LINES:
        # Where every line is used, the count takes the place of the next blank one.
        shown.remove(Text())
    _print(shown, console)


def _sentences(view: View, console: Console, room: int) -> tuple[list[Text], int]:
    """The answer and each detail that has room as a whole, and how many have none."""
    answer = headline(view)
    lines = _wrapped(console, answer.sentence, "bold")
    details = [_wrapped(console, detail) for detail in answer.details]
    if view.summary.sustained:
        return [*lines, *(line for detail in details for line in detail)], 0
    most = max(_FEWEST_SENTENCES, min(_MOST_SENTENCES, room))
    left_out = 0
    for detail in details:
        if len(lines) + len(detail) <= most:
            lines += detail
        else:
            left_out += 1
    return lines, left_out


def _beside(view: View, console: Console) -> list[Text]:
    """Budgets, and the outputs that miss a limit."""
    lines = []
    rows = budget_rows(view)
    for row in rows[:_MOST_BUDGETS]:
        style = "red" if row.judged.verdict is BudgetVerdict.OVER else ""
        lines.append(Text(row.line, style=style))
    if len(rows) > _MOST_BUDGETS:
        left_out = counted(len(rows) - _MOST_BUDGETS, "more budget")
        lines.append(Text(f"{left_out}: --details", style="dim"))
    for words in failing(view)[:_MOST_MISSED]:
        lines += _wrapped(console, f"▲ {words}", "red")
    return lines


def _print(lines: Sequence[Text], console: Console) -> None:
    for line in lines:
        console.print(line, no_wrap=True, overflow="ellipsis", crop=True)


def comparisons(view: View, console: Console, room: int) -> list[Text]:
    """A row for each comparison in so many lines, changes first.

    Under the name of its model and device where several builds are compared there.
    """
    found = most_interesting(view)
    places = list(dict.fromkeys(map(_place, found)))
    most = room - 2
    if not found or most < min(3, len(found)):
        return []
    is_grouped = 1 < len(places) < len(found) <= most - len(places)
    if is_grouped:
        found.sort(key=lambda c: places.index(_place(c)))
    shown = len(found) if len(found) <= most else most - 1
    rows = _comparison_rows(view, found[:shown], found, is_grouped=is_grouped)
    baselines = {view.baseline_name(c) for c in found}
    over = baselines.pop() if len(baselines) == 1 else ""
    over = over if 0 < len(over) <= _LONGEST_BASELINE else "baseline"
    headings = [f"vs {over}", "before → after", "ratio [95 % CI]", "verdict"]
    heading, *table = named_rows(headings, rows, console.width)
    result = [Text(), heading]
    before: tuple[str, str] | None = None
    for comparison, line in zip(found, table, strict=False):
        place = _place(comparison)
        if is_grouped and place != before:
            name = view.tagged(comparison.device_id)
            result.append(
                Text(f"{place[0]} · {name}" if len(view.models) > 1 else name)
            )
        before = place
        result.append(line)
    if shown < len(found):
        left_out = counted(len(found) - shown, "more comparison")
        result.append(Text(f"{left_out}: --details", style="dim"))
    return result


def _place(comparison: Comparison) -> tuple[str, str]:
    return comparison.model, comparison.device_id


def _comparison_rows(
    view: View,
    shown: Sequence[Comparison],
    found: Sequence[Comparison],
    *,
    is_grouped: bool,
) -> list[NamedRow]:
    """Named by what is not the same in all of them."""
    models, candidates, metrics = (
        len({getattr(c, part) for c in found}) > 1
        for part in ("model", "candidate", "metric")
    )
    rows = []
    for comparison in shown:
        row = comparison_row(view, comparison)
        build = comparison.candidate if candidates or is_grouped else ""
        metric = view.metric_title(comparison.metric) if metrics else ""
        name = ", ".join(part for part in (build, metric) if part)
        verdict = row.verdict_text.partition(", about")[0]
        figures = [Text(row.before_after), Text(f"{row.ratio} {row.interval}")]
        figures.append(Text(verdict, verdict_style(view, comparison)))
        device = _device(view, comparison.device_id)
        rows.append(
            NamedRow("", (f"  {name}", ""), "", figures)
            if is_grouped
            else NamedRow(comparison.model if models else "", device, name, figures)
        )
    return rows


def verdict_style(view: View, comparison: Comparison) -> str:
    """Red for an alarm alone."""
    if view.is_alarm(comparison):
        return "red"
    return _VERDICT_STYLES.get(comparison.verdict or Verdict.INCONCLUSIVE, "")


def _fastest(
    view: View, console: Console, room: int, *, most: int | None = None
) -> list[Text]:
    """How fast each model is on each device, in so many lines.

    Of models that generate each build, under the name of its device.
    """
    found = first_table(view)
    is_generated = view.generation is not None
    most = most or (_MOST_GENERATED if is_generated else _MOST_FASTEST)
    while most > 0 and _lines_of(view, found, most) > room:
        most -= 1
    if not found or most < 1:
        return []
    shown = found[:most]
    is_grouped = is_generated or len({row.cell.model for row in shown}) > 1
    rows = [
        NamedRow("", (f"  {row.cell.variant_id}", ""), "", list(map(Text, row.figures)))
        if is_generated
        else NamedRow(
            "",
            _device(view, row.cell.device_id),
            "",
            list(map(Text, (row.cell.variant_id, *row.figures))),
        )
        for row in shown
    ]
    name = "" if is_grouped else shortened(shown[0].cell.model, 24)
    headings = [name, *fastest_headings(view)[3 if is_generated else 2 : -1]]
    heading, *table = named_rows(headings, rows, console.width)
    lines, before = [Text(), heading], ""
    for row, line in zip(shown, table, strict=True):
        group = _group(view, row)
        if is_grouped and group != before:
            lines.append(Text(group, style="bold"))
        before = group
        lines.append(line)
    if left := len(found) - len(shown):
        more = (
            counted(left, "more configuration")
            if is_generated
            else f"{counted(left, 'more pair')} of model and device"
        )
        lines.append(Text(f"{more}: --details", style="dim"))
    return lines


def _lines_of(view: View, found: Sequence[Fastest], most: int) -> int:
    """Lines of so many of the rows: a heading, groups, and how many are left out."""
    shown = found[:most]
    groups = len({_group(view, row) for row in shown})
    is_grouped = view.generation is not None or groups > 1
    return 2 + is_grouped * groups + len(shown) + (len(shown) < len(found))


def _group(view: View, row: Fastest) -> str:
    """Under what a row stands where there are several."""
    if view.generation is None:
        return row.cell.model
    return f"{row.cell.model} · {view.tagged(row.cell.device_id)}"


def _device(view: View, device_id: str) -> tuple[str, str]:
    tag = view.tag(device_id)
    return view.label(device_id), f" [{tag}]" if tag else ""


def _caveats(view: View, console: Console) -> list[Text]:
    found = caveat_entries(view)
    if not found:
        return []
    words = "; ".join(entry.fact for entry in found)
    return [Text(), *_cut(console, f"Caveats: {words}.", _MOST_CAVEATS)]


def _failures(view: View, console: Console) -> list[Text]:
    """The first failure and its remedy; how many more there are."""
    found = failures_once(view)
    if not found:
        return []
    more = f" ({len(found) - 1} more: --details)" if len(found) > 1 else ""
    first = found[0]
    lines = [
        *_cut(console, f"Failed{more}: {first.where}", 1),
        *_cut(console, first.fact, 2),
        *_cut(console, first.remedy, 2),
    ]
    return [Text(), *lines]


def _more(view: View) -> str:
    run = view.summary.run.started.run_id
    other = view.summary.compared_with
    if other is not None:
        return f"Full report: pocketbench compare {other.run_id} {run} --details"
    return f"Full report: pocketbench report {run} --details"


def _cut(console: Console, words: str, most: int) -> list[Text]:
    """So many lines at most; `…` where words were left out."""
    lines = _wrapped(console, words)
    if len(lines) > most:
        last = lines[most - 1].plain[: console.width - 2].rstrip(" ;")
        lines[most - 1 :] = [Text(f"{last} …")]
    return lines


def _wrapped(console: Console, words: str, style: str = "") -> list[Text]:
    return list(Text(words, style=style).wrap(console, console.width))
