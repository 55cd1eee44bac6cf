"""Quieting phones and putting their settings back, on simulated ones."""

import threading

import pytest

from pocketbench.bench.errors import (
    Cancelled,
    DeviceLostError,
    DeviceUnavailableError,
)
from pocketbench.devices.android.quiesce import AWAKE, STILL, quiesce_script
from pocketbench.devices.conditions.settings_record import PATH

pytestmark = pytest.mark.needs("namespaces", "mksh", "toybox")

WANTED = STILL | AWAKE
ORIGINAL = {
    "global.window_animation_scale": "0.5",
    "global.stay_on_while_plugged_in": "0",
    "system.screen_off_timeout": "30000",
}


def settings(phone):
    return {
        name: phone.shell(f"settings get {name.replace('.', ' ')}").stdout.strip()
        for name in WANTED
    }


def screen(phone):
    """What a person sees: `ON`, or `OFF`, and whether the lock screen is in front."""
    power = phone.shell("dumpsys power").stdout
    locked = "showing=true" in phone.shell("dumpsys window").stdout
    return ("ON" if "Power: state=ON" in power else "OFF", locked)


def has_record(phone):
    return phone.shell(f"test -e {PATH} && echo yes").stdout.strip() == "yes"


@pytest.fixture
def used(phone_factory):
    """A phone whose owner has set some things, and others never."""

    def start(profile="pixel-8"):
        phone = phone_factory(profile)
        for name, value in ORIGINAL.items():
            phone.shell(f"settings put {name.replace('.', ' ')} {value}")
        return phone, settings(phone)

    return start


@pytest.mark.parametrize("profile", ["pixel-8", "galaxy-s9", "nexus-5"])
def test_settings_are_quiet_until_the_end_and_then_as_before(used, open_phone, profile):
    phone, before = used(profile)
    assert before["global.animator_duration_scale"] == "null"
    with open_phone(phone).quiesced() as changed:
        assert settings(phone) == WANTED
        assert "window_animation_scale 0 (was 0.5)" in changed
    assert settings(phone) == before
    assert not has_record(phone)


def test_fixed_performance_is_on_meanwhile_where_the_phone_has_it(used, open_phone):
    phone, _ = used()
    device = open_phone(phone)
    with device.quiesced() as changed:
        assert "fixed_performance true (was false)" in changed
        assert device.conditions().is_fixed_performance
    assert not device.conditions().is_fixed_performance


def test_a_phone_without_that_mode_has_nothing_on_record_of_it(used, open_phone):
    phone, _ = used("galaxy-s9")
    device = open_phone(phone)
    with device.quiesced() as changed:
        assert not any("fixed" in words for words in changed)
        assert device.conditions().is_fixed_performance is None


def test_what_was_quiet_already_is_left_alone(phone_factory, open_phone):
    phone = phone_factory()
    for name, value in WANTED.items():
        phone.shell(f"settings put {name.replace('.', ' ')} {value}")
    with open_phone(phone).quiesced():
        recorded = phone.shell(f"cat {PATH}").stdout
        assert "global." not in recorded
        assert "system." not in recorded
        assert "screen=" not in recorded
    assert settings(phone) == WANTED


def test_a_stopped_run_puts_them_back_too(used, open_phone):
    phone, before = used()
    cancel = threading.Event()
    device = open_phone(phone, cancel=cancel)
    threading.Timer(0.5, cancel.set).start()
    with pytest.raises(Cancelled), device.quiesced():
        device.run(["sleep", "60"], timeout_s=90)
    assert settings(phone) == before


def test_after_a_crash_the_next_run_puts_them_back(used, open_phone):
    phone, before = used()
    device = open_phone(phone)
    # What a killed run leaves: it never came to its end.
    device.run(["sh", "-c", quiesce_script()], timeout_s=60)
    assert settings(phone) == WANTED
    assert has_record(phone)

    with device.quiesced() as changed:
        assert "window_animation_scale back to 0.5" in changed
        assert settings(phone) == WANTED
    assert settings(phone) == before


