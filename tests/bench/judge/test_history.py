from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketbench.bench.judge.history import changes


def noisy(points: int, seed: int, spread: float = 0.02) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0, spread, points))


def confirmed(values, **options) -> list[int]:
    found = changes([float(v) for v in values], **options)
    return [change.index for change in found if not change.is_suspect]


def test_a_clean_step_is_found_at_its_first_value():
    (found,) = changes([10.0] * 12 + [11.0] * 8)

    assert (found.index, found.is_suspect) == (12, False)
    assert found.after_over_before == pytest.approx(1.1)
    assert found.p_value < 1e-6


def test_several_levels_are_found_in_order():
    values = noisy(60, 1) * np.repeat([1.0, 1.3, 0.9], 20)

    assert confirmed(values) == [20, 40]


def test_a_level_that_went_again_is_found_in_a_long_history():
    values = noisy(1000, 11) * np.repeat([1.0, 1.2, 1.0], [301, 298, 401])

    places = confirmed(values)

    assert len(places) == 2
    assert places[0] == pytest.approx(301, abs=2)
    assert places[1] == pytest.approx(599, abs=2)


def test_a_step_below_the_minimum_effect_is_none():
    values = noisy(60, 2, 0.001) * np.repeat([1.0, 1.01], 30)

    assert confirmed(values) == []
    assert confirmed(values, min_effect=0.005) == [30]


def test_single_outliers_make_no_level():
    values = noisy(60, 3)
    values[[7, 8, 25, 40, 58]] *= 3

    assert confirmed(values) == []


def test_a_slope_is_no_step():
    assert confirmed(np.linspace(1.0, 1.2, 60) * noisy(60, 4, 0.01)) == []


def test_newest_values_are_only_suspect_until_there_are_four():
    values = list(noisy(40, 5)) + [1.15] * 4

    early = [changes([float(v) for v in values[:end]]) for end in (41, 42, 43)]

    assert [[(c.index, c.is_suspect) for c in found] for found in early] == [
        [(40, True)]
    ] * 3
    assert confirmed(values) == [40]


def test_where_the_environment_changed_no_change_is_found():
    values = list(noisy(20, 6)) + list(1.5 * noisy(20, 7))

    apart = changes(
        [float(v) for v in values],
        environments=[("android 14", "torch 2.12")] * 20 + [("android 15", "x")] * 20,
    )

    assert apart == ()
    assert confirmed(values) == [20]


def test_a_change_within_an_environment_has_its_place_in_the_whole_series():
    values = np.concatenate([noisy(10, 8), 2 * noisy(30, 9) * np.repeat([1, 1.2], 15)])

    assert confirmed(values, environments=["old"] * 10 + ["new"] * 30) == [25]


def test_a_new_environment_with_few_values_suspects_nothing():
    values = [*map(float, noisy(30, 10)), 2.0]

    assert changes(values, environments=["old"] * 30 + ["new"]) == ()


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 7, [5.0] * 60])
def test_short_and_constant_histories_have_no_changes(values):
    assert changes(values) == ()


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_value_that_is_no_positive_number_is_refused(value):
    with pytest.raises(ValueError, match="value 2 is"):
        changes([1.0, 1.0, value])


def test_environments_must_be_as_many_as_values():
    with pytest.raises(ValueError, match="as many"):
        changes([1.0, 1.0], environments=["a"])


@given(st.floats(1e-6, 1e9), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_the_unit_of_the_values_does_not_matter(scale, seed):
    values = noisy(40, seed) * np.repeat([1, 1.08], 20)

    assert confirmed(values) == confirmed(values * scale)


def test_few_unchanged_histories_raise_an_alarm():
    alarms = sum(bool(confirmed(noisy(60, seed))) for seed in range(400))

    assert alarms <= 12


def test_a_step_of_five_percent_with_twenty_values_after_it_is_found():
    step = np.repeat([1, 1.05], [40, 20])

    found = [confirmed(noisy(60, seed) * step) for seed in range(200)]

    hits = sum(any(abs(place - 40) <= 5 for place in places) for places in found)
    assert hits >= 190
