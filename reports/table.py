"""A model's table: devices and variants down, figures across, units in the header."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.judge.summary import Cell, Comparison, Estimate, Metric, Verdict
from bench.units import Scale, common_scale
from reports.lookup import Lookup
from reports.phrases import interval_text, speed_up

_ORDER = (
    "latency_ns",
    "p90_latency_ns",
    "p99_latency_ns",
    "throughput_per_s",
    "peak_rss_bytes",
    "model_rss_bytes",
)
"""After the primary metric; load and first inference come behind the file size."""

_SHORT = {
    "model_rss_bytes": "peak minus before load",
}


class Column(NamedTuple):
    """What one column shows."""

    key: str
    """`data-metric` of its cells."""
    heading: str
    unit: str
    explained: str
    better: str | None
    """`lower` or `higher`; `None` where nothing is best."""


class Figure(NamedTuple):
    """One number of the table: for the eye, and unscaled for machines."""

    point: float
    low: float | None
    high: float | None
    text: str
    interval: str
    """Empty for a fact that has no spread, such as a file's size."""
    is_best: bool = False
    verdict: Verdict | None = None


class TableRow(NamedTuple):
    """One cell of the run."""

    cell: Cell
    figures: tuple[Figure | None, ...]
    """One a column; `None` where nothing was measured."""


class Table(NamedTuple):
    """One model's table."""

    model: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]


class _Source(NamedTuple):
    """A column and how a cell's number for it is found."""

    column: Column
    unit: str
    find: Callable[[Cell], Estimate | float | None]
    verdict: Callable[[Cell], Verdict | None] = lambda cell: None
    is_ratio: bool = False


def model_table(lookup: Lookup, model: str) -> Table:
    """The table of one model, devices in the summary's order, baselines first."""
    cells = [
        cell
        for device_id in lookup.device_ids
        for cell in lookup.cells_of(model, device_id)
    ]
    columns: list[Column] = []
    figures: list[list[Figure | None]] = []
    for source in _sources(lookup, cells):
        found = [source.find(cell) for cell in cells]
        if any(value is not None for value in found):
            scale = _scale(source, found)
            name = "" if source.is_ratio else scale.name
            columns.append(source.column._replace(unit=source.column.unit or name))
            figures.append(_figures(source, scale, cells, found))
    rows = zip(*figures, strict=True) if figures else ()
    return Table(
        model,
        tuple(columns),
        tuple(TableRow(c, f) for c, f in zip(cells, rows, strict=True)),
    )


def _sources(lookup: Lookup, cells: Sequence[Cell]) -> list[_Source]:
    """Every column there could be, in the order of a reader's questions."""
    known = [lookup.metrics[name] for name in _ORDER if name in lookup.metrics]
    rest = [m for m in lookup.summary.metrics if m.name not in _ORDER]
    first, *others = [
        lookup.primary,
        *(metric for metric in known if metric is not lookup.primary),
    ]
    baselines = {c.variant_id for c in cells if c.is_baseline}
    over = baselines.pop() if len(baselines) == 1 else "baseline"
    return [
        _measured(first),
        _speed_up(lookup, over),
        *map(_measured, others),
        _size(),
        *(_measured(metric) for metric in rest if metric is not first),
        *_output_error(),
        _over_host(lookup),
    ]


def _measured(metric: Metric) -> _Source:
    return _Source(
        Column(
            metric.name,
            _SHORT.get(metric.name, metric.title),
            "",
            f"of each launch: {metric.of_launch}",
            metric.better,
        ),
        metric.unit,
        lambda cell: cell.estimates.get(metric.name),
    )


