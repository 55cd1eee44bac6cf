"""When a phone may begin a block, and how long it is given to become fit."""

import threading
from itertools import chain, repeat

import pytest

from pocketbench.bench.conditions.cooldown_rules import (
    next_wait_s,
    obstacles,
    spin_obstacle,
)
from pocketbench.bench.errors import Cancelled
from pocketbench.bench.measure.cooldown_wait import CooldownWait, needs_cooldown
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.records.conditions import (
    Conditions,
    CpuPolicy,
    SkinThresholds,
    Temperature,
    Thermal,
)
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.plan import CooldownLimits

LIMITS = CooldownLimits()
QUICK = CooldownLimits(first_wait_s=0.02, step_s=0.01, max_wait_s=0.05)


def conditions(*, skin_c=30.0, status=0, max_khz=2_000_000, first_hot_c=39.0):
    thresholds = (SkinThresholds(name="SKIN", hot_c=(None, first_hot_c)),)
    return Conditions(
        thermal=Thermal(
            status=status,
            source="hal",
            temperatures=(Temperature(name="SKIN", kind="skin", value_c=skin_c),),
            skin_thresholds=thresholds if first_hot_c else (),
        ),
        cpu_policies=(
            CpuPolicy(
                id=4,
                cpus=(4, 5, 6, 7),
                max_frequency_khz=max_khz,
                hardware_max_frequency_khz=2_000_000,
            ),
        ),
    )


def test_a_cool_phone_has_no_obstacle():
    assert obstacles(conditions(), limits=LIMITS, baseline=conditions()) == ()


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        ({"status": 1}, "thermal status light"),
        ({"status": 3}, "thermal status severe"),
        ({"skin_c": 37.1}, "skin at 37.1 C, 37.0 C is wanted"),
        ({"skin_c": 36.1, "first_hot_c": None}, "skin at 36.1 C, 36.0 C is wanted"),
        ({"max_khz": 1_500_000}, "cores 4-7 capped to 1.50 GHz"),
    ],
)
def test_an_obstacle_is_reported_in_words(reading, words):
    found = obstacles(conditions(**reading), limits=LIMITS, baseline=conditions())
    assert found == (words,)


@pytest.mark.parametrize("skin_c", [37.0, 36.0])
def test_two_degrees_below_the_phones_own_threshold_are_enough(skin_c):
    assert obstacles(conditions(skin_c=skin_c), limits=LIMITS) == ()


def test_the_users_own_limit_wins():
    limits = CooldownLimits(max_temperature_c=45.0)
    assert obstacles(conditions(skin_c=44.9), limits=limits) == ()
    assert obstacles(conditions(skin_c=45.1), limits=limits)


def test_a_cap_from_the_start_is_no_reason_to_wait():
    capped = conditions(max_khz=1_500_000)
    assert obstacles(capped, limits=LIMITS, baseline=capped) == ()


def test_what_is_not_known_is_no_obstacle():
    assert obstacles(Conditions(), limits=LIMITS, baseline=Conditions()) == ()


def test_a_spin_probe_may_take_a_tenth_longer_than_its_best():
    assert spin_obstacle(110.0, 100.0, LIMITS) is None
    assert spin_obstacle(112.0, 100.0, LIMITS) == "a spin probe takes 1.12x of its best"


def test_the_first_wait_is_half_a_minute_and_all_waits_have_an_end():
    limits = CooldownLimits(max_wait_s=50.0)
    waited_s, waits = 0.0, []
    while (wait_s := next_wait_s(waited_s, limits)) is not None:
        waits.append(wait_s)
        waited_s += wait_s
    assert waits == [30.0, 15.0, 5.0]


class Told(Observer):
    def __init__(self):
        self.notes = []

    def note(self, subject, text):
        self.notes.append(text)


class Phone:
    """Tells one reading after the other, the last one for ever."""

    def __init__(self, *readings):
        self.info = DeviceInfo(id="android:x", family="android", name="phone")
        self._readings = chain(readings, repeat(readings[-1]))

    def conditions(self):
        return next(self._readings)


def keeper(*readings, spins=(None,), limits=QUICK, reported=None, cancel=None):
    times = chain(spins, repeat(spins[-1]))
    made = CooldownWait(
        Phone(*readings),
        limits,
        spin=lambda: next(times),
        observer=reported or Told(),
        cancel=cancel or threading.Event(),
    )
    made.take_baseline()
    return made


def test_a_hot_phone_is_waited_for_and_the_observer_hears_why():
    reported = Told()
    hot = conditions(skin_c=40.0, status=1)
    gate = keeper(conditions(), hot, hot, conditions(), reported=reported)

    assert gate.settle()
    assert len(reported.notes) == 3
    assert "thermal status light; skin at 40.0 C, 37.0 C is wanted" in reported.notes[0]
    assert reported.notes[-1].startswith("cool again after")


def test_a_phone_that_stays_hot_is_given_up_after_the_longest_wait():
    reported = Told()
    gate = keeper(conditions(), conditions(status=2), reported=reported)

    assert not gate.settle()
    assert reported.notes[-1] == "did not settle in 0 s: thermal status moderate"


def test_a_slow_spin_must_be_slow_twice():
    assert keeper(conditions(), spins=(100.0, 150.0, 101.0)).settle()
    reported = Told()
    gate = keeper(conditions(), spins=(100.0, 150.0, 150.0, 100.0), reported=reported)
    assert gate.settle()
    assert "a spin probe takes 1.50x of its best" in reported.notes[0]


def test_a_hot_phone_is_not_spun():
    spun = []
    gate = CooldownWait(
        Phone(conditions(status=1)),
        QUICK,
        spin=lambda: spun.append(1),
        observer=Told(),
        cancel=threading.Event(),
    )
    assert not gate.settle()
    assert spun == []


def test_a_wait_ends_at_once_when_the_run_is_stopped():
    cancel = threading.Event()
    cancel.set()
    gate = keeper(
        conditions(),
        conditions(status=1),
        limits=CooldownLimits(first_wait_s=3600.0, max_wait_s=3600.0),
        cancel=cancel,
    )
    with pytest.raises(Cancelled):
        gate.settle()


@pytest.mark.parametrize(
    ("family", "more", "gated"),
    [
        ("android", {}, True),
        ("simulated", {}, True),
        ("simulated", {"is_heatless": True}, False),
        ("android", {"is_emulated": True}, False),
        ("host", {}, False),
        ("ios", {}, False),
    ],
)
def test_only_what_can_cool_down_is_waited_for(family, more, gated):
    info = DeviceInfo(id="x", family=family, name="x", **more)
    assert needs_cooldown(info, LIMITS) == gated
    assert not needs_cooldown(info, CooldownLimits(is_on=False))
