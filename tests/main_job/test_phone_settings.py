"""The settings of a phone after runs that ended in every way."""

import time

import pytest

pytestmark = pytest.mark.needs("compiler", "namespaces", "mksh", "toybox")

NET = ("nets:net", "--input", "1x3x16x16", "--variant", "float32")
SCALE = "window_animation_scale"


@pytest.fixture
def owned(phone_factory, adb):
    """A phone whose owner likes slow animations, and how to type for it."""
    phone = phone_factory()
    phone.shell(f"settings put global {SCALE} 1.5")
    phone.typed = ("--device", f"android:{phone.serial}")
    phone.environment = {"ANDROID_ADB_SERVER_PORT": str(adb.port)}
    return phone


def scale(phone):
    return phone.shell(f"settings get global {SCALE}").stdout.strip()


def start(user, phone, *more):
    """A long run, once it has launched something."""
    process = user.starts(
        "run", *NET, *phone.typed, *more, "--blocks", "1000", **phone.environment
    )
    while not any(user.runs.glob("*/run.jsonl")) or not user.last_run().launches:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    return process


def test_ctrl_c_puts_them_back(user, owned, ctrl_c):
    process = start(user, owned)
    assert scale(owned) == "0"
    ctrl_c(process)
    process.communicate(timeout=120)
    assert scale(owned) == "1.5"


def test_after_kill_9_the_next_run_puts_them_back(user, owned):
    process = start(user, owned)
    process.kill()
    process.communicate()
    assert scale(owned) == "0"

    user.measures(*NET, *owned.typed, **owned.environment)

    assert scale(owned) == "1.5"


def test_they_are_left_alone_where_that_is_asked(user, owned):
    process = start(user, owned, "--leave-settings")
    assert scale(owned) == "1.5"
    process.kill()
    process.communicate()
