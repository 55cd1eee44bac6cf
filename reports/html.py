"""One self-contained HTML file: the answer first, everything else below it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
from collections.abc import Sequence
from importlib import resources
from typing import Any, NamedTuple

import jinja2
import msgspec

from bench.judge.summary import Cell, Comparison, Estimate, Metric, Summary, Verdict
from bench.units import format_size, significant
from reports import json, method
from reports.details import (
    MOST_PAIRS,
    MOST_STRIP_CELLS,
    DeviceCharts,
    chosen_pairs,
    device_charts,
    strip_charts,
)
from reports.doubts import doubts
from reports.headline import headline
from reports.lookup import Lookup
from reports.phrases import (
    BY_INTEREST,
    VERDICT_SHAPES,
    VERDICT_WORDS,
    counted,
    effect,
    interval_text,
    ratio_text,
)
from reports.plots.forest import forest, worst_first
from reports.plots.style import Colour, css_variable, variant_colours
from reports.presentable import presentable
from reports.table import Table, TableRow, model_table
from reports.theme import theme_css

MOST_NARROW_ROWS = 60
"""Charts with more rows are drawn once and scrolled."""
MOST_JUDGED_ROWS = 300
MOST_INFORMATIONAL_ROWS = 400
"""Comparisons without a verdict that are shown; the data holds all of them."""
MOST_OPEN_MODELS = 3
MOST_DOUBTFUL_CELLS = 100
LARGEST_PLAIN_DATA_BYTES = 100_000
"""Larger data is embedded compressed."""


class ModelSection(NamedTuple):
    """What the page shows of one model."""

    id: str
    table: Table
    lead: str
    strips_wide: str
    strips_narrow: str
    is_tall: bool
    charts: list[DeviceCharts]
    left_out: str
    is_open: bool


class ComparisonRow(NamedTuple):
    """One comparison in words."""

    comparison: Comparison
    verdict: str
    verdict_text: str
    ratio: str
    interval: str
    effect: str
    q: str
    to_settle: str


class Comparisons(NamedTuple):
    """The table of comparisons."""

    rows: list[ComparisonRow]
    verdicts: list[str]
    lead: str


class Link(NamedTuple):
    """An entry of the contents."""

    id: str
    title: str


def render(summary: Summary) -> str:
    """The whole page; equal summaries give equal bytes."""
    lookup = Lookup(presentable(summary))
    return _environment().get_template("page.html.j2").render(_context(lookup))


def _context(lookup: Lookup) -> dict[str, Any]:
    summary = lookup.summary
    script = _template_file("page.js")
    colours = variant_colours(
        lookup.variant_ids, {c.variant_id for c in summary.cells if c.is_baseline}
    )
    judged = [c for c in lookup.judged if c.metric == lookup.primary.name]
    is_tall = len(judged) > MOST_NARROW_ROWS
    models = _model_sections(lookup, colours)
    comparisons = _comparisons(lookup)
    caveats = [set(cell.caveats) for cell in summary.cells]
    shared = set.intersection(*caveats) if caveats else set()
    doubtful = [cell for cell in summary.cells if set(cell.caveats) - shared]
    encoding, data = _embedded(lookup)
    return {
        "lookup": lookup,
        "answer": headline(lookup),
        "run": summary.run,
        "workload": summary.run.started.plan.workload,
        "doubts": doubts(lookup),
        "forest_wide": forest(lookup, judged) if judged else "",
        "forest_narrow": forest(lookup, judged, narrow=True)
        if judged and not is_tall
        else "",
        "forest_is_tall": is_tall,
        "models": models,
        "comparisons": comparisons,
        "failures": summary.failures,
        "devices": summary.devices,
        "doubtful_cells": doubtful[:MOST_DOUBTFUL_CELLS],
        "doubtful_left_out": max(0, len(doubtful) - MOST_DOUBTFUL_CELLS),
        "artifacts": summary.run.artifacts,
        "metrics": summary.metrics,
        "command": method.command_line(lookup),
        "statistics": method.STATISTICS,
        "min_effect": method.min_effect(lookup),
        "contents": _contents(lookup, models, comparisons),
        "colours": {name: css_variable(c.mark) for name, c in colours.items()},
        "shapes": VERDICT_SHAPES,
        "theme": theme_css(),
        "style": _template_file("style.css"),
        "script": script,
        "script_hash": _csp_hash(script),
        "data": data,
        "data_encoding": encoding,
    }


def _model_sections(lookup: Lookup, colours: dict[str, Colour]) -> list[ModelSection]:
    """Every model's table; charts for as many as a page can hold."""
    chosen = chosen_pairs(lookup)
    strips_left = MOST_STRIP_CELLS
    sections = []
    for number, model in enumerate(lookup.models):
        name = f"model-{number + 1}"
        table = model_table(lookup, model)
        cells = [
            row.cell for row in table.rows if lookup.primary.name in row.cell.estimates
        ]
        wide, narrow = "", ""
        if cells and len(cells) <= strips_left:
            strips_left -= len(cells)
            wide, narrow = strip_charts(lookup, cells, colours, name=f"{name}-launches")
        devices = dict.fromkeys(row.cell.device_id for row in table.rows)
        drawn = [device for device in devices if (model, device) in chosen]
        sections.append(
            ModelSection(
                id=name,
                table=table,
                lead=_lead([row.cell for row in table.rows]),
                strips_wide=wide,
                strips_narrow=narrow,
                is_tall=len(cells) > MOST_NARROW_ROWS,
                charts=[
                    device_charts(
                        lookup, model, device, colours, name=f"{name}-{place + 1}"
                    )
                    for place, device in enumerate(drawn)
                ],
                left_out=_left_out(
                    lookup, list(devices), drawn, bool(cells) and not wide
                ),
                is_open=len(lookup.models) <= MOST_OPEN_MODELS or number == 0,
            )
        )
    return sections


