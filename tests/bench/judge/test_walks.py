from __future__ import annotations

import math

import numpy as np
import pytest

from pocketbench.bench.judge.walks import beside_a_walk

WALKS = (0, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)


def log_likelihood_of_walk(values: np.ndarray, walk: float) -> float:
    """Of the values after the first one, given it, from their covariances."""
    runs = np.arange(1, len(values))
    covariance = 1 + walk * np.minimum.outer(runs, runs) + np.eye(len(runs))
    apart = values[1:] - values[0]
    _, log_determinant = np.linalg.slogdet(covariance)
    variance = apart @ np.linalg.solve(covariance, apart) / len(runs)
    # Per value, so that it is comparable with two levels, which have other parameters.
    per_value = math.log(variance) + log_determinant / len(runs)
    return -len(values) / 2 * per_value


def test_it_is_the_log_likelihood_beside_the_best_walk():
    random = np.random.default_rng(1)
    old, new = random.normal(0, 1, 14), random.normal(4, 1, 9)
    both = np.concatenate([old, new])
    squares = len(old) * old.var() + len(new) * new.var()
    levels = -len(both) / 2 * math.log(squares / (len(both) - 2))

    found = beside_a_walk(old, new, 0.0)

    walks = max(log_likelihood_of_walk(both, walk) for walk in WALKS)
    assert found == pytest.approx(levels - walks)


def test_two_levels_are_likelier_than_a_walk_where_there_are_two():
    random = np.random.default_rng(2)
    steps = [
        beside_a_walk(random.normal(0, 1, 20), random.normal(4, 1, 10), 0.01)
        for _ in range(100)
    ]
    walks = np.cumsum(random.normal(0, 1, (100, 30)), axis=1)

    assert np.quantile(steps, 0.05) > 4
    assert (
        np.quantile([beside_a_walk(walk[:20], walk[20:], 0.01) for walk in walks], 0.9)
        < 0
    )


def test_levels_of_equal_values_are_likelier_than_any_walk():
    assert beside_a_walk(np.zeros(12), np.full(9, 0.1), 2.5e-7) > 50


def test_values_far_from_the_step_do_not_count():
    random = np.random.default_rng(3)
    old, new = random.normal(0, 1, 200), random.normal(3, 1, 200)

    assert beside_a_walk(old, new, 0.01) == beside_a_walk(old[-60:], new[:60], 0.01)
