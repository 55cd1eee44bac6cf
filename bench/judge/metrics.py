"""What is measured of a launch, and how one launch's value of it is made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pocketbench.bench.judge.generation import generation_values
from pocketbench.bench.judge.shape import Shaped, shapes
from pocketbench.bench.judge.summary import LaunchShape
from pocketbench.bench.records.launch import Launch, Measurement
from pocketbench.bench.records.metrics import (
    FEWEST_ITERATIONS,
    MEAN_LATENCY,
    OUTSIDE,
    PRIMARIES,
    USUAL_GATE,
)

(PRIMARY,) = USUAL_GATE
"""The metric that verdicts are about unless the user says otherwise."""

_TAILS = {"p90_latency_ns": 90, "p99_latency_ns": 99}


class Reduced(NamedTuple):
    """What one launch comes down to."""

    values: dict[str, float]
    """By metric name; absent stays absent."""
    shaped: Shaped | None
    """`None` where the iterations are too few to show a shape."""


def reduced(launches: Sequence[Launch]) -> list[Reduced]:
    """Reduce each launch to one value per metric, in the same order."""
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for index, launch in enumerate(launches):
        by_length[len(launch.measurement.latencies_ns)].append(index)
    by_length.pop(0, None)
    found = [Reduced(_single_values(launch.measurement), None) for launch in launches]
    for indices in by_length.values():
        rows = np.array(
            [launches[i].measurement.latencies_ns for i in indices], dtype=np.float64
        )
        for i, (values, shaped) in zip(indices, reduced_latencies(rows), strict=True):
            found[i] = Reduced({**found[i].values, **values}, shaped)
    return found


def reduced_latencies(rows: npt.NDArray[np.float64]) -> list[Reduced]:
    """Bring launches of one length, a row of latencies each, down to their values.

    Iterations before the last level of a launch that warms up are left out.
    """
    found = shapes(rows)
    columns = {name: col.tolist() for name, col in _latency_values(rows).items()}
    values = [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]
    for place, shaped in enumerate(found):
        if shaped is not None and shaped.shape is LaunchShape.WARM_UP:
            steady = _latency_values(rows[place : place + 1, shaped.steady_from :])
            values[place] = {name: float(column[0]) for name, column in steady.items()}
    return [Reduced(*both) for both in zip(values, found, strict=True)]


def _latency_values(
    rows: npt.NDArray[np.float64],
) -> dict[str, npt.NDArray[np.float64]]:
    """Values by metric of launches of one length, a row of latencies each."""
    length = rows.shape[1]
    found = {PRIMARY: np.median(rows, axis=1)}
    if (rows > 0).any(axis=1).all():
        found["throughput_per_s"] = 1e9 / rows.mean(axis=1)
    for metric, percent in _TAILS.items():
        if length >= FEWEST_ITERATIONS[metric]:
            found[metric] = np.percentile(rows, percent, axis=1)
    return found


def _model_rss_bytes(measurement: Measurement) -> float | None:
    peak = measurement.memory.peak_bytes
    before = measurement.memory.rss_before_load_bytes
    return None if peak is None or before is None else peak - before


VALUES: dict[str, Callable[[Measurement], float | None]] = {
    "load_ns": lambda measurement: measurement.load_ns,
    "first_latency_ns": lambda measurement: measurement.first_latency_ns,
    "peak_rss_bytes": lambda measurement: measurement.memory.peak_bytes,
    "model_rss_bytes": _model_rss_bytes,
    **{outside.metric.name: outside.value for outside in OUTSIDE},
}
"""One launch's value of each metric that is not a statistic of its latencies."""


def _single_values(measurement: Measurement) -> dict[str, float]:
    found = {name: value(measurement) for name, value in VALUES.items()}
    values = {name: float(value) for name, value in found.items() if value is not None}
    values |= generation_values(measurement.generation)
    return values if measurement.latencies_ns else values | _printed(measurement)


def _printed(measurement: Measurement) -> dict[str, float]:
    """Latencies from statistics that a program prints instead of its iterations."""
    mean_ns = measurement.mean_latency_ns
    by_name = {PRIMARY: "p50", "p90_latency_ns": "p90", "p99_latency_ns": "p99"}
    printed = measurement.latency_statistics_ns
    found = {
        metric: float(printed[name])
        for metric, name in by_name.items()
        if name in printed
    }
    if mean_ns:
        found["throughput_per_s"] = 1e9 / mean_ns
        if PRIMARY not in found:
            found[MEAN_LATENCY] = float(mean_ns)
    return found


def primary_value(values: Mapping[str, float]) -> float | None:
    """A launch's median latency, a mean without median, or its decode speed."""
    return next((values[name] for name in PRIMARIES if name in values), None)
