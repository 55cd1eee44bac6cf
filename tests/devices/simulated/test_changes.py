"""What a user wants different from a profile."""

import math

import pytest

from pocketbench.bench.errors import UsageError
from pocketbench.devices.simulated import profile
from pocketbench.devices.simulated.changes import apply_changes, heat_changes

TABLES = {"battery": {"level": 87}, "clusters": [{"cpus": [0]}, {"cpus": [1]}]}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("battery.level=15", {"battery": {"level": 15}}),
        ("battery.plugged=null", {"battery": {"level": 87, "plugged": None}}),
        ("battery.status=full", {"battery": {"level": 87, "status": "full"}}),
        ('battery.status="full"', {"battery": {"level": 87, "status": "full"}}),
        ("clusters.1.cpus=[5, 6]", {"clusters": [{"cpus": [0]}, {"cpus": [5, 6]}]}),
        ("behaviour.heat.slowdown=2.5", {"behaviour": {"heat": {"slowdown": 2.5}}}),
    ],
)
def test_one_place_is_changed_and_the_original_is_not(change, found):
    before = repr(TABLES)
    assert apply_changes(TABLES, [change]) == TABLES | found
    assert repr(TABLES) == before


@pytest.mark.parametrize(
    "change", ["clusters.2.cpus=[1]", "clusters.x.cpus=[1]", "battery.level.x=1"]
)
def test_a_place_that_is_not_there_is_named(change):
    with pytest.raises(UsageError, match="the profile has no"):
        apply_changes(TABLES, [change])


def test_a_script_of_heat_has_the_longest_period_that_medians_see():
    changed = profile.load("pixel-8", heat_changes(["iteration_ms=20", "slowdown=3"]))
    heat = changed.behaviour.heat
    assert (heat.iteration_ms, heat.slowdown) == (20, 3)
    assert 0.99 * 20 / 3 < heat.period_ms <= 20 / 3
    assert profile.load("pixel-8").behaviour.heat is None


def test_the_first_name_of_a_value_of_the_thermal_model_still_works():
    pairs = ["iteration_ms=20", "tells_status=false"]
    heat = profile.load("pixel-8", heat_changes(pairs)).behaviour.heat
    assert heat.reports_status is False


@pytest.mark.parametrize("period_ms", [6.7, 20, 0, -1, math.inf])
def test_a_duty_cycle_of_more_than_a_third_of_an_iteration_is_refused(period_ms):
    pairs = ["iteration_ms=20", f"period_ms={period_ms}"]
    with pytest.raises(UsageError, match="at most a third"):
        profile.load("pixel-8", heat_changes(pairs))
