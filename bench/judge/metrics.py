"""What is measured of a launch, and how one launch's value of it is made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.judge.summary import Metric
from bench.launch import Launch, Measurement

PRIMARY = "latency_ns"
"""The metric that verdicts are about unless the user says otherwise."""

METRICS = (
    Metric(
        name=PRIMARY,
        title="median latency",
        unit="ns",
        better="lower",
        of_launch="median of the main iterations, or the program's own mean where it "
        "tells no single iterations",
    ),
    Metric(
        name="p90_latency_ns",
        title="p90 latency",
        unit="ns",
        better="lower",
        of_launch="90th percentile of the main iterations, from 10 iterations on",
    ),
    Metric(
        name="p99_latency_ns",
        title="p99 latency",
        unit="ns",
        better="lower",
        of_launch="99th percentile of the main iterations, from 100 iterations on",
    ),
    Metric(
        name="throughput_per_s",
        title="throughput",
        unit="per_s",
        better="higher",
        of_launch="main iterations per second, one after the other",
    ),
    Metric(
        name="load_ns",
        title="load",
        unit="ns",
        better="lower",
        of_launch="time to load the model",
    ),
    Metric(
        name="first_latency_ns",
        title="first inference",
        unit="ns",
        better="lower",
        of_launch="the very first inference of the process",
    ),
    Metric(
        name="peak_rss_bytes",
        title="peak memory",
        unit="bytes",
        better="lower",
        of_launch="peak resident memory of the process",
    ),
    Metric(
        name="model_rss_bytes",
        title="peak memory minus before load",
        unit="bytes",
        better="lower",
        of_launch="peak resident memory minus that before the model was loaded",
    ),
)
"""The primary one first."""

_TAILS = {"p90_latency_ns": (90, 10), "p99_latency_ns": (99, 100)}


def launch_values(launches: Sequence[Launch]) -> list[dict[str, float]]:
    """Each launch's values by metric name, in the same order; absent stays absent."""
    values = [_single_values(launch.measurement) for launch in launches]
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, launch in enumerate(launches):
        by_length[len(launch.measurement.latencies_ns)].append(index)
    by_length.pop(0, None)
    for indices in by_length.values():
        rows = np.array(
            [launches[i].measurement.latencies_ns for i in indices], dtype=np.float64
        )
        for metric, column in _latency_values(rows).items():
            for i, value in zip(indices, column.tolist(), strict=True):
                values[i][metric] = value
    return values


def _latency_values(
    rows: npt.NDArray[np.float64],
) -> dict[str, npt.NDArray[np.float64]]:
    """Values by metric of launches of one length, a row of latencies each."""
    length = rows.shape[1]
    found = {
        PRIMARY: np.median(rows, axis=1),
        "throughput_per_s": 1e9 / rows.mean(axis=1),
    }
    for metric, (percent, least) in _TAILS.items():
        if length >= least:
            found[metric] = np.percentile(rows, percent, axis=1)
    return found


def _single_values(measurement: Measurement) -> dict[str, float]:
    memory = measurement.memory
    peak, before = memory.peak_rss_bytes, memory.rss_before_load_bytes
    found = {
        "load_ns": measurement.load_ns,
        "first_latency_ns": measurement.first_latency_ns,
        "peak_rss_bytes": peak,
        "model_rss_bytes": None if peak is None or before is None else peak - before,
    }
    values = {name: float(value) for name, value in found.items() if value is not None}
    mean_ns = measurement.mean_latency_ns
    if mean_ns is not None and not measurement.latencies_ns:
        values[PRIMARY] = float(mean_ns)
        if mean_ns > 0:
            values["throughput_per_s"] = 1e9 / mean_ns
    return values
