"""What launches used besides time, as rows of a table."""

from __future__ import annotations

from typing import NamedTuple

from pocketbench.bench.judge.resources import MemoryUsed, Resources
from pocketbench.bench.judge.summary import Cell
from pocketbench.bench.units import format_size, format_time, significant
from pocketbench.reports.view import View

HEADINGS = (
    "runtime baseline",
    "peak",
    "model memory",
    "PSS at the end",
    "source",
    "energy per launch",
)
EXPLAINED = (
    "Means over launches. The peak is the larger of VmHWM and VmRSS + VmSwap of the "
    "measuring process; model memory is the peak minus the runtime baseline, which is "
    "read before the model is loaded. Energy is the whole device's, from before a "
    "launch to after it, loading and warm-up included."
)

_METHODS = {
    "rails": "its power rails",
    "battery_current": "battery current x voltage, a rough figure",
}


class ResourceRow(NamedTuple):
    """One cell's words, one for each of `HEADINGS`."""

    cell: Cell
    words: tuple[str, ...]


def resource_rows(view: View) -> list[ResourceRow]:
    """A row for each cell of which anything is known."""
    return [
        ResourceRow(cell, _words(cell.resources))
        for cell in view.summary.cells
        if cell.resources is not None
    ]


def _words(resources: Resources) -> tuple[str, ...]:
    memory = resources.memory
    sizes = (
        memory.runtime_rss_bytes,
        memory.peak_bytes,
        memory.model_bytes,
        memory.pss_bytes,
    )
    return (
        *("unavailable" if size is None else format_size(size) for size in sizes),
        _how(memory),
        _energy(resources),
    )


def _how(memory: MemoryUsed) -> str:
    if memory.read_by is None:
        return (
            "the program reports none" if memory.peak_bytes is None else "unavailable"
        )
    if memory.read_by == "itself":
        return "by the program itself"
    words = "looked at from outside"
    if memory.sampling_interval_s is not None:
        words += f" every {format_time(memory.sampling_interval_s * 1e9)}"
    if memory.sampling_cost_ns is not None:
        words += f", at {format_time(memory.sampling_cost_ns)} of processor time"
    return words


def _energy(resources: Resources) -> str:
    energy = resources.energy
    if energy is None:
        return f"none: {resources.no_energy}"
    return (
        f"{significant(energy.energy_uj / 1e6)} J at "
        f"{significant(energy.power_mw / 1e3)} W, by {_METHODS[energy.method]}"
    )
