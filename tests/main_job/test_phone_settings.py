"""The settings of a phone after runs that ended in every way."""

import os
import signal

import pytest

pytestmark = pytest.mark.needs("compiler", "namespaces", "mksh", "toybox")

NET = ("nets:net", "--input", "1x3x16x16", "--variant", "float32")
SCALE = "window_animation_scale"


@pytest.fixture
def owned(phone_factory, adb):
    """A sleeping phone whose owner likes slow animations, and how to type for it."""
    phone = phone_factory()
    phone.shell(f"settings put global {SCALE} 1.5; input keyevent KEYCODE_SLEEP")
    phone.before = everything(phone)
    phone.typed = ("--device", f"android:{phone.serial}")
    phone.environment = {"ANDROID_ADB_SERVER_PORT": str(adb.port)}
    return phone


def scale(phone):
    return phone.shell(f"settings get global {SCALE}").stdout.strip()


def everything(phone):
    """All that a run may change."""
    reported = phone.shell(
        "settings list global; settings list system; dumpsys power; "
        "read -r x </apex/pocketbench/run/fixed_performance && echo fixed $x"
    )
    return reported.stdout.replace("fixed false\n", "")


def start(user, phone, *more):
    """A long run, once it has launched something."""
    process = user.starts(
        "run", *NET, *phone.typed, *more, "--blocks", "1000", **phone.environment
    )
    user.waits_for_launches(process, 1)
    return process


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
    ids=lambda number: number.name,
)
def test_ctrl_c_and_a_closed_terminal_put_them_back(user, owned, number):
    process = start(user, owned)
    assert scale(owned) == "0"
    assert "state=ON" in everything(owned)
    assert "fixed true" in everything(owned)
    os.killpg(process.pid, number)
    process.communicate(timeout=120)
    assert everything(owned) == owned.before
    assert list(user.runs.glob("*/report.html"))


def test_after_kill_9_the_next_command_of_any_kind_puts_them_back(user, owned):
    process = start(user, owned)
    process.kill()
    process.communicate()
    assert scale(owned) == "0"
    assert "fixed true" in everything(owned)

    done = user.types("report", "last", **owned.environment)

    assert done.returncode == 0, done.stderr
    assert everything(owned) == owned.before


def test_the_screen_is_off_while_it_is_measured_where_that_is_asked(user, owned):
    user.measures(*NET, *owned.typed, "--screen", "off", **owned.environment)
    screens = [x["conditions_before"]["screen"] for x in user.records("launch")]
    assert {screen["state"] for screen in screens} == {"OFF"}
    assert everything(owned) == owned.before


def test_they_are_left_alone_where_that_is_asked(user, owned):
    process = start(user, owned, "--leave-settings")
    assert everything(owned) == owned.before
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_a_phone_that_restarts_is_quiesced_again_and_put_back(user, owned):
    process = start(user, owned)
    owned.ask("behave", reboot_s=0.5)
    owned.ask("reboot")
    user.waits_for_launches(process, user.launches_so_far() + 2)
    assert scale(owned) == "0"
    assert "fixed true" in everything(owned)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=120)

    assert everything(owned) == owned.before
    (failure,) = user.last_run().failures
    assert failure.retry == 1
