from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketbench.bench.judge.history import assess, changes


def noisy(points: int, seed: int, spread: float = 0.02) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0, spread, points))


def confirmed(values, **options) -> list[int]:
    found = changes([float(v) for v in values], **options)
    return [change.index for change in found if not change.is_suspect]


def test_a_clean_step_is_found_at_its_first_value():
    (found,) = changes([10.0] * 12 + [11.0] * 9)

    assert (found.index, found.is_suspect) == (12, False)
    assert (found.before, found.after) == pytest.approx((10, 11))
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


def test_newest_values_are_only_suspect_until_there_are_nine():
    values = list(noisy(40, 5)) + list(1.15 * noisy(9, 6, 0.005))

    early = [changes([float(v) for v in values[:end]]) for end in range(41, 49)]

    assert [[(c.index, c.is_suspect) for c in found] for found in early] == [
        [(40, True)]
    ] * 8
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


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_finite_number_is_refused(value):
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


def test_a_step_of_values_around_zero_is_found():
    random = np.random.default_rng(1)
    values = np.repeat([0.0, 3.0], 20) + random.normal(0, 0.3, 40)

    (found,) = changes([float(v) for v in values])

    assert (found.index, found.is_suspect, found.is_up) == (20, False, True)
    assert found.after == pytest.approx(3, abs=0.3)


def test_negative_levels_have_a_direction_and_no_ratio():
    (found,) = changes([-3.0] * 20 + [-2.0] * 20)

    assert (found.index, found.is_up) == (20, True)
    assert found.after_over_before is None


@pytest.mark.parametrize(
    ("quiet", "spread"), [(0.0, 0.0), (1000.0, 0.0), (1000.0, 0.002)]
)
def test_a_step_from_a_quiet_level_to_a_noisy_one_lies_at_its_first_value(
    quiet, spread
):
    hits = []
    for seed in range(30):
        before = quiet * noisy(30, seed, spread)
        after = 1500.0 * noisy(15, seed + 100)
        found = changes([float(v) for v in (*before, *after)])
        hits.append(bool(found) and (found[0].index, found[0].is_suspect))

    assert hits.count((30, False)) >= 24


def test_after_two_regressions_from_zero_that_were_fixed_the_third_is_confirmed():
    levels = np.repeat([0.0, 3, 0, 5, 0, 4], [20, 10, 20, 10, 20, 12])

    assert confirmed(levels * noisy(92, 8, 0.03))[-1] == 80


def test_runs_that_measured_nothing_are_outliers_like_others():
    values = noisy(60, 12) * np.repeat([1, 1.2], [40, 20])
    values[[5, 21, 50]] = 0

    assert confirmed(values) == [40]


def test_few_unchanged_histories_raise_an_alarm():
    alarms = sum(bool(confirmed(noisy(60, seed))) for seed in range(200))

    assert alarms <= 2


PASTS = {
    "steady": [(1.0, 60)],
    "+50 % that was fixed": [(1.0, 25), (1.5, 15), (1.0, 20)],
    "+8 % that was fixed": [(1.0, 25), (1.08, 15), (1.0, 20)],
    "a dip": [(1.0, 25), (0.7, 15), (1.0, 20)],
    "an improvement": [(1.3, 30), (1.0, 20)],
    "two that were fixed": [(1, 20), (1.5, 12), (1, 14), (1.3, 10), (1, 20)],
    "several levels": [(1.0, 18), (1.2, 18), (0.9, 18), (1.1, 18), (1.0, 18)],
}


@pytest.mark.parametrize("step", [1.08, 1.5])
@pytest.mark.parametrize("past", PASTS.values(), ids=PASTS)
def test_a_regression_is_confirmed_within_ten_runs_whatever_the_past(past, step):
    levels = np.concatenate([np.full(runs, level) for level, runs in past])
    place = len(levels)
    levels = np.append(levels, np.full(10, levels[-1] * step))
    found = [
        confirmed((levels * noisy(len(levels), seed))[:end])
        for seed in range(50)
        for end in (place + 9, place + 10)
    ]

    hits = [any(abs(index - place) <= 2 for index in places) for places in found]

    either = np.reshape(hits, (50, 2)).any(axis=1)
    assert either.mean() >= 0.94


def test_the_second_regression_after_one_that_was_fixed_is_confirmed():
    """75 runs at 1.5 %, +50 % at runs 25 to 39 and from run 60 on."""
    values = noisy(75, 13, 0.015)
    values[25:40] *= 1.5
    values[60:] *= 1.5

    assert confirmed(values) == [25, 40, 60]


def test_every_step_of_a_history_of_several_levels_is_found():
    levels = np.repeat([1, 1.2, 1.1, 1.3, 1.15], [20, 25, 18, 30, 20])
    true = [20, 45, 63, 93]

    found = [confirmed(levels * noisy(len(levels), seed)) for seed in range(40)]

    hits = [any(abs(x - y) <= 3 for y in places) for places in found for x in true]
    assert np.mean(hits) >= 0.95
    assert sum(len(places) > len(true) for places in found) == 0


def coin(random, runs):
    return np.where(random.random(runs) < 0.5, 1.3, 1.0)


def busy_neighbour(random, runs):
    return np.where(random.random(runs) < 0.3, 1.6, 1.0)


def sticky(random, runs):
    stays = random.integers(3, 9, runs)
    return np.repeat(np.where(np.arange(runs) % 2, 1.25, 1.0), stays)[:runs]


