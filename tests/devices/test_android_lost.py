"""A phone or an adb server that goes away in the middle."""

from __future__ import annotations

import contextlib
import subprocess
import threading

import pytest

from pocketbench.bench.errors import Cancelled, DeviceLostError, DeviceUnavailableError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.private_server import private_server
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.android.driver import AndroidDriver, open_serial
from tests.phones import as_soon_as, runs_on, wait_for

pytestmark = pytest.mark.needs("namespaces")


@pytest.fixture
def device(phone, open_phone):
    return open_phone(phone)


def test_unplugging_is_a_lost_phone_with_what_was_printed_until_then(phone, device):
    script = "echo measured 17; echo warned >&2; sleep 5432"
    with (
        as_soon_as(runs_on(phone, "sleep 5432"), lambda: phone.ask("unplug")),
        pytest.raises(DeviceLostError) as caught,
    ):
        device.run(["sh", "-c", script], timeout_s=300)
    error = caught.value
    assert error.retryable
    assert error.reason is FailureReason.DEVICE_LOST
    assert error.device_id == device.info.id
    assert "measured 17" in str(error)
    assert "warned" in str(error)


def test_a_command_to_a_phone_that_is_gone_is_a_lost_phone(phone, device, adb):
    phone.ask("unplug")
    wait_for(lambda: adb.state(phone) == "offline")
    with pytest.raises(DeviceLostError) as caught:
        device.run(["true"], timeout_s=60)
    assert caught.value.reason is FailureReason.OFFLINE
    adb("disconnect", phone.serial)
    wait_for(lambda: adb.state(phone) is None)
    with pytest.raises(DeviceLostError, match="not found") as caught:
        device.run(["true"], timeout_s=60)
    assert caught.value.reason is FailureReason.DEVICE_LOST


def test_a_phone_that_comes_back_is_used_on_under_the_same_lock(phone, device):
    phone.ask("unplug")
    with pytest.raises(DeviceLostError):
        device.run(["true"], timeout_s=60)
    phone.ask("plug")
    assert device.wait_until_back(300)
    assert device.run(["echo", "back"], timeout_s=60).stdout == b"back\n"


def test_a_phone_that_was_lost_is_waited_for_when_it_is_opened_again(phone, adb):
    driver = AndroidDriver(host="127.0.0.1", port=adb.port)
    info = next(found for found in driver.discover() if phone.serial in found.id)
    cancel = threading.Event()

    def lose_it(device):
        phone.ask("unplug")
        device.run(["true"], timeout_s=60)

    with (
        pytest.raises(DeviceLostError),
        driver.open(info, cancel=cancel) as device,
    ):
        lose_it(device)
    threading.Timer(0.5, phone.ask, ["plug"]).start()
    with driver.open(info, cancel=cancel) as device:
        assert device.run(["echo", "back"], timeout_s=60).stdout == b"back\n"


def test_a_phone_found_is_not_mixed_up_with_another_at_its_address(phone_factory, adb):
    first = phone_factory()
    driver = AndroidDriver(host="127.0.0.1", port=adb.port)
    info = next(found for found in driver.discover() if first.serial in found.id)
    first.stop()
    phone_factory(port=first.port)
    with (
        pytest.raises(DeviceUnavailableError, match="another phone answers"),
        driver.open(info, cancel=threading.Event()),
    ):
        pass


def test_a_reboot_is_a_lost_phone_that_comes_back(phone, device):
    phone.ask("behave", reboot_s=0.5)
    with (
        as_soon_as(runs_on(phone, "sleep 6543"), lambda: phone.ask("reboot")),
        pytest.raises(DeviceLostError),
    ):
        device.run(["sleep", "6543"], timeout_s=300)
    assert device.wait_until_back(300)
    assert device.run(["pgrep", "-f", "^sleep 6543$"], timeout_s=60).stdout == b""


def test_a_restart_that_adb_did_not_notice_is_known_by_the_boot_id(phone, device, adb):
    device.conditions()
    phone.ask("behave", reboot_s=0.0)
    phone.ask("reboot")
    assert device.wait_until_back(300)
    with pytest.raises(DeviceLostError, match="boot id changed"):
        device.conditions()


def test_waiting_for_a_phone_ends_in_time_and_on_cancel(phone, open_phone):
    cancel = threading.Event()
    device = open_phone(phone, cancel=cancel)
    phone.ask("unplug")
    assert not device.wait_until_back(0.5)
    threading.Timer(0.3, cancel.set).start()
    with pytest.raises(Cancelled):
        device.wait_until_back(300)


def test_a_phone_on_the_network_that_the_server_gave_up_is_connected_again(
    phone, device, adb, monkeypatch
):
    monkeypatch.setattr("pocketbench.devices.android.reconnect._LISTED_TIMEOUT_S", 0.2)
    adb("disconnect", phone.serial)
    wait_for(lambda: adb.state(phone) is None)
    assert device.wait_until_back(300)
    assert device.run(["echo", "back"], timeout_s=60).stdout == b"back\n"


def test_another_phone_at_the_same_address_is_not_taken_for_it(
    phone_factory, open_phone
):
    first = phone_factory()
    device = open_phone(first)
    first.stop()
    other = phone_factory(port=first.port)
    assert other.serial == first.serial
    assert not device.wait_until_back(30)


class EndableServer:
    """A server of its own, to be ended, and started again at the same port."""

    def __init__(self, home):
        self._home = home
        self._stack = contextlib.ExitStack()
        self.server = None

    def start(self, phone):
        port = self.server.port if self.server else None
        context = private_server(find_adb(), self._home, port=port)
        self.server = self._stack.enter_context(context)
        for words in (
            ["connect", phone.serial],
            ["-s", phone.serial, "wait-for-device"],
        ):
            subprocess.run(self.server.command(find_adb(), *words), check=True)

    def end(self):
        self._stack.close()


@pytest.fixture
def endable(tmp_path):
    server = EndableServer(tmp_path / "adb")
    yield server
    server.end()


def test_an_adb_server_that_is_ended_is_reported_apart_from_a_lost_phone(
    phone_factory, endable
):
    phone = phone_factory()
    endable.start(phone)
    with open_serial(
        phone.serial,
        adb_host=endable.server.host,
        adb_port=endable.server.port,
        device_id="android:x",
        family="android",
        cancel=threading.Event(),
    ) as device:
        with (
            as_soon_as(runs_on(phone, "sleep 7654"), endable.end),
            pytest.raises(DeviceLostError, match="adb server at") as caught,
        ):
            device.run(["sh", "-c", "echo begun; sleep 7654"], timeout_s=300)
        assert caught.value.reason is FailureReason.ADB_SERVER_REPLACED
        assert "begun" in str(caught.value)
        with pytest.raises(DeviceLostError) as caught:
            device.run(["true"], timeout_s=60)
        assert caught.value.reason is FailureReason.ADB_SERVER_REPLACED
        assert not device.wait_until_back(0.5)

        endable.start(phone)
        assert device.wait_until_back(300)
        assert device.run(["echo", "back"], timeout_s=60).stdout == b"back\n"


def test_a_server_that_has_gone_is_not_started_again_by_us(phone_factory, endable):
    phone = phone_factory()
    endable.start(phone)
    server = endable.server
    endable.end()
    assert server.protocol() is None
    words = server.command(find_adb(), "devices")
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode != 0
    assert "cannot connect to daemon" in done.stderr
    assert server.protocol() is None
