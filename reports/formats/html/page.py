"""One self-contained HTML file: the answer first, everything else below it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any, NamedTuple

import jinja2
import msgspec
from markupsafe import Markup, escape

from pocketbench.bench.paths import cache_dir
from pocketbench.bench.units import format_size
from pocketbench.reports.formats import json
from pocketbench.reports.formats.html.history_section import (
    HistorySection,
    history_section,
)
from pocketbench.reports.formats.html.sections import (
    MOST_ROWS_AT_ONCE,
    ModelSection,
    model_sections,
)
from pocketbench.reports.formats.html.sustained_section import sustained_section
from pocketbench.reports.formats.html.theme import theme_css
from pocketbench.reports.plots.forest import forest
from pocketbench.reports.plots.second_process import placed_charts, with_charts
from pocketbench.reports.plots.style import css_variable, variant_colours
from pocketbench.reports.tables.budgets import HEADINGS as BUDGET_HEADINGS
from pocketbench.reports.tables.budgets import budget_rows
from pocketbench.reports.tables.comparisons import (
    Comparisons,
    comparison_table,
    most_interesting,
    tone,
)
from pocketbench.reports.tables.fleet import FLEET_HEADINGS, FLEET_LEAD, fleet_rows
from pocketbench.reports.tables.model_table import TableRow
from pocketbench.reports.tables.outputs import outputs_section
from pocketbench.reports.tables.resources import EXPLAINED as RESOURCES_EXPLAINED
from pocketbench.reports.tables.resources import HEADINGS as RESOURCE_HEADINGS
from pocketbench.reports.tables.resources import resource_rows
from pocketbench.reports.text import method
from pocketbench.reports.text.caveats import caveat_entries
from pocketbench.reports.text.condition_words import HEADINGS as CONDITION_HEADINGS
from pocketbench.reports.text.condition_words import conditions_table
from pocketbench.reports.text.fastest import fastest_headings, first_table
from pocketbench.reports.text.headline import headline
from pocketbench.reports.text.next_step import next_step
from pocketbench.reports.text.phrases import VERDICT_SHAPES, grade_words
from pocketbench.reports.text.retries import TITLE as RETRIES
from pocketbench.reports.text.retries import retry_lines
from pocketbench.reports.view import View

MOST_FOREST_ROWS = 200
MOST_RESOURCE_ROWS = 200
MOST_CELLS_WITH_CAVEATS = 100
MOST_CELLS_WITH_ALL_DATA = 200
"""Beyond them the run's JSON report alone has each launch and every ratio."""
LARGEST_PLAIN_DATA_BYTES = 100_000
"""Larger data is embedded compressed."""
_COMMAND = re.compile("`([^`]+)`")


class Link(NamedTuple):
    """An entry of the contents."""

    id: str
    title: str


def render(view: View) -> str:
    """The whole page; equal summaries give equal bytes."""
    shown = history_section(view.histories)
    page = _environment().get_template("page.html.j2")
    with placed_charts():
        return with_charts(page.render(_context(view, shown)))