def _lead(cells: Sequence[Cell]) -> str:
    """What the model is, and that its weights are random where they are."""
    artifact = cells[0].artifact
    weights = artifact.export.weights
    if not any(cell.artifact.export.random_weights for cell in cells):
        return f"From {artifact.source}. Weights: {weights}."
    return (
        f"From {artifact.source}. Weights: {weights}; so the output error is a "
        "distance from float32, never an accuracy."
    )


def _left_out(
    lookup: Lookup, devices: Sequence[str], drawn: Sequence[str], no_strips: bool
) -> str:
    missing = [device for device in devices if device not in drawn]
    parts = []
    if missing:
        parts.append(
            f"Single launches of {counted(len(missing), 'device')} are not drawn here: "
            f"a page draws those of {MOST_PAIRS} pairs of model and device, the "
            "changed and the undecided first."
        )
    if no_strips:
        parts.append(
            f"The chart of every launch is drawn for {MOST_STRIP_CELLS} cells a page."
        )
    return " ".join(parts)


def _comparisons(lookup: Lookup) -> Comparisons:
    """The judged ones, worst first; others against a baseline while they are few."""
    judged = [
        c
        for metric in lookup.summary.metrics
        for c in worst_first(
            (x for x in lookup.judged if x.metric == metric.name), metric
        )
    ]
    others = [
        c for c in lookup.summary.comparisons if c.verdict is None and c.kind != "host"
    ]
    lead = "Ratios below 1 mean that the candidate takes less."
    if len(judged) > MOST_JUDGED_ROWS:
        lead += (
            f" The {MOST_JUDGED_ROWS} that matter most of {len(judged)}: regressions, "
            "improvements, then the undecided; each model's table has them all."
        )
        judged.sort(key=lambda c: BY_INTEREST.index(c.verdict))
        del judged[MOST_JUDGED_ROWS:]
    if others and len(others) <= MOST_INFORMATIONAL_ROWS:
        lead += " Only gated metrics get verdicts; the others are for information."
        judged += others
    elif others:
        lead += (
            f" {len(others)} ratios of other metrics, for information only, are in the "
            "data at the end of this page."
        )
    rows = [_comparison_row(lookup, comparison) for comparison in judged]
    verdicts = dict.fromkeys(row.verdict for row in rows)
    return Comparisons(rows, list(verdicts), lead)


def _comparison_row(lookup: Lookup, comparison: Comparison) -> ComparisonRow:
    ratio = comparison.candidate_over_baseline
    verdict = comparison.verdict
    metric = lookup.metrics.get(comparison.metric)
    return ComparisonRow(
        comparison,
        verdict.value if verdict else "for_information",
        f"{VERDICT_SHAPES[verdict]} {VERDICT_WORDS[verdict]}"
        if verdict
        else "for information",
        ratio_text(ratio),
        interval_text(ratio),
        _effect(metric, ratio) if metric else "",
        "" if comparison.q_value is None else _probability(comparison.q_value),
        _to_settle(comparison),
    )


def _effect(metric: Metric, ratio: Estimate) -> str:
    """What the ratio means, where the interval leaves a direction."""
    if ratio.low is None or ratio.high is None or ratio.low <= 1 <= ratio.high:
        return "not clear"
    return effect(metric, ratio.point)


def _to_settle(comparison: Comparison) -> str:
    if comparison.verdict is not Verdict.INCONCLUSIVE:
        return ""
    further = comparison.launches_to_settle
    return f"about {further} launches" if further is not None else "out of reach"


def _probability(value: float) -> str:
    return "< 0.001" if value < 0.001 else significant(value, 2)


def _contents(
    lookup: Lookup, models: Sequence[ModelSection], comparisons: Comparisons
) -> list[Link]:
    links = [Link(section.id, section.table.model) for section in models]
    if comparisons.rows:
        links.append(Link("comparisons", "Every comparison"))
    if lookup.summary.failures:
        links.append(Link("failures", "What could not be measured"))
    return [
        *links,
        Link("devices", "Devices and conditions"),
        Link("method", "How it was measured"),
    ]


def _embedded(lookup: Lookup) -> tuple[str, str]:
    """The machine's report for a script element: (encoding, text).

    Of single launches and of ratios to the host it holds the primary metric alone, to
    keep the page small.
    """
    encoded = msgspec.json.encode(json.document(lookup, only_primary=True))
    if len(encoded) > LARGEST_PLAIN_DATA_BYTES:
        packed = gzip.compress(encoded, compresslevel=9, mtime=0)
        return "gzip+base64", base64.b64encode(packed).decode()
    # Neither `</script` nor `<!--` may stand in a script element.
    return "", encoded.decode().replace("<", "\\u003c")


def _csp_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _template_file(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text("utf-8")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template_file),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        sentence_case=_sentence_case,
        size=format_size,
        exact=repr,
        groupby_device=_by_device,
    )
    return environment


def _sentence_case(words: str) -> str:
    return words[:1].upper() + words[1:]


def _by_device(rows: Sequence[TableRow]) -> list[tuple[str, list[TableRow]]]:
    grouped = itertools.groupby(rows, key=lambda row: row.cell.device_id)
    return [(device_id, list(found)) for device_id, found in grouped]
