"""How fast each model is on each device: its fastest build, before any comparison.

Of a model that generates each build has its tokens per second and its time to the first
token, at each depth of the KV cache.
"""

from __future__ import annotations

from typing import NamedTuple

from pocketbench.bench.judge.summary import Cell, Estimate, Verdict
from pocketbench.bench.records.metrics import GATES
from pocketbench.bench.units import common_scale, format_size, format_time, format_value
from pocketbench.reports.text.phrases import (
    counted,
    effect,
    interval_text,
    listed,
    verdict_words,
)
from pocketbench.reports.view import View

FIRST_TOKEN = GATES["ttft"]
MOST_IN_WORDS = 3
"""Pairs of model and device with their figures in the headline."""


class Fastest(NamedTuple):
    """The fastest build of one model on one device, in words."""

    cell: Cell
    figure: Estimate
    latency: str
    """`12.4 ms [12.1, 12.8]`; of a generation `83.1 tokens/s [...]`."""
    first_token: str
    """`240 ms`; empty where nothing is generated."""
    memory: str
    size: str
    versus: str
    """`2.1x faster than float32`; how it stands to its baseline."""
    builds: int
    """How many were measured there."""
    is_clear: bool
    """Whether it is a baseline that every other build is slower than by verdict."""

    @property
    def figures(self) -> tuple[str, ...]:
        """What a table shows of it, from the fourth of `fastest_headings` on."""
        if self.cell.kv_depth is None:
            return (self.latency, self.memory or "-", self.size)
        # The unit stands in the heading.
        rate = self.latency.replace(" tokens/s", "")
        return (rate, self.first_token or "-", self.memory or "-")

    @property
    def cells(self) -> tuple[str, ...]:
        """All that a table shows of it, after the device."""
        names = (self.cell.model, self.cell.variant_id)
        return (*names, *self.figures, self.versus)


def fastest_builds(view: View) -> list[Fastest]:
    """One for each model, device and depth, in the report's order.

    A candidate counts as faster than its baseline by its verdict alone; where there are
    no verdicts, by its estimate.
    """
    return [_row(view, _best(view, cells), cells) for cells in _rivals(view)]


def first_table(view: View) -> list[Fastest]:
    """The fastest builds; of models that generate every build."""
    if view.generation is None:
        return fastest_builds(view)
    return [_row(view, cell, cells) for cells in _rivals(view) for cell in cells]


def _rivals(view: View) -> list[list[Cell]]:
    """The builds of one model on one device, at one depth."""
    found: dict[tuple[str, str, int | None], list[Cell]] = {}
    for model in view.models:
        for device_id in view.device_ids:
            for cell in view.cells_of(model, device_id):
                if view.primary.name in cell.estimates:
                    key = model, device_id, cell.kv_depth
                    found.setdefault(key, []).append(cell)
    return list(found.values())


def fastest_sentence(view: View) -> str:
    """The figures of few models and devices; of many how far they reach."""
    rows = fastest_builds(view)
    if not rows:
        return f"{counted(len(view.summary.cells), 'configuration')} measured."
    if len(rows) > MOST_IN_WORDS:
        return _reach(view, rows)
    if len(rows) == 1:
        row = rows[0]
        where = f"{row.cell.model} on {view.tagged(row.cell.device_id)}"
        memory = f"; {row.memory} {memory_words(view)}" if row.memory else ""
        build = f"{row.cell.variant_id}{_among(rows)}"
        if row.first_token:
            build += f", the first after {row.first_token}"
        return f"{where}: {row.latency} with {build}{memory}, {row.size} file."
    builds = {row.cell.variant_id for row in rows}
    models = {row.cell.model for row in rows}
    figures = []
    for row in rows:
        names = [
            *([row.cell.model] if len(models) > 1 else []),
            *([row.cell.variant_id] if len(builds) > 1 else []),
        ]
        figure = format_value(view.primary.unit, row.figure.point)
        name = f" ({' '.join(names)})" if names else ""
        figures.append(f"{figure} on {view.tagged(row.cell.device_id)}{name}")
    name = f"{rows[0].cell.model}: " if len(models) == 1 else ""
    build = f" with {builds.pop()}{_among(rows)}" if len(builds) == 1 else ""
    return f"{name}{listed(figures)}{build}."