def _context(view: View, history: HistorySection) -> dict[str, Any]:
    summary = view.summary
    script = _template_file("page.js")
    baselines = {c.variant_id for c in summary.cells if c.is_baseline}
    baselines |= {c.variant_id for c in summary.sustained if c.is_baseline}
    colours = variant_colours(view.variant_ids, baselines)
    sustained = sustained_section(view, colours)
    judged = [
        c
        for c in most_interesting(view)
        if c.verdict is not None and c.metric == view.primary.name
    ]
    forest_left_out = max(0, len(judged) - MOST_FOREST_ROWS)
    judged = judged[:MOST_FOREST_ROWS]
    models = model_sections(view, colours)
    comparisons = comparison_table(view)
    caveats = [set(cell.caveats) for cell in summary.cells]
    shared = set.intersection(*caveats) if caveats else set()
    with_caveats = [cell for cell in summary.cells if set(cell.caveats) - shared]
    resources = resource_rows(view)
    encoding, data = _embedded(view)
    return {
        "view": view,
        "answer": headline(view),
        "run": summary.run,
        "workload": summary.run.started.plan.workload,
        "caveat_entries": caveat_entries(view),
        "next_step": next_step(view),
        "budgets": budget_rows(view),
        "budget_headings": BUDGET_HEADINGS,
        "fastest": [] if summary.compared_with else first_table(view),
        "fastest_headings": fastest_headings(view),
        "forest": forest(view, judged) if judged else "",
        "forest_is_tall": len(judged) > MOST_ROWS_AT_ONCE,
        "forest_left_out": forest_left_out,
        "models": models,
        "comparisons": comparisons,
        "fleet": fleet_rows(view),
        "fleet_headings": FLEET_HEADINGS,
        "fleet_lead": FLEET_LEAD,
        "outputs": outputs_section(view),
        "failures": summary.failures,
        "retries": retry_lines(view),
        "retries_title": RETRIES,
        "devices": summary.devices,
        "cells_with_caveats": with_caveats[:MOST_CELLS_WITH_CAVEATS],
        "caveats_left_out": max(0, len(with_caveats) - MOST_CELLS_WITH_CAVEATS),
        "conditions": conditions_table(view),
        "condition_headings": CONDITION_HEADINGS,
        "resources": resources[:MOST_RESOURCE_ROWS],
        "resources_left_out": max(0, len(resources) - MOST_RESOURCE_ROWS),
        "resource_headings": RESOURCE_HEADINGS,
        "resources_explained": RESOURCES_EXPLAINED,
        "artifacts": summary.run.artifacts,
        "metrics": summary.metrics,
        "command": method.command_line(view),
        "blocks": method.blocks(view),
        "generated": method.generated(view),
        "statistics": method.statistics(view),
        "min_effect": method.min_effect(view),
        "sustained": sustained,
        "history": history,
        "contents": _contents(view, models, comparisons, history),
        "colours": {name: css_variable(c.mark) for name, c in colours.items()},
        "shapes": VERDICT_SHAPES,
        "theme": theme_css(),
        "style": _template_file("style.css"),
        "script": script,
        "script_hash": _csp_hash(script),
        "data": data,
        "data_encoding": encoding,
    }


def _contents(
    view: View,
    models: Sequence[ModelSection],
    comparisons: Comparisons,
    history: HistorySection,
) -> list[Link]:
    links = [Link(section.id, section.table.model) for section in models]
    if view.summary.sustained:
        links.append(Link("sustained", "Sustained"))
    if view.summary.outputs or view.summary.unchecked:
        links.append(Link("outputs", "Output accuracy"))
    if view.summary.fleet:
        links.append(Link("fleet", "Phones in general"))
    if comparisons.rows:
        links.append(Link("comparisons", "Every comparison"))
    if history.charts:
        links.append(Link("history", "History"))
    if view.summary.failures:
        links.append(Link("failures", "Failures"))
    if view.summary.retries:
        links.append(Link("retries", RETRIES))
    return [
        *links,
        Link("devices", "Devices and conditions"),
        Link("method", "How it was measured"),
    ]


def _embedded(view: View) -> tuple[str, str]:
    """The machine's report for a script element: (encoding, text).

    Of single launches and of ratios to the host it holds the primary metric alone, to
    keep the page small; of a large run no single launches.
    """
    is_large = len(view.summary.cells) > MOST_CELLS_WITH_ALL_DATA
    document = json.document(view, only_primary=True, is_large=is_large)
    encoded = msgspec.json.encode(document)
    if len(encoded) > LARGEST_PLAIN_DATA_BYTES:
        packed = gzip.compress(encoded, compresslevel=9, mtime=0)
        return "gzip+base64", base64.b64encode(packed).decode()
    # Neither `</script` nor `<!--` may stand in a script element.
    return "", encoded.decode().replace("<", "\\u003c")


def _csp_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _template_file(name: str) -> str:
    return (
        resources.files("pocketbench.reports.formats.html") / "templates" / name
    ).read_text("utf-8")


def _environment() -> jinja2.Environment:
    compiled = cache_dir() / "templates"
    compiled.mkdir(exist_ok=True)
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template_file),
        bytecode_cache=jinja2.FileSystemBytecodeCache(str(compiled)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        sentence_case=_sentence_case,
        with_code=_with_code,
        size=format_size,
        exact=repr,
        groupby_device=_by_device,
        grade_words=grade_words,
    )
    environment.globals["tone"] = tone
    return environment


def _with_code(words: str) -> Markup:
    """Our own sentence, in which `this` is a command."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(words))))


def _sentence_case(words: str) -> str:
    return words[:1].upper() + words[1:]


def _by_device(rows: Sequence[TableRow]) -> list[tuple[str, list[TableRow]]]:
    grouped = itertools.groupby(rows, key=lambda row: row.cell.device_id)
    return [(device_id, list(found)) for device_id, found in grouped]
