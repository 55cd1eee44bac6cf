"""What version 0.1 wrote is still read, and gives the numbers it gave then."""

from pathlib import Path

import pytest

from pocketbench.bench.history.queries import read_series
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.measure.run_folder import read_run

OLD = Path(__file__).parents[1] / "data" / "version_0_1"
RUN = OLD / "runs" / "20261128-121831-small-4684"
LATENCIES_NS = {
    ("host", "float32"): 15925.929552107267,
    ("host", "int8-dynamic"): 17428.72553936648,
    ("simulated:pixel-8", "float32"): 12599.72026971574,
    ("simulated:pixel-8", "int8-dynamic"): 17003.7496255813,
}
"""What version 0.1 reported of this run."""
PEAKS_BYTES = {
    ("host", "float32"): 119760195.8487651,
    ("host", "int8-dynamic"): 120471548.47162814,
    ("simulated:pixel-8", "float32"): 119730146.44321218,
    ("simulated:pixel-8", "int8-dynamic"): 120464725.08574848,
}


def test_a_run_of_version_0_1_gives_the_numbers_it_gave():
    run = read_run(RUN)
    cells = {(c.device_id, c.variant_id): c for c in summarize(run).cells}

    assert len(run.launches) == 12
    for key, expected in LATENCIES_NS.items():
        assert cells[key].estimates["latency_ns"].point == pytest.approx(expected)
        peak = cells[key].estimates["peak_rss_bytes"].point
        assert peak == pytest.approx(PEAKS_BYTES[key])


def test_a_history_of_version_0_1_keeps_its_points():
    series = {
        (s.cell.device, s.cell.variant): [p.value for p in s.points]
        for s in read_series(OLD / "history")
    }

    assert series == {
        ("host-intel-xeon-2-cores", "float32"): [15151.0, 12258.0],
        ("host-intel-xeon-2-cores", "int8-dynamic"): [17609.0, 16872.0],
        ("simulated-pixel-8", "float32"): [12147.0],
        ("simulated-pixel-8", "int8-dynamic"): [17482.0],
    }
