from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.bench.conditions.throttling import (
    Residency,
    caps,
    clock_residency,
    clocks_fell,
    new_cap,
    new_caps,
    status_rose,
)
from pocketbench.bench.records.conditions import Conditions, CpuPolicy, Missing, Thermal


def policy(number: int = 4, **facts: object) -> CpuPolicy:
    facts.setdefault("cpus", (number, number + 1))
    return CpuPolicy(id=number, **facts)  # type: ignore[arg-type]


def clocks(*policies: CpuPolicy, online: tuple[int, ...] | None = None) -> Conditions:
    return Conditions(cpu_policies=policies, online_cpus=online)


def heat(status: int | None, *, override: bool = False) -> Conditions:
    return Conditions(thermal=Thermal(status=status, is_status_override=override))


@pytest.mark.parametrize(
    ("before", "after", "answer"),
    [
        (heat(0), heat(1), True),
        (heat(1), heat(1), False),
        (heat(2), heat(1), False),
        (heat(None), heat(1), None),
        (Conditions(), heat(1), None),
        (heat(0), heat(3, override=True), None),
    ],
)
def test_a_status_rises_only_between_two_that_were_measured(
    before: Conditions, after: Conditions, answer: bool | None
):
    assert status_rose(before, after) is answer


def test_a_cap_there_from_the_start_is_not_a_new_one():
    capped = clocks(policy(max_frequency_khz=1_800, hardware_max_frequency_khz=2_400))
    assert new_caps(capped, capped) == ()
    assert [c.now_khz for c in caps(capped)] == [1_800]


def test_a_lower_limit_is_a_new_cap_and_a_higher_one_is_not():
    free, capped = (clocks(policy(max_frequency_khz=khz)) for khz in (2_400, 1_800))
    assert [(c.policy, c.before_khz, c.now_khz) for c in new_caps(capped, free)] == [
        (4, 2_400, 1_800)
    ]
    assert not new_cap(free, capped)


def test_a_limit_that_cannot_be_read_is_not_judged():
    free, hidden = clocks(policy(max_frequency_khz=2_400)), clocks(policy())
    assert not new_cap(hidden, free)
    assert not new_cap(free, hidden)
    assert not new_cap(Conditions(), free)


def test_cores_switched_off_are_a_cap_and_a_failed_reading_is_not():
    both = clocks(policy(0), policy(4, max_frequency_khz=2_400))
    gone = clocks(policy(0), online=(0, 1))
    assert [(c.policy, c.now_khz) for c in new_caps(gone, both)] == [(4, None)]
    assert not new_cap(clocks(policy(0), online=(0, 1, 4, 5)), both)


def test_residency_is_the_difference_of_the_counters():
    before = clocks(policy(time_in_state_ticks={1_000: 500, 2_000: 70}))
    after = clocks(policy(time_in_state_ticks={1_000: 510, 2_000: 160, 3_000: 0}))
    residency = clock_residency(before, after)
    assert isinstance(residency, tuple)
    (ran,) = residency
    assert ran.ticks == {1_000: 10, 2_000: 90}
    assert (ran.total_ticks, ran.mean_frequency_khz) == (100, 1_900)
    assert ran.top_frequency_khz == 2_000


def test_a_moment_at_a_high_clock_is_not_the_top_clock():
    assert Residency(policy=0, cpus=(0,), ticks={1: 95, 9: 5}).top_frequency_khz == 1
    assert Residency(policy=0, cpus=(0,), ticks={}).top_frequency_khz is None


@pytest.mark.parametrize(
    "after",
    [
        clocks(policy(time_in_state_ticks={1_000: 3})),
        clocks(policy()),
        clocks(policy(time_in_state_ticks={2_000: 900})),
        clocks(policy(0, time_in_state_ticks={1_000: 900})),
        Conditions(),
    ],
)
def test_counters_that_were_reset_or_are_gone_give_a_reason(after: Conditions):
    before = clocks(policy(time_in_state_ticks={1_000: 500}))
    assert isinstance(clock_residency(before, after), Missing)


def ran(khz: dict[int, int], number: int = 4) -> tuple[Residency, ...]:
    return (Residency(policy=number, cpus=(number,), ticks=khz),)


def test_a_lower_top_clock_than_the_reference_is_a_fall():
    falls = clocks_fell(ran({1_800: 100}), ran({2_400: 100}))
    assert [(f.reference_khz, f.now_khz) for f in falls] == [(2_400, 1_800)]


def test_one_twentieth_or_a_short_launch_or_other_cores_are_no_fall():
    assert not clocks_fell(ran({2_300: 100}), ran({2_400: 100}))
    assert not clocks_fell(ran({1_800: 9}), ran({2_400: 100}))
    assert not clocks_fell(ran({1_800: 100}), ran({2_400: 100}), cpus=(7,))
    assert not clocks_fell(ran({1_800: 100}, 0), ran({2_400: 100}))


counters = st.dictionaries(
    st.sampled_from([300, 600, 1200, 2400]), st.integers(0, 10**6), min_size=1
)


@given(counters, counters)
def test_residency_adds_up_to_what_was_added(
    start: dict[int, int], gain: dict[int, int]
):
    end = {k: start.get(k, 0) + gain.get(k, 0) for k in start.keys() | gain.keys()}
    residency = clock_residency(
        clocks(policy(time_in_state_ticks=start)),
        clocks(policy(time_in_state_ticks=end)),
    )
    assert isinstance(residency, tuple)
    assert residency[0].total_ticks == sum(gain.values())
    assert clocks_fell(residency, residency) == ()
