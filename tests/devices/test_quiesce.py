"""Quieting phones and putting their settings back, on simulated ones."""

import threading

import pytest

from bench.errors import Cancelled, DeviceLostError
from bench.measure.pinning import pin_to
from devices.conditions.settings_record import PATH
from devices.quiesce import QUIET, WANTED

pytestmark = pytest.mark.needs("namespaces", "mksh", "toybox")

ORIGINAL = {"window_animation_scale": "0.5", "stay_on_while_plugged_in": "0"}


def settings(phone):
    return {
        name: phone.shell(f"settings get global {name}").stdout.strip()
        for name in WANTED
    }


def has_record(phone):
    return phone.shell(f"test -e {PATH} && echo yes").stdout.strip() == "yes"


@pytest.fixture
def used(phone_factory):
    """A phone whose owner has set some things, and others never."""

    def start(profile="pixel-8"):
        phone = phone_factory(profile)
        for name, value in ORIGINAL.items():
            phone.shell(f"settings put global {name} {value}")
        return phone, settings(phone)

    return start


@pytest.mark.parametrize("profile", ["pixel-8", "galaxy-s9", "nexus-5"])
def test_settings_are_quiet_until_the_end_and_then_as_before(used, open_phone, profile):
    phone, before = used(profile)
    assert before["animator_duration_scale"] == "null"
    with open_phone(phone).quieted() as changed:
        assert settings(phone) == WANTED
        assert "window_animation_scale 0 (was 0.5)" in changed
    assert settings(phone) == before
    assert not has_record(phone)


def test_fixed_performance_is_on_meanwhile_where_the_phone_has_it(used, open_phone):
    phone, _ = used()
    device = open_phone(phone)
    with device.quieted() as changed:
        assert "fixed_performance true (was false)" in changed
        assert device.conditions().is_fixed_performance
    assert not device.conditions().is_fixed_performance


def test_a_phone_without_that_mode_has_nothing_on_record_of_it(used, open_phone):
    phone, _ = used("galaxy-s9")
    device = open_phone(phone)
    with device.quieted() as changed:
        assert not any("fixed" in words for words in changed)
        assert device.conditions().is_fixed_performance is None


def test_what_was_quiet_already_is_left_alone(phone_factory, open_phone):
    phone = phone_factory()
    for name, value in WANTED.items():
        phone.shell(f"settings put global {name} {value}")
    with open_phone(phone).quieted():
        assert "global." not in phone.shell(f"cat {PATH}").stdout
    assert settings(phone) == WANTED


def test_a_stopped_run_puts_them_back_too(used, open_phone):
    phone, before = used()
    cancel = threading.Event()
    device = open_phone(phone, cancel=cancel)
    threading.Timer(0.5, cancel.set).start()
    with pytest.raises(Cancelled), device.quieted():
        device.run(["sleep", "60"], timeout_s=90)
    assert settings(phone) == before


def test_after_a_crash_the_next_run_puts_them_back(used, open_phone):
    phone, before = used()
    device = open_phone(phone)
    # What a killed run leaves: it never came to its end.
    device.run(["sh", "-c", QUIET], timeout_s=60)
    assert settings(phone) == WANTED
    assert has_record(phone)

    with device.quieted() as changed:
        assert "window_animation_scale back to 0.5" in changed
        assert settings(phone) == WANTED
    assert settings(phone) == before


def test_a_lost_phone_keeps_the_record_for_later(used, open_phone):
    phone, before = used()
    device = open_phone(phone)
    threading.Timer(0.5, phone.ask, ["unplug"]).start()
    with pytest.raises(DeviceLostError), device.quieted():
        device.run(["sleep", "60"], timeout_s=90)
    phone.ask("plug")
    assert device.wait_until_back(60)
    with device.quieted():
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
    with open_phone(phone).quieted():
        pass
    listing = phone.shell("ls /data/local/tmp").stdout.split()
    assert not {"a", "b", "c"} & set(listing)


def test_a_program_runs_behind_the_words_that_pin_it(phone_factory, open_phone):
    device = open_phone(phone_factory())
    done = device.run(
        [*pin_to(device.info, (4, 5)), "echo", "two words", "$HOME"], timeout_s=30
    )
    assert done.stdout == b"two words $HOME\n"
    assert done.exit_code == 0
