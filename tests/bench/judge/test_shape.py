from __future__ import annotations

import msgspec
import numpy as np
import pytest

from pocketbench.bench.judge.shape import shapes
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import LaunchShape
from pocketbench.bench.records.launch import Measurement

PLACE = np.arange(60)


def launch(level, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.02, len(PLACE))
    return 1e6 * np.exp(noise) * level


@pytest.mark.parametrize(
    ("level", "shape", "steady_from"),
    [
        (1.0 + 0 * PLACE, LaunchShape.FLAT, 0),
        (np.where(PLACE < 12, 1.5, 1.0), LaunchShape.WARM_UP, 12),
        (np.where(PLACE < 30, 1.0, 1.3), LaunchShape.SLOW_DOWN, 30),
        (np.where(PLACE < 52, 1.0, 1.3), LaunchShape.NO_STEADY_STATE, 52),
        (
            np.select([PLACE < 10, PLACE < 30], [1.5, 0.8], 1.0),
            LaunchShape.SLOW_DOWN,
            30,
        ),
    ],
)
def test_a_launch_is_classed_by_the_order_of_its_levels(level, shape, steady_from):
    (got,) = shapes(launch(level)[None, :])

    assert got == (shape, steady_from)


def test_a_single_slow_iteration_leaves_a_launch_flat():
    row = launch(1.0)
    row[30] *= 10

    assert shapes(row[None, :])[0].shape is LaunchShape.FLAT


def test_few_iterations_show_no_shape():
    assert shapes(np.ones((2, 19))) == [None, None]


def test_iterations_without_a_logarithm_show_no_shape():
    rows = np.stack([launch(1.0), launch(1.0)])
    rows[0, 3] = 0

    got = shapes(rows)

    assert got[0] is None
    assert got[1].shape is LaunchShape.FLAT


def test_few_launches_that_remember_their_last_iteration_are_called_unsteady():
    random = np.random.default_rng(1)
    rows = random.normal(0, 0.05, (400, 60))
    for place in range(1, 60):
        rows[:, place] += 0.5 * rows[:, place - 1]

    flat = sum(got.shape is LaunchShape.FLAT for got in shapes(np.exp(rows)))

    assert flat >= 370


def test_warm_up_that_is_seen_is_left_out_of_the_latencies(make_run, make_launch):
    def summary_of(level):
        measured = Measurement(latencies_ns=tuple(int(x) for x in launch(level)))
        run = msgspec.structs.replace(
            make_run({("host", "a"): [1]}),
            launches=(make_launch("host", "a", 0, measurement=measured),),
        )
        (got,) = summarize(run).cell("host", "net", "a").launches
        return got

    warm = summary_of(np.where(PLACE < 28, 2.0, 1.0))
    slow = summary_of(np.where(PLACE < 28, 1.0, 2.0))

    assert (warm.shape, warm.steady_from) == (LaunchShape.WARM_UP, 28)
    assert warm.values["latency_ns"] == pytest.approx(1e6, rel=0.01)
    assert warm.values["p90_latency_ns"] == pytest.approx(1.025e6, rel=0.01)
    assert warm.values["throughput_per_s"] == pytest.approx(1000, rel=0.01)
    assert slow.shape is LaunchShape.SLOW_DOWN
    assert slow.values["throughput_per_s"] == pytest.approx(660, rel=0.02)
