"""Phones that grow hot as scripted: warmth, caps, status and pauses."""

import time

import pytest

from pocketbench.bench.conditions.throttling import caps
from pocketbench.bench.records.conditions import skin_temperature_c
from pocketbench.devices.simulated.behaviour import Heat
from pocketbench.devices.simulated.profile import load

pytestmark = pytest.mark.needs("namespaces", "mksh", "toybox")

SCRIPT = {"iteration_ms": 30.0, "period_ms": 10.0, "warmed_by": "measure-me"}
WORK = ": measure-me; i=0; while [ $i -lt {} ]; do i=$((i+1)); done"


def hot_phone(phone_factory, open_phone, profile="pixel-8", **script):
    phone = phone_factory(profile, behaviour={"heat": SCRIPT | script})
    return phone, open_phone(phone)


@pytest.mark.parametrize("period_ms", [10.1, 20.0, 0.0])
def test_a_duty_cycle_that_medians_do_not_see_is_refused(period_ms):
    with pytest.raises(ValueError, match="at most a third"):
        Heat(iteration_ms=30.0, period_ms=period_ms)


def test_a_script_in_json_is_refused_as_well(phone_factory):
    with pytest.raises(Exception, match="at most a third"):
        phone_factory(behaviour={"heat": {"iteration_ms": 30.0, "period_ms": 20.0}})


def test_only_a_phone_with_a_script_of_heat_is_worth_waiting_for(
    phone_factory, open_phone
):
    _, device = hot_phone(phone_factory, open_phone)
    assert not device.info.is_heatless
    assert open_phone(phone_factory("pixel-8")).info.is_heatless


def test_work_warms_it_and_looking_at_it_does_not(phone_factory, open_phone):
    _, device = hot_phone(
        phone_factory, open_phone, warming_c_per_s=5.0, cooling_c_per_s=0.0
    )
    cold_c = skin_temperature_c(device.conditions())
    assert skin_temperature_c(device.conditions()) == cold_c
    device.run(["sh", "-c", WORK.format(300_000)], timeout_s=60)
    assert skin_temperature_c(device.conditions()) > cold_c


def test_a_hot_phone_caps_its_clocks_and_recovers_when_it_cools(
    phone_factory, open_phone
):
    phone, device = hot_phone(phone_factory, open_phone, cooling_c_per_s=0.0)
    assert not caps(device.conditions())
    phone.ask("state", heat_c=13.0)
    hot = _until(device, caps)
    assert hot.thermal.status == 1
    phone.ask("state", heat_c=3.0)
    assert _until(device, lambda c: not caps(c)).thermal.status == 0


def test_some_phones_cap_clocks_and_report_no_status(phone_factory, open_phone):
    phone, device = hot_phone(
        phone_factory, open_phone, cooling_c_per_s=0.0, reports_status=False
    )
    phone.ask("state", heat_c=13.0)
    hot = _until(device, caps)
    assert hot.thermal.status == 0


def test_programs_on_a_hot_phone_stand_still_most_of_the_time(
    phone_factory, open_phone
):
    phone, device = hot_phone(
        phone_factory, open_phone, cooling_c_per_s=0.0, slowdown=5.0
    )
    # Time that goes by between two looks at the clock is a pause, or other work here.
    script = (
        "while :; do read -r now rest </proc/uptime; "
        '[ "$now" = "$last" ] || echo $now; last=$now; done'
    )

    def seen():
        done = device.run(["timeout", "1", "sh", "-c", script], timeout_s=60)
        return len(done.stdout.splitlines())

    cool = max(seen() for _ in range(2))
    phone.ask("state", heat_c=13.0)
    _until(device, caps)
    hot = min(seen() for _ in range(2))
    assert hot < 0.6 * cool


def test_a_paused_program_can_be_killed(phone_factory, open_phone):
    phone, device = hot_phone(
        phone_factory, open_phone, cooling_c_per_s=0.0, slowdown=50.0
    )
    phone.ask("state", heat_c=13.0)
    _until(device, caps)
    done = device.run(["sleep", "4242"], timeout_s=1.0)
    assert done.timed_out
    assert (
        "sleep 4242"
        not in device.run(["ps", "-A", "-o", "args"], timeout_s=60).stdout.decode()
    )


def test_profiles_have_no_heat_of_their_own():
    assert load("pixel-8").behaviour.heat is None


def _until(device, holds, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while True:
        conditions = device.conditions()
        if holds(conditions):
            return conditions
        assert time.monotonic() < deadline, conditions