def test_cleaning_a_phone_that_a_killed_run_left_changed_puts_them_back(
    used, open_phone
):
    phone, before = used()
    device = open_phone(phone)
    device.run(["sh", "-c", quiesce_script()], timeout_s=60)
    assert settings(phone) == WANTED

    device.clean()
    assert settings(phone) == before
    assert not has_record(phone)


def test_a_phone_is_not_cleaned_of_originals_that_it_does_not_take_back(
    used, open_phone
):
    phone, before = used()
    device = open_phone(phone)
    device.run(["sh", "-c", quiesce_script()], timeout_s=60)
    phone.ask("behave", rules=[{"contains": "put_back", "action": "garbage"}])

    with pytest.raises(DeviceUnavailableError, match="cannot be put back") as caught:
        device.clean()
    assert PATH in caught.value.next_step

    phone.ask("behave", rules=[])
    assert has_record(phone)
    device.clean()
    assert settings(phone) == before


@pytest.mark.parametrize("profile", ["pixel-8", "nexus-5"])
def test_a_sleeping_phone_is_woken_and_put_to_sleep_again(used, open_phone, profile):
    phone, before = used(profile)
    phone.shell("input keyevent KEYCODE_SLEEP")
    assert screen(phone) == ("OFF", True)
    with open_phone(phone).quiesced() as changed:
        assert "screen on (was off)" in changed
        assert screen(phone) == ("ON", False)
    assert screen(phone) == ("OFF", True)
    assert settings(phone) == before


def test_the_screen_is_off_where_that_is_asked_and_on_again_after(used, open_phone):
    phone, before = used()
    with open_phone(phone).quiesced("off") as changed:
        assert "screen off (was on)" in changed
        assert screen(phone)[0] == "OFF"
        # What would keep it awake is left alone.
        assert {k: settings(phone)[k] for k in AWAKE} == {k: before[k] for k in AWAKE}
    assert screen(phone)[0] == "ON"
    assert settings(phone) == before


def test_the_screen_is_left_where_that_is_asked(used, open_phone):
    phone, _ = used()
    phone.shell("input keyevent KEYCODE_SLEEP")
    with open_phone(phone).quiesced("leave") as changed:
        assert not any("screen" in words for words in changed)
        assert screen(phone) == ("OFF", True)
    assert screen(phone) == ("OFF", True)


def test_after_a_crash_the_screen_is_as_the_owner_left_it(used, open_phone):
    phone, before = used()
    phone.shell("input keyevent KEYCODE_SLEEP")
    device = open_phone(phone)
    device.run(["sh", "-c", quiesce_script()], timeout_s=60)
    assert screen(phone)[0] == "ON"
    with device.quiesced("leave") as changed:
        assert "screen back to off" in changed
        assert screen(phone)[0] == "OFF"
    assert settings(phone) == before


def test_a_lost_phone_keeps_the_record_for_later(used, open_phone):
    phone, before = used()
    device = open_phone(phone)
    threading.Timer(0.5, phone.ask, ["unplug"]).start()
    with pytest.raises(DeviceLostError), device.quiesced():
        device.run(["sleep", "60"], timeout_s=90)
    phone.ask("plug")
    assert device.wait_until_back(60)
    with device.quiesced():
        pass
    assert settings(phone) == before


def test_a_hostile_record_runs_nothing(phone_factory, open_phone):
    phone = phone_factory()
    phone.shell(f"mkdir -p {PATH.rpartition('/')[0]}")
    phone.adb(
        "shell",
        f"cat >{PATH}",
        stdin="boot_id=x\nglobal.$(touch /data/local/tmp/a)=1\nglobal.key=$(touch "
        "/data/local/tmp/b); touch /data/local/tmp/c\n=\n\n",
    )
    with open_phone(phone).quiesced():
        pass
    listing = phone.shell("ls /data/local/tmp").stdout.split()
    assert not {"a", "b", "c"} & set(listing)


def test_a_program_runs_behind_the_words_that_pin_it(phone_factory, open_phone):
    device = open_phone(phone_factory())
    done = device.run(["echo", "two words", "$HOME"], timeout_s=30, cores=(4, 5))
    assert done.stdout == b"two words $HOME\n"
    assert done.exit_code == 0
