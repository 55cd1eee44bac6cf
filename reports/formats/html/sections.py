"""What the page shows of one model: its table, and charts for as many as fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pocketbench.bench.judge.summary import Cell
from pocketbench.reports.formats.html.details import (
    MOST_PAIRS,
    MOST_STRIP_CELLS,
    DeviceCharts,
    chosen_pairs,
    device_charts,
)
from pocketbench.reports.plots.strips import strips
from pocketbench.reports.plots.style import Colour
from pocketbench.reports.tables.model_table import Table, model_table
from pocketbench.reports.tables.operators import OperatorSection, operator_section
from pocketbench.reports.text.phrases import counted
from pocketbench.reports.view import View

MOST_ROWS_AT_ONCE = 60
"""Charts with more rows scroll up and down, too."""
MOST_OPEN_MODELS = 3


class ModelSection(NamedTuple):
    """What the page shows of one model."""

    id: str
    table: Table
    lead: str
    strips: str
    is_tall: bool
    operators: OperatorSection | None
    charts: list[DeviceCharts]
    left_out: str
    is_open: bool


def model_sections(view: View, colours: dict[str, Colour]) -> list[ModelSection]:
    """Every model's table; charts for as many as a page can hold."""
    chosen = chosen_pairs(view)
    strips_left = MOST_STRIP_CELLS
    sections = []
    for number, model in enumerate(view.models):
        name = f"model-{number + 1}"
        table = model_table(view, model)
        cells = [
            row.cell for row in table.rows if view.primary.name in row.cell.estimates
        ]
        drawn_strips = ""
        if cells and len(cells) <= strips_left:
            strips_left -= len(cells)
            drawn_strips = strips(view, cells, colours, name=f"{name}-launches")
        devices = dict.fromkeys(row.cell.device_id for row in table.rows)
        drawn = [device for device in devices if (model, device) in chosen]
        sections.append(
            ModelSection(
                id=name,
                table=table,
                lead=_lead([row.cell for row in table.rows]),
                strips=drawn_strips,
                is_tall=len(cells) > MOST_ROWS_AT_ONCE,
                operators=operator_section(view, model, colours, name=name),
                charts=[
                    device_charts(
                        view, model, device, colours, name=f"{name}-{place + 1}"
                    )
                    for place, device in enumerate(drawn)
                ],
                left_out=_left_out(
                    view, list(devices), drawn, bool(cells) and not drawn_strips
                ),
                is_open=len(view.models) <= MOST_OPEN_MODELS or number == 0,
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
    view: View, devices: Sequence[str], drawn: Sequence[str], no_strips: bool
) -> str:
    missing = [device for device in devices if device not in drawn]
    parts = []
    if missing:
        parts.append(
            f"Single launches of {counted(len(missing), 'device')} are not drawn here: "
            f"a page draws those of {MOST_PAIRS} pairs of model and device, the "
            "changed and the inconclusive first."
        )
    if no_strips:
        parts.append(
            f"The chart of every launch is drawn for {MOST_STRIP_CELLS} configurations."
        )
    return " ".join(parts)
