"""What the conditions around a launch say against it."""

import pytest

from pocketbench.bench.conditions.launch_caveats import state_caveats
from pocketbench.bench.conditions.throttling import slowed_down
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.conditions import (
    Battery,
    Build,
    Conditions,
    CpuPolicy,
    Thermal,
)


def policy(first, ticks, *, max_khz=2_000_000):
    return CpuPolicy(
        id=first,
        cpus=(first,),
        max_frequency_khz=max_khz,
        hardware_max_frequency_khz=2_000_000,
        time_in_state_ticks=ticks,
    )


def reading(*policies, status=0):
    return Conditions(thermal=Thermal(status=status), cpu_policies=policies or None)


START = reading(policy(0, {1_000_000: 0, 2_000_000: 0}))


def ran(records, *, fast=0, slow=0):
    after = reading(policy(0, {1_000_000: slow, 2_000_000: fast}))
    return records.launch(conditions_before=START, conditions_after=after)


def judged(launch, **more):
    return slowed_down(
        launch.conditions_before, launch.conditions_after, start=START, **more
    )


def test_a_status_that_rose_is_throttling():
    assert slowed_down(reading(), reading(status=1), start=reading())


def test_a_status_that_rose_between_two_launches_of_a_block_is_throttling():
    hot = reading(status=1)
    assert slowed_down(hot, hot, start=reading())


def test_a_phone_that_was_hot_all_the_time_did_not_slow_down_meanwhile():
    hot = reading(status=1)
    assert not slowed_down(hot, hot, start=hot)


def test_a_new_cap_is_throttling():
    after = reading(policy(0, None, max_khz=1_500_000))
    assert slowed_down(START, after, start=START)


def test_lower_clocks_than_in_an_earlier_launch_are_throttling(records):
    reference = ran(records, fast=100)
    assert judged(ran(records, slow=100), reference=reference)
    assert not judged(ran(records, fast=100), reference=reference)


def test_a_program_on_other_cores_than_before_was_not_throttled(records):
    def on(first, second):
        after = reading(
            policy(0, {1_000_000: 100 - first, 2_000_000: first}),
            policy(4, {1_000_000: 100 - second, 2_000_000: second}),
        )
        start = reading(
            policy(0, {1_000_000: 0, 2_000_000: 0}),
            policy(4, {1_000_000: 0, 2_000_000: 0}),
        )
        return records.launch(conditions_before=start, conditions_after=after)

    assert not judged(on(0, 100), reference=on(100, 0))
    assert judged(on(0, 0), reference=on(100, 0))
    assert judged(on(0, 100), reference=on(100, 0), cpus=(0,))


def test_without_readings_nothing_is_said(records):
    assert not slowed_down(None, START, start=None)
    assert not slowed_down(START, None, start=START)
    assert not judged(ran(records, slow=100), reference=records.launch())


@pytest.mark.parametrize(
    ("conditions", "marks"),
    [
        (Conditions(), ()),
        (Conditions(battery=Battery(status="charging")), (Caveat.CHARGING,)),
        (Conditions(battery=Battery(level=29)), (Caveat.BATTERY_LOW,)),
        (Conditions(battery=Battery(level=70, scale=255)), (Caveat.BATTERY_LOW,)),
        (Conditions(battery=Battery(level=30)), ()),
        (Conditions(is_battery_saver=True), (Caveat.BATTERY_SAVER,)),
        (Conditions(is_dozing=True), (Caveat.DOZING,)),
        (Conditions(build=Build(is_debug=True)), (Caveat.DEBUG_BUILD,)),
        (reading(policy(0, None, max_khz=1_500_000)), (Caveat.CLOCKS_CAPPED,)),
        (None, ()),
    ],
)
def test_each_state_has_its_caveat(conditions, marks):
    assert state_caveats(conditions) == marks


def test_a_cap_that_the_cool_phone_did_not_have_is_not_one_from_the_start():
    def clocks(*most_khz):
        return Conditions(
            cpu_policies=tuple(
                CpuPolicy(
                    id=number,
                    cpus=(number,),
                    max_frequency_khz=khz,
                    hardware_max_frequency_khz=2_000_000,
                )
                for number, khz in enumerate(most_khz)
            )
        )

    free, hot = clocks(2_000_000, 2_000_000), clocks(2_000_000, 1_000_000)
    assert state_caveats(hot) == (Caveat.CLOCKS_CAPPED,)
    assert state_caveats(hot, baseline=free) == ()
    assert state_caveats(hot, baseline=hot) == (Caveat.CLOCKS_CAPPED,)
    assert state_caveats(free, baseline=hot) == ()