def _among(rows: list[Fastest]) -> str:
    """What the build is among the others that were measured there."""
    if max(row.builds for row in rows) == 1:
        return ""
    is_baseline = all(row.cell.is_baseline for row in rows)
    is_unclear = is_baseline and not all(row.is_clear for row in rows)
    return " (no build clearly faster)" if is_unclear else " (the fastest build)"


def fastest_headings(view: View) -> tuple[str, ...]:
    """Of a table of them: device, model, build, figures, how it stands to another."""
    build = "fastest build" if len(view.variant_ids) > 1 else "build"
    figures = (view.primary.title, memory_words(view), "file size")
    if view.generation is not None:
        build = "build"
        figures = (f"{view.primary.title}, tokens/s", "first token", memory_words(view))
    return ("device", "model", build, *figures, "comparison")


def memory_words(view: View) -> str:
    """What the memory figure is."""
    is_model = view.memory_metric == "model_rss_bytes"
    return "model memory" if is_model else "peak memory"


def _best(view: View, cells: list[Cell]) -> Cell:
    metric = view.primary
    sign = 1 if metric.better == "lower" else -1

    def order(cell: Cell) -> tuple[bool, float]:
        found = view.comparison("variant", cell, metric.name)
        is_shown = found is None or found.verdict in (None, Verdict.IMPROVEMENT)
        return not is_shown, sign * cell.estimates[metric.name].point

    return min(cells, key=order)


def _row(view: View, cell: Cell, cells: list[Cell]) -> Fastest:
    metric = view.primary
    figure = cell.estimates[metric.name]
    memory = cell.estimates.get(view.memory_metric)
    first_token = cell.estimates.get(FIRST_TOKEN)
    scale = common_scale(metric.unit, [figure.point])
    return Fastest(
        cell,
        figure,
        f"{scale.format(figure.point)} {scale.name} {interval_text(figure, scale)}",
        format_time(first_token.point) if first_token else "",
        format_size(memory.point) if memory else "",
        format_size(cell.artifact.size_bytes),
        _versus(view, cell, cells),
        len(cells),
        cell.is_baseline
        and all(_verdict(view, x) is Verdict.REGRESSION for x in cells if x != cell),
    )


def _verdict(view: View, cell: Cell) -> Verdict | None:
    found = view.comparison("variant", cell, view.primary.name)
    return found.verdict if found else None


def _versus(view: View, best: Cell, cells: list[Cell]) -> str:
    found = view.comparison("variant", best, view.primary.name)
    if found is None:
        return "baseline" if best.is_baseline and len(cells) > 1 else ""
    if found.verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT):
        said = effect(view.primary, found.candidate_over_baseline.point)
        return f"{said} than {found.baseline}"
    return f"{verdict_words(found, view.primary)} vs {found.baseline}"


def _reach(view: View, rows: list[Fastest]) -> str:
    """`2 models on 8 devices: 1.20 to 23.0 ms with the fastest build of each`."""
    unit = view.primary.unit
    points = sorted(row.figure.point for row in rows)
    models = dict.fromkeys(row.cell.model for row in rows)
    devices = counted(len({row.cell.device_id for row in rows}), "device")
    builds = {row.cell.build_id for row in rows}
    name = next(iter(models)) if len(models) == 1 else counted(len(models), "model")
    build = builds.pop() if len(builds) == 1 else "the fastest build of each"
    if view.generation and len(view.generation.kv_depths) > 1:
        build += f" at {counted(len(view.generation.kv_depths), 'depth')}"
    low, high = (format_value(unit, point) for point in (points[0], points[-1]))
    figure, _, shared = low.partition(" ")
    if shared == high.partition(" ")[2]:
        low = figure
    return f"{name} on {devices}: {low} to {high} with {build}."