def _speed_up(lookup: Lookup, over: str) -> _Source:
    def comparison(cell: Cell) -> Comparison | None:
        return lookup.comparison("variant", cell, lookup.primary.name)

    def find(cell: Cell) -> Estimate | None:
        found = comparison(cell)
        if found is None:
            return None
        ratio = found.candidate_over_baseline
        return speed_up(ratio) if lookup.primary.better == "lower" else ratio

    def verdict(cell: Cell) -> Verdict | None:
        found = comparison(cell)
        return found.verdict if found else None

    return _Source(
        Column(
            "speed_up",
            f"speed-up over {over}",
            "x",
            "baseline ÷ candidate, of blocks paired on the same device",
            "higher",
        ),
        "",
        find,
        verdict,
        is_ratio=True,
    )


def _over_host(lookup: Lookup) -> _Source:
    def find(cell: Cell) -> Estimate | None:
        found = lookup.comparison("host", cell, lookup.primary.name)
        return found.candidate_over_baseline if found else None

    return _Source(
        Column(
            "over_host",
            "latency over the host's",
            "x",
            "this device ÷ the host with the same variant; measured apart, "
            "for information",
            None,
        ),
        "",
        find,
        is_ratio=True,
    )


def _size() -> _Source:
    return _Source(
        Column("size_bytes", "file size", "", "of the model file", "lower"),
        "bytes",
        lambda cell: float(cell.artifact.size_bytes),
    )


def _output_error() -> list[_Source]:
    def max_abs(cell: Cell) -> float | None:
        error = cell.artifact.output_error
        return error.max_abs if error else None

    def sqnr_db(cell: Cell) -> float | None:
        error = cell.artifact.output_error
        return error.sqnr_db if error else None

    return [
        _Source(
            Column(
                "max_abs_error",
                "output error, max abs",
                "",
                "largest difference of an output from the float32 original's",
                None,
            ),
            "",
            max_abs,
        ),
        _Source(
            Column(
                "sqnr_db",
                "output SQNR",
                "dB",
                "signal to quantization noise against the float32 original's outputs",
                None,
            ),
            "",
            sqnr_db,
        ),
    ]


def _scale(source: _Source, found: Sequence[Estimate | float | None]) -> Scale:
    points = (
        value.point if isinstance(value, Estimate) else value
        for value in found
        if value is not None
    )
    return common_scale(source.unit, points)


def _figures(
    source: _Source,
    scale: Scale,
    cells: Sequence[Cell],
    found: Sequence[Estimate | float | None],
) -> list[Figure | None]:
    """The column's numbers; the best of each device is marked where it stands out."""
    figures: list[Figure | None] = []
    for cell, value in zip(cells, found, strict=True):
        if value is None:
            figures.append(None)
        elif isinstance(value, Estimate):
            figures.append(
                Figure(
                    value.point,
                    value.low,
                    value.high,
                    scale.format(value.point),
                    interval_text(value, scale),
                    verdict=source.verdict(cell),
                )
            )
        else:
            figures.append(Figure(value, None, None, scale.format(value), ""))
    if source.column.better:
        by_device: dict[str, list[int]] = {}
        for index, cell in enumerate(cells):
            by_device.setdefault(cell.device_id, []).append(index)
        for indices in by_device.values():
            best = _best({i: f for i in indices if (f := figures[i])}, source)
            if best is not None:
                figures[best] = figures[best]._replace(is_best=True)  # type: ignore[union-attr]
    return figures


def _best(figures: dict[int, Figure], source: _Source) -> int | None:
    """The best of a device's variants, if its interval is clear of the next one's."""
    if len(figures) < 2:
        return None
    sign = 1.0 if source.column.better == "lower" else -1.0

    def worst_end(figure: Figure) -> float:
        end = figure.high if sign > 0 else figure.low
        return sign * (figure.point if end is None else end)

    def best_end(figure: Figure) -> float:
        end = figure.low if sign > 0 else figure.high
        return sign * (figure.point if end is None else end)

    first, *others = sorted(figures, key=lambda i: sign * figures[i].point)
    clear = all(worst_end(figures[first]) < best_end(figures[i]) for i in others)
    return first if clear else None
