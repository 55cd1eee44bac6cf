"""iPhones, through a stand-in for devicectl that really runs the app."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from pocketbench.bench.errors import (
    Cancelled,
    DeviceLostError,
    DeviceUnavailableError,
    LaunchError,
    PushError,
    ToolMissingError,
)
from pocketbench.bench.planning.discovery import discover
from pocketbench.bench.records.device import describe_local_file
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.ios.conditions import read_conditions
from pocketbench.devices.ios.driver import IosDriver
from pocketbench.ios_runner.build.built import as_program, built_apps
from tests.apple import PHONE

pytestmark = pytest.mark.needs("compiler")
MEASURE = ("--iterations", "3", "--warmup", "1", "--seed", "5")


@pytest.fixture
def cancel():
    return threading.Event()


@pytest.fixture
def open_phone(mac, cancel):
    """Open the one phone; a context manager, so that a test may do it again."""

    def open_it():
        driver = IosDriver()
        (info,) = driver.discover()
        return driver.open(info, cancel=cancel)

    return open_it


@pytest.fixture
def app(mac):
    """The app as `pocketbench runner build --platform ios` leaves it."""
    mac.has("null")
    (built,) = [x for x in built_apps() if x.platform == "ios"]
    return as_program(
        Path(built.program), engine="null", abi="arm64-v8a", version=None, origin=""
    ).executable


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.ptl"
    path.write_bytes(b"a model")
    return describe_local_file(path, sha256=hashlib.sha256(b"a model").hexdigest())


def measured(done):
    """The fields of a whole wire."""
    fields = {}
    for line in done.stdout.splitlines():
        if line.startswith(b"{"):
            fields.update(json.loads(line))
    assert fields.get("end"), done
    return fields


def test_the_app_and_a_model_are_sent_once_and_measured_with(
    mac, open_phone, app, model
):
    with open_phone() as phone:
        program, file = phone.push([app, model])
        argv = [program.remote_path, "--model", file.remote_path, *MEASURE]
        done = phone.run(argv, timeout_s=30)

    assert (program.origin, file.origin) == ("sent", "sent")
    assert program.remote_path.startswith("org.pocketbench.runner.")
    fields = measured(done)
    assert len(fields["latencies_ns"]) == 3
    assert fields["seed"] == 5
    assert (done.exit_code, done.signal) == (0, None)

    with open_phone() as phone:
        again = phone.push([app, model])

    assert [item.origin for item in again] == ["present", "present"]
    assert len(mac.calls("install")) == 1
    assert len(mac.calls("copy", "to")) == 1


def test_a_deleted_app_is_installed_again_with_its_models(mac, open_phone, app, model):
    with open_phone() as phone:
        phone.push([app, model])
    shutil.rmtree(mac.folder / "phones")

    with open_phone() as phone:
        found = phone.push([app, model])

    assert [item.origin for item in found] == ["sent", "sent"]


def test_an_app_of_the_same_name_that_came_from_elsewhere_is_replaced(
    mac, open_phone, app, model
):
    with open_phone() as phone:
        phone.push([app, model])
    (url,) = mac.folder.glob("phones/*/apps/*/url")
    url.write_text("file:///somebody/installed/another")

    with open_phone() as phone:
        program, file = phone.push([app, model])

    assert (program.origin, file.origin) == ("sent", "present")


def test_the_container_is_hashed_on_the_phone_itself(mac, open_phone, app, model):
    mac.plan("copy", "garble")

    with open_phone() as phone, pytest.raises(PushError, match="arrived changed"):
        phone.push([app, model])

    with open_phone() as phone:
        _, file = phone.push([app, model])
    assert file.origin == "sent"


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
def test_every_layout_of_the_json_describes_the_same_phone(mac, version):
    mac.change(json_version=version)

    (info,) = IosDriver().discover()

    assert info.id == mac.phone_id
    assert (info.name, info.model) == ("iPhone 99 Pro", "iPhone 99 Pro")
    assert (info.os_name, info.os_version) == ("iOS", "19.4")
    assert info.build_fingerprint == "iPhone99,1 19.4 (23Z99)"
    assert (info.abis, info.libc, info.transport) == (("arm64-v8a",), "darwin", "usb")
    assert (info.state, info.remedy, info.is_replayed) == ("ready", None, True)


@pytest.mark.parametrize("version", [3, 5, 6])
@pytest.mark.parametrize(
    ("changed", "state", "remedy"),
    [
        ({"pairing": "unpaired"}, "not_paired", "tap Trust"),
        ({"mode": "disabled"}, "developer_mode_off", "Developer Mode"),
        ({"reach": "unavailable"}, "offline", "unlock it"),
        ({"reach": "disconnected"}, "ready", None),
    ],
)
def test_a_phone_that_cannot_be_used_says_what_to_do(
    mac, version, changed, state, remedy
):
    mac.change(json_version=version)
    mac.change_phone(**changed)

    (info,) = IosDriver().discover()

    assert info.state == state
    assert (remedy is None) == (info.remedy is None)
    assert remedy is None or remedy in info.remedy


@pytest.mark.parametrize("version", [3, 5, 6])
def test_only_phones_and_tablets_that_are_real_are_listed(mac, version):
    mac.change(
        json_version=version,
        phones=[
            PHONE,
            PHONE | {"udid": "S", "reality": "simulated"},
            PHONE | {"udid": "W", "kind": "appleWatch", "platform": "watchOS"},
            PHONE | {"udid": "P", "kind": "iPad", "platform": "iPadOS"},
        ],
    )

    assert [info.id for info in IosDriver().discover()] == [mac.phone_id, "ios:P"]


def test_no_phone_is_no_error(mac):
    mac.change(phones=[])

    assert IosDriver().discover() == ()


def test_the_owners_name_for_the_phone_is_not_recorded(mac):
    (info,) = IosDriver().discover()

    assert "Somebody" not in str(info)


@pytest.mark.parametrize(
    ("what", "kind", "reason"),
    [
        ("locked", DeviceUnavailableError, FailureReason.LOCKED),
        ("untrusted", DeviceUnavailableError, FailureReason.NOT_TRUSTED),
        ("deleted", DeviceUnavailableError, FailureReason.NOT_INSTALLED),
        ("tunnel lost", DeviceLostError, FailureReason.DEVICE_LOST),
    ],
)
@pytest.mark.parametrize("console", [True, False])
def test_a_refused_launch_reports_its_reason_and_remedy(
    mac, open_phone, app, model, what, kind, reason, console
):
    mac.change(console=console)
    with open_phone() as phone:
        program, file = phone.push([app, model])
        mac.plan("launch", what)
        with pytest.raises(kind) as caught:
            phone.run([program.remote_path, "--model", file.remote_path], timeout_s=30)

    assert caught.value.reason is reason
    assert caught.value.device_id == mac.phone_id
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("what", "kind", "reason"),
    [
        ("disk full", PushError, FailureReason.DISK_FULL),
        ("not signed", DeviceUnavailableError, FailureReason.NOT_TRUSTED),
        ("developer mode", DeviceUnavailableError, FailureReason.DEVELOPER_MODE_OFF),
    ],
)
def test_a_refused_installation_reports_its_reason(
    mac, open_phone, app, what, kind, reason
):
    mac.plan("install", what)

    with open_phone() as phone, pytest.raises(kind) as caught:
        phone.push([app])

    assert caught.value.reason is reason


def test_a_phone_that_goes_while_a_model_is_copied_is_lost(mac, open_phone, app, model):
    mac.plan("copy", "tunnel lost")

    with open_phone() as phone, pytest.raises(DeviceLostError):
        phone.push([app, model])


def test_an_app_that_the_system_kills_is_reported_by_its_signal(
    mac, open_phone, app, model
):
    with open_phone() as phone:
        program, _ = phone.push([app, model])
        mac.plan("launch", "kill")
        done = phone.run([program.remote_path, "--model", "x"], timeout_s=30)

    assert (done.exit_code, done.signal) == (None, 9)


def test_without_a_console_the_result_file_is_read(mac, open_phone, app, model):
    mac.change(console=False)
    with open_phone() as phone:
        program, file = phone.push([app, model])
        argv = [program.remote_path, "--model", file.remote_path, *MEASURE]
        first = phone.run(argv, timeout_s=30)
        second = phone.run(argv, timeout_s=30)

    assert len(measured(first)["latencies_ns"]) == 3
    assert measured(first)["pid"] != measured(second)["pid"]
    assert len(mac.calls("--console")) == 1


def test_without_a_console_an_app_that_dies_is_a_crash(mac, open_phone, app, model):
    mac.change(console=False)
    with open_phone() as phone:
        program, _ = phone.push([app, model])
        mac.plan("launch", "kill")
        with pytest.raises(LaunchError, match="left no result") as caught:
            phone.run([program.remote_path, "--model", "x"], timeout_s=30)

    assert caught.value.reason is FailureReason.CRASHED


@pytest.mark.parametrize("console", [True, False])
def test_an_app_that_hangs_is_ended_at_the_deadline(
    mac, open_phone, app, model, console
):
    mac.change(console=console)
    with open_phone() as phone:
        program, _ = phone.push([app, model])
        mac.plan("launch", "hang")
        done = phone.run([program.remote_path, "--model", "x"], timeout_s=6)

    assert done.timed_out
    assert mac.calls("terminate", "--kill")
    assert mac.is_quiet()


@pytest.mark.parametrize(
    "tool", [{"console": True}, {"console": False}, {"devicectl": False}]
)
def test_a_cancel_ends_the_app(mac, open_phone, app, model, cancel, tool):
    mac.change(**tool)

    def stop_when_it_runs():
        until = time.monotonic() + 60
        while not mac.running() and time.monotonic() < until:
            time.sleep(0.05)
        cancel.set()

    with open_phone() as phone:
        program, _ = phone.push([app, model])
        mac.plan("launch", "hang")
        stopper = threading.Thread(target=stop_when_it_runs)
        stopper.start()
        with pytest.raises(Cancelled):
            phone.run([program.remote_path, "--model", "x"], timeout_s=60)
        stopper.join()

    assert mac.is_quiet()


def test_a_second_run_does_not_get_the_phone(mac, open_phone):
    with (
        open_phone(),
        pytest.raises(DeviceUnavailableError, match="in use"),
        open_phone(),
    ):
        pass


def test_conditions_are_what_the_app_reported_just_now(
    mac, open_phone, app, model, monkeypatch
):
    with open_phone() as phone:
        assert phone.conditions() is None
        phone.push([app, model])
        found = phone.conditions()
        monkeypatch.setattr("pocketbench.devices.ios.driver._FRESH_S", 0)
        asked = phone.conditions()

    assert asked.thermal.status == 0
    assert len(mac.calls("--conditions")) == 1
    assert found.thermal.status == 1
    assert found.battery.level == 80
    assert found.battery.is_charging
    assert found.is_battery_saver is False
    assert "cpu_policies" in found.missing


def test_garbled_conditions_are_no_conditions():
    reported = read_conditions(
        b'conditions {"when": "before", "thermal_state": 2, "battery_percent": -100}\n'
        b'conditions {"when": "after", "thermal\n'
        b"conditions []\n"
    )

    assert reported.before.thermal.status == 3
    assert reported.before.battery.level is None
    assert reported.after is None


def test_pymobiledevice3_does_where_there_is_no_devicectl(mac, open_phone, app, model):
    mac.change(devicectl=False)
    with open_phone() as phone:
        program, file = phone.push([app, model])
        argv = [program.remote_path, "--model", file.remote_path, *MEASURE]
        done = phone.run(argv, timeout_s=30)
        mac.plan("launch", "locked")
        with pytest.raises(DeviceUnavailableError) as caught:
            phone.run(argv, timeout_s=30)

    assert len(measured(done)["latencies_ns"]) == 3
    assert phone.info.is_replayed
    assert caught.value.reason is FailureReason.LOCKED
    assert mac.calls("devicectl", "device") == []


def test_with_neither_it_says_in_one_line_what_to_install(mac):
    mac.remove("xcrun", "pymobiledevice3")

    with pytest.raises(ToolMissingError) as caught:
        IosDriver().discover()

    assert "pipx install pymobiledevice3" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_absent_tools_are_found_absent_without_starting_anything(mac, monkeypatch):
    mac.remove("xcrun", "pymobiledevice3")

    with monkeypatch.context() as patch:
        patch.setattr("subprocess.Popen", None)
        found, troubles = discover(("host", "ios", "ios-simulator"))

    assert [each.info.family for each in found] == ["host"]
    assert troubles == [] or sys.platform == "darwin"


def test_a_listing_that_fails_is_reported(mac):
    mac.plan("list", "fails")

    with pytest.raises(DeviceUnavailableError, match="Failed to list devices"):
        IosDriver().discover()