@pytest.mark.parametrize("machine", [coin, busy_neighbour, sticky])
def test_a_history_of_two_speeds_is_reported_as_that_and_not_as_changes(machine):
    random = np.random.default_rng(14)
    alarms = flagged = 0
    for _ in range(30):
        values = machine(random, 60) * np.exp(random.normal(0, 0.03, 60))
        looks = [assess(values[:end].tolist()) for end in range(10, 61, 2)]
        alarms += any(not x.is_suspect and x.is_up for f in looks for x in f.changes)
        flagged += looks[-1].two_speeds is not None

    assert alarms <= 1
    assert flagged >= 27


def test_the_two_speeds_are_reported_apart_by_value_and_share():
    values = [10.0, 16.0, 10.1, 9.9, 16.1, 10.0] * 10

    found = assess(values).two_speeds

    assert found is not None
    assert (found.low, found.high) == pytest.approx((10, 16), rel=0.02)
    assert found.high_share == pytest.approx(1 / 3)


def test_a_regression_of_a_history_with_two_speeds_is_found():
    random = np.random.default_rng(15)
    values = busy_neighbour(random, 80) * np.exp(random.normal(0, 0.04, 80))
    values[60:] *= 1.13

    found = assess(values.tolist())

    assert found.two_speeds is not None
    assert [(x.index, x.is_suspect) for x in found.changes] == [(60, False)]


def test_a_machine_that_keeps_a_speed_for_long_is_reported_and_seldom_an_alarm():
    """Stays of 5 to 20 runs."""
    random = np.random.default_rng(22)
    alarms = flagged = 0
    for _ in range(40):
        stays = random.integers(5, 21, 60)
        stays[0] = random.integers(1, stays[0] + 1)
        slow = np.repeat((np.arange(60) + random.integers(2)) % 2, stays)[:60]
        values = (1 + 0.2 * slow) * np.exp(random.normal(0, 0.02, 60))
        looks = [assess(values[:end].tolist()) for end in range(10, 61, 3)]
        alarms += any(not x.is_suspect and x.is_up for f in looks for x in f.changes)
        flagged += looks[-1].two_speeds is not None

    assert alarms <= 6
    assert flagged >= 32


@pytest.mark.parametrize(
    ("past", "step"),
    [("+8 % that was fixed", 1.08), ("two that were fixed", 1.5)],
)
def test_a_regression_that_comes_again_is_no_second_speed(past, step):
    levels = np.concatenate([np.full(runs, level) for level, runs in PASTS[past]])
    levels = np.append(levels, np.full(10, step))

    found = [assess((levels * noisy(len(levels), n)).tolist()) for n in range(100)]

    assert [findings.two_speeds for findings in found] == [None] * 100


@pytest.mark.parametrize(
    ("before", "after", "is_confirmed"),
    [(13, 14, False), (13, 17, True), (19, 9, True)],
)
def test_a_step_soon_after_the_start_must_last_longer(before, after, is_confirmed):
    values = noisy(before + after, 24) * np.repeat([1, 1.3], [before, after])

    (found,) = changes([float(v) for v in values])

    assert (found.index, found.is_suspect) == (before, not is_confirmed)


@pytest.mark.parametrize(
    ("first", "second", "is_confirmed"), [(14, 16, False), (30, 20, True)]
)
def test_a_return_to_the_first_level_is_confirmed_after_long_levels(
    first, second, is_confirmed
):
    levels = np.repeat([1.3, 1.0, 1.3], [first, second, 10])

    found = changes([float(v) for v in levels * noisy(len(levels), 24)])

    assert found[-1].index == first + second
    assert found[-1].is_suspect is not is_confirmed


@pytest.mark.parametrize("every", [15, 20])
def test_levels_that_hold_for_long_are_no_two_speeds(every):
    values = np.resize(np.repeat([1.0, 1.5], every), 4 * every) * noisy(4 * every, 16)

    assert assess(values.tolist()).two_speeds is None


def wandering(random, runs):
    """AR(1) with 0.8, 2 % around its mean."""
    values = random.normal(0, 0.02, runs)
    for place in range(1, runs):
        values[place] = 0.8 * values[place - 1] + 0.6 * values[place]
    return np.exp(values)


def walking(random, runs):
    return np.exp(np.cumsum(random.normal(0, 0.01, runs)))


def walking_unseen(random, runs):
    """Half as far in each run, under noise of 1 %."""
    return walking(random, runs) ** 0.5 * np.exp(random.normal(0, 0.01, runs))


def season(random, runs):
    """4 % up and down every 20 to 40 runs, under noise of 2 %."""
    turns = np.arange(runs) / random.uniform(20, 40) + random.random()
    return np.exp(0.04 * np.sin(2 * np.pi * turns) + random.normal(0, 0.02, runs))


@pytest.mark.parametrize("noise", [wandering, walking, walking_unseen, season])
def test_looking_again_and_again_seldom_confirms_a_level_that_only_wanders(noise):
    random = np.random.default_rng(22)
    alarms = 0
    for _ in range(60):
        values = noise(random, 60).tolist()
        alarms += any(
            not x.is_suspect and x.is_up
            for end in range(20, 61, 2)
            for x in changes(values[:end])
        )

    assert alarms <= 3


def test_a_step_of_five_percent_with_twenty_values_after_it_is_found():
    step = np.repeat([1, 1.05], [40, 20])

    found = [changes((noisy(60, seed) * step).tolist()) for seed in range(200)]

    near = [[x for x in places if abs(x.index - 40) <= 5] for places in found]
    assert sum(map(bool, near)) >= 170
    assert sum(any(not x.is_suspect for x in places) for places in near) >= 148
