"""Runs that wait for a phone that another one uses."""

import multiprocessing
import threading

import pytest

from pocketbench.bench.errors import Cancelled, DeviceUnavailableError
from pocketbench.bench.paths import state_dir
from pocketbench.bench.records.device import Claim, DeviceInfo
from pocketbench.devices.device_lock import device_lock, with_holders
from tests.phones import wait_for

PHONE = "abcd0001"
INFO = DeviceInfo(id="android:X", family="android", name="X", serial_hash=PHONE)
SPAWN = multiprocessing.get_context("spawn")


def hold(name, wait_s, events, release):
    with device_lock(INFO.id, PHONE, Claim(run_id=name, wait_s=wait_s)):
        events.put(name)
        release.wait(60)


@pytest.fixture
def start():
    """Start a run of a name in a process of its own: it and its release."""
    started = []

    def run(name, events, *, wait_s=0.0):
        release = SPAWN.Event()
        process = SPAWN.Process(target=hold, args=(name, wait_s, events, release))
        process.start()
        # The event is kept too: a child takes it over only when it has started.
        started.append((process, release))
        return process, release

    yield run
    for process, _ in started:
        process.kill()
        process.join()


def waiting():
    return len(list((state_dir() / "locks").glob(f"{PHONE}.*.waits")))


def test_those_that_wait_take_turns_and_one_that_was_killed_holds_nobody_up(start):
    events = SPAWN.Queue()
    first, first_release = start("first", events)
    assert events.get(timeout=60) == "first"
    (held,) = with_holders([INFO])
    assert (held.held_by.pid, held.held_by.run_id) == (first.pid, "first")
    others = []
    for number, name in enumerate(("killed", "second", "third"), 1):
        others.append(start(name, events, wait_s=600))
        wait_for(lambda number=number: waiting() == number)
    others[0][0].kill()
    first_release.set()

    assert events.get(timeout=60) == "second"
    with (
        pytest.raises(DeviceUnavailableError, match="run second, since"),
        device_lock(INFO.id, PHONE),
    ):
        pass
    others[1][1].set()
    assert events.get(timeout=60) == "third"
    others[2][1].set()
    others[2][0].join()
    assert with_holders([INFO]) == (INFO,)
    assert waiting() == 0


def test_a_wait_ends_in_time_and_on_cancel(start):
    events, said = SPAWN.Queue(), []
    start("first", events)
    assert events.get(timeout=60) == "first"
    short = Claim(wait_s=0.3, say=said.append)
    with (
        pytest.raises(DeviceUnavailableError, match="also after 0 s"),
        device_lock(INFO.id, PHONE, short),
    ):
        pass
    assert len(said) == 1
    assert "run first" in said[0]
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    with (
        pytest.raises(Cancelled),
        device_lock(INFO.id, PHONE, Claim(wait_s=600), cancel),
    ):
        pass
