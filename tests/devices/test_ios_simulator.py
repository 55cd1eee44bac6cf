"""iOS simulators, through a stand-in for simctl that really runs programs."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from pocketbench.bench.errors import (
    Cancelled,
    DeviceLostError,
    DeviceUnavailableError,
    ToolMissingError,
)
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.ios.simctl import parse_simulators
from pocketbench.devices.ios.simulator import SimulatorDriver
from tests.apple import SIMULATOR

PYTHON = "/usr/bin/env"


@pytest.fixture
def cancel():
    return threading.Event()


@pytest.fixture
def simulator(mac, cancel):
    driver = SimulatorDriver()
    (info,) = driver.discover()
    with driver.open(info, cancel=cancel) as device:
        yield device


def script(folder, text):
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_simulator_is_described_as_the_macs_cpu_under_another_system(mac):
    (info,) = SimulatorDriver().discover()

    assert info.id == f"ios-simulator:{SIMULATOR['udid']}"
    assert (info.family, info.libc, info.state) == ("ios-simulator", "darwin", "ready")
    assert (info.os_name, info.os_version) == ("iOS", "19.4")
    assert info.shares_host_cpu
    assert info.core_count == os.cpu_count()
    assert info.is_replayed


def test_watches_and_televisions_are_not_listed(mac):
    mac.change(
        simulators=[
            SIMULATOR,
            SIMULATOR | {"udid": "W", "runtime": "watchOS-12-0"},
            SIMULATOR | {"udid": "T", "runtime": "tvOS-19-0"},
        ]
    )

    assert [info.id for info in SimulatorDriver().discover()] == [mac.simulator_id]


def test_a_simulator_without_its_runtime_says_what_to_install(mac):
    mac.change_simulator(available=False)

    (info,) = SimulatorDriver().discover()

    assert info.state == "unavailable"
    assert "Install iOS 19.4" in info.remedy


def test_the_keys_of_an_older_xcode_are_read_too():
    text = b"""{"devices": {"iOS 12.4": [
        {"udid": "U", "name": "iPhone X", "state": "Booted"}]}}"""

    ((info, state),) = parse_simulators(text)

    assert (info.os_version, state, info.is_replayed) == ("12.4", "Booted", False)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"devices": []}', b"\xff"])
def test_a_listing_that_is_none_is_an_error_with_a_remedy(text):
    with pytest.raises(DeviceUnavailableError, match="cannot be read"):
        parse_simulators(text)


def test_what_was_shut_down_is_booted_and_shut_down_again(mac, cancel):
    driver = SimulatorDriver()
    (info,) = driver.discover()

    with driver.open(info, cancel=cancel):
        assert mac.read()["simulators"][0]["state"] == "Booted"

    assert mac.read()["simulators"][0]["state"] == "Shutdown"


def test_what_was_booted_stays_booted(mac, cancel):
    mac.change_simulator(state="Booted")
    driver = SimulatorDriver()
    (info,) = driver.discover()

    with driver.open(info, cancel=cancel):
        pass

    assert mac.calls("boot") == mac.calls("shutdown") == []


def test_it_is_shut_down_after_a_cancel_too(mac, cancel):
    driver = SimulatorDriver()
    (info,) = driver.discover()

    with driver.open(info, cancel=cancel) as device:
        cancel.set()
        with pytest.raises(Cancelled):
            device.run([PYTHON, "sleep", "60"], timeout_s=60)

    assert mac.read()["simulators"][0]["state"] == "Shutdown"


def test_one_that_does_not_boot_is_reported(mac, cancel):
    mac.change_simulator(broken=True)
    driver = SimulatorDriver()
    (info,) = driver.discover()

    with (
        pytest.raises(DeviceUnavailableError, match="Unable to boot") as caught,
        driver.open(info, cancel=cancel),
    ):
        pass

    assert caught.value.reason is FailureReason.NOT_BOOTED


def test_a_second_run_does_not_get_it(mac, cancel, simulator):
    driver = SimulatorDriver()

    with (
        pytest.raises(DeviceUnavailableError, match="in use"),
        driver.open(simulator.info, cancel=cancel),
    ):
        pass


def test_a_program_gets_its_arguments_and_environment(simulator, tmp_path):
    program = script(tmp_path, 'printf "%s|" "$@" "$GREETING"; echo told >&2; exit 7')

    done = simulator.run(
        [program, "a b", "ü;$(x)"], timeout_s=30, env={"GREETING": "hello"}
    )

    assert done.stdout.decode() == "a b|ü;$(x)|hello|"
    assert done.stderr == b"told\n"
    assert (done.exit_code, done.signal) == (7, None)


def test_a_signal_is_reported_as_one(simulator, tmp_path):
    done = simulator.run([script(tmp_path, "kill -SEGV $$")], timeout_s=30)

    assert (done.exit_code, done.signal) == (None, 11)


def real_sleeper(folder, pid_file):
    """A compiled program, whose name `ps` shows as it was started."""
    source = folder / "sleeper.c"
    source.write_text(
        "#include <stdio.h>\n#include <unistd.h>\nint main(void) {"
        f'FILE* f = fopen("{pid_file}", "w"); fprintf(f, "%d", getpid()); fclose(f);'
        "for (;;) pause(); }\n"
    )
    program = folder / "sleeper"
    subprocess.run(["cc", str(source), "-o", str(program)], check=True)
    return str(program)


def wait_for(path):
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.01)


def has_ended(pid):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.mark.needs("compiler")
def test_a_program_that_outlives_simctl_is_ended_at_the_deadline(simulator, tmp_path):
    pid_file = tmp_path / "pid"

    done = simulator.run([real_sleeper(tmp_path, pid_file)], timeout_s=8)

    assert done.timed_out
    assert has_ended(int(pid_file.read_text()))


@pytest.mark.needs("compiler")
def test_a_program_that_outlives_simctl_is_ended_by_a_cancel(
    simulator, cancel, tmp_path
):
    pid_file = tmp_path / "pid"
    program = real_sleeper(tmp_path, pid_file)
    stopper = threading.Thread(target=lambda: (wait_for(pid_file), cancel.set()))
    stopper.start()

    with pytest.raises(Cancelled):
        simulator.run([program], timeout_s=60)

    stopper.join()
    assert has_ended(int(pid_file.read_text()))


def test_a_simulator_that_is_shut_down_meanwhile_is_lost(mac, simulator):
    mac.plan("spawn", "shut down")

    with pytest.raises(DeviceLostError) as caught:
        simulator.run([PYTHON, "true"], timeout_s=30)

    assert caught.value.reason is FailureReason.NOT_BOOTED
    assert "boot the simulator" in caught.value.next_step


def test_without_xcode_it_says_in_one_line_what_to_install(mac):
    mac.remove("xcrun")

    with pytest.raises(ToolMissingError) as caught:
        SimulatorDriver().discover()

    assert "install Xcode" in str(caught.value)
    assert "\n" not in str(caught.value)
