"""Finding and opening phones through the real adb server."""

from __future__ import annotations

import multiprocessing
import socketserver
import threading

import pytest

from pocketbench.bench.errors import (
    DeviceUnavailableError,
    ToolMissingError,
    UsageError,
)
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.android.adb.transports import parse_transports
from pocketbench.devices.android.driver import (
    AndroidDriver,
    one_entry_per_phone,
    open_serial,
)
from pocketbench.devices.device_lock import device_lock
from tests.phones import wait_for

pytestmark = pytest.mark.needs("namespaces")


@pytest.fixture
def driver(adb):
    return AndroidDriver(host="127.0.0.1", port=adb.port)


def of(phone, driver):
    """What the driver says of one phone; other tests' phones may be listed too."""
    serial = f"android:{phone.serial}"
    return next((info for info in driver.discover() if info.id == serial), None)


def test_a_phone_is_described_from_one_round_trip(phone, driver):
    phone.ask("reset_statistics")
    info = of(phone, driver)
    assert phone.statistics()["streams"] == 1
    assert info.state == "ready"
    assert (info.manufacturer, info.model) == ("Google", "Pixel 8")
    assert info.soc == "Google Tensor G3"
    assert (info.os_name, info.os_version, info.api_level) == ("Android", "14", 34)
    assert info.build_fingerprint.startswith("google/shiba/shiba:14/")
    assert info.transport == f"tcp {phone.serial}"
    assert len(info.serial_hash) == 8
    assert phone.serialno not in repr(info)
    assert info.core_count >= 1
    assert info.ram_bytes > 2**28
    assert info.page_size_bytes >= 4096


def opens(driver, info):
    with driver.open(info, cancel=threading.Event()) as device:
        return device.info


def test_a_phone_that_was_found_is_only_asked_whether_it_is_the_same(phone, driver):
    info = of(phone, driver)
    phone.ask("reset_statistics")
    assert opens(driver, info) == info
    asked = phone.statistics()["services"]
    assert len(asked) == 1
    assert "getprop" not in asked[0]


def test_a_phone_that_restarted_since_it_was_found_is_asked_who_it_is(
    phone, driver, adb
):
    info = of(phone, driver)
    phone.ask("behave", reboot_s=0.0)
    phone.ask("reboot")
    wait_for(lambda: adb.state(phone) == "device")
    phone.ask("reset_statistics")
    assert opens(driver, info).serial_hash == info.serial_hash
    assert "getprop" in phone.statistics()["services"][-1]


def test_a_simulated_phone_says_so_however_it_is_found(phone, driver):
    info = of(phone, driver)
    assert info.is_simulated
    assert not info.is_emulated
    assert info.shares_host_cpu
    assert info.simulated_of == "Pixel 8 (arm64-v8a, 9 cores)"
    assert info.abis[0] in ("x86_64", "arm64-v8a")
    assert info.libc in ("glibc", "musl")


def test_two_ways_to_one_phone_are_one_device(phone, driver, adb):
    adb("connect", f"localhost:{phone.port}")
    adb("wait-for-device", serial=f"localhost:{phone.port}")
    ids = [info.id for info in driver.discover() if str(phone.port) in info.id]
    assert ids in ([f"android:{phone.serial}"], [f"android:localhost:{phone.port}"])
    adb("disconnect", f"localhost:{phone.port}")


def test_usb_is_preferred_to_the_network_and_what_is_not_ready_stays():
    def info(serial, transport, state="ready", phone="aa"):
        return DeviceInfo(
            id=f"android:{serial}",
            family="android",
            name=serial,
            state=state,
            serial_hash=phone,
            transport=transport,
        )

    infos = [
        info("192.168.0.7:5555", "tcp 192.168.0.7:5555"),
        info("ABC", "usb"),
        info("DEF", "usb", phone="bb"),
        info("XYZ", "usb", state="unauthorized"),
    ]
    kept = [known.id for known in one_entry_per_phone(infos)]
    assert kept == ["android:ABC", "android:DEF", "android:XYZ"]


def not_opened(info, driver):
    with (
        pytest.raises(DeviceUnavailableError) as caught,
        driver.open(info, cancel=threading.Event()),
    ):
        pass
    return caught.value


def test_an_unauthorized_phone_is_listed_with_its_remedy_and_not_opened(
    phone_factory, driver, adb
):
    phone = phone_factory(connect=False, behaviour={"handshake": "unauthorized"})
    adb("connect", phone.serial)
    info = of(phone, driver)
    assert (info.state, info.model) == ("unauthorized", None)
    assert "accept the 'Allow USB debugging' dialog" in info.remedy
    error = not_opened(info, driver)
    assert error.reason is FailureReason.UNAUTHORIZED
    assert info.remedy in str(error)


def test_a_phone_offline_is_listed_with_its_remedy_and_not_opened(phone, driver, adb):
    phone.ask("unplug")
    while adb.state(phone) != "offline":
        pass
    info = of(phone, driver)
    assert info.state == "offline"
    assert "adb reconnect" in info.remedy
    assert not_opened(info, driver).reason is FailureReason.OFFLINE


def test_a_phone_that_does_not_answer_keeps_no_other_from_being_listed(
    phone_factory, driver, monkeypatch
):
    monkeypatch.setattr(
        "pocketbench.devices.android.identification.IDENTITY_TIMEOUT_S", 1.0
    )
    rules = [{"contains": "getprop", "action": "hang"}]
    silent, well = phone_factory(behaviour={"rules": rules}), phone_factory()
    states = {info.id: info.state for info in driver.discover()}
    assert states[f"android:{silent.serial}"] == "offline"
    assert states[f"android:{well.serial}"] == "ready"


def test_a_phone_that_is_gone_is_not_opened(phone, driver, adb):
    info = of(phone, driver)
    adb("disconnect", phone.serial)
    while adb.state(phone) is not None:
        pass
    with (
        pytest.raises(DeviceUnavailableError, match="not attached"),
        driver.open(info, cancel=threading.Event()),
    ):
        pass


def test_a_phone_is_opened_by_one_run_at_a_time_however_it_is_reached(
    phone, driver, open_phone, adb
):
    open_phone(phone)
    adb("connect", f"localhost:{phone.port}")
    adb("wait-for-device", serial=f"localhost:{phone.port}")
    for serial in (phone.serial, f"localhost:{phone.port}"):
        with pytest.raises(DeviceUnavailableError) as caught:
            open_phone(phone, serial=serial)
        assert caught.value.reason is FailureReason.DEVICE_BUSY
    adb("disconnect", f"localhost:{phone.port}")


def hold(serial_hash, held, release):
    with device_lock("android:X", serial_hash):
        held.set()
        release.wait(60)


def test_the_pid_of_the_other_run_is_named_and_its_end_frees_the_phone():
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=hold, args=("abcd", held, release))
    other.start()
    assert held.wait(60)
    with (
        pytest.raises(DeviceUnavailableError, match=rf"run \(pid {other.pid}, since"),
        device_lock("android:X", "abcd"),
    ):
        pass
    other.kill()
    other.join()
    with device_lock("android:X", "abcd"):
        pass


def test_a_phone_is_free_again_after_its_context(phone, adb):
    for _ in range(2):
        with open_serial(
            phone.serial,
            adb_host="127.0.0.1",
            adb_port=adb.port,
            device_id="android:x",
            family="android",
            cancel=threading.Event(),
        ) as device:
            assert device.info.family == "android"


def test_states_with_spaces_and_tags_are_read():
    listed = parse_transports(
        "0A1B2C3D               device usb:1-2 product:shiba model:Pixel_8 "
        "device:shiba transport_id:1\n"
        "R58N                   no permissions (missing udev rules? user is in the "
        "plugdev group); see [http://developer.android.com/tools/device.html] "
        "usb:1-3 transport_id:2\n"
        "(no serial number)     unauthorized usb:1-4 transport_id:3\n"
        "127.0.0.1:26001        offline transport_id:4\n"
        "emulator-5554          recovery product:x model:y device:z transport_id:5\n"
    )
    assert [(t.serial, t.state, t.is_usb) for t in listed] == [
        ("0A1B2C3D", "ready", True),
        ("R58N", "no_permissions", True),
        ("(no serial number)", "unauthorized", True),
        ("127.0.0.1:26001", "offline", False),
        ("emulator-5554", "unknown", False),
    ]
    assert listed[0].model == "Pixel_8"
    assert listed[0].remedy is None
    assert "udev" in listed[1].remedy
    assert "'recovery'" in listed[4].remedy


@pytest.mark.parametrize(
    ("line", "serial", "state", "usb_path"),
    [
        (
            "adb-R5XX-Ab1 (2)._adb-tls-connect._tcp device product:y model:M device:y "
            "transport_id:2",
            "adb-R5XX-Ab1 (2)._adb-tls-connect._tcp",
            "ready",
            None,
        ),
        ("my phone unauthorized usb:1-2", "my phone", "unauthorized", "usb:1-2"),
        ("a device b  offline transport_id:7", "a device b", "offline", None),
        (
            "R58N device 3-1 product:y model:M device:y transport_id:2",
            "R58N",
            "ready",
            "3-1",
        ),
        ("R58N device 3-1.2.1 transport_id:2", "R58N", "ready", "3-1.2.1"),
        (
            "localhost:5555 device product:p model:m device:d",
            "localhost:5555",
            "ready",
            None,
        ),
        ("R58N no permissions; see [http://x] 3-1", "R58N", "no_permissions", "3-1"),
        ("R58N half-asleep usb:1-2", "R58N", "unknown", "usb:1-2"),
    ],
)
def test_a_line_is_read_from_its_end(line, serial, state, usb_path):
    (found,) = parse_transports(line)
    assert (found.serial, found.state, found.usb_path) == (serial, state, usb_path)
    assert found.name == serial


def test_phones_of_one_serial_are_reported_apart_by_their_port():
    found = parse_transports(
        "0123456789ABCDEF device usb:1-1.4.1 transport_id:4\n"
        "0123456789ABCDEF device 3-2 transport_id:5\n"
        "R58N device usb:1-3 transport_id:6\n"
    )
    assert [t.name for t in found] == ["usb:1-1.4.1", "3-2", "R58N"]
    assert [t.state for t in found] == ["ready"] * 3


def test_phones_of_one_serial_without_a_port_are_shown_with_the_reason():
    found = parse_transports("0123 device transport_id:4\n0123 device transport_id:5\n")
    assert [t.name for t in found] == ["0123#4", "0123#5"]
    assert all("serial 0123" in t.remedy for t in found)


def test_phones_of_one_serial_are_two_devices():
    listing = (
        b"ABC device usb:1-1 model:M transport_id:4\nABC device usb:1-2 transport_id:5"
    )
    asked = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            request = self.rfile.read(int(self.rfile.read(4), 16)).decode()
            asked.append(request)
            if request == "host:version":
                self.wfile.write(b"OKAY0004" + b"%04x" % find_adb().protocol)
            elif request == "host:devices-l":
                self.wfile.write(b"OKAY%04x" % len(listing) + listing)
            else:
                self.wfile.write(b"FAIL000edevice offline")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            port = server.server_address[1]
            infos = AndroidDriver(host="127.0.0.1", port=port).discover()
        finally:
            server.shutdown()
    assert [info.id for info in infos] == ["android:usb:1-1", "android:usb:1-2"]
    assert infos[0].serial_hash != infos[1].serial_hash
    assert "host-serial:usb:1-2:features" in asked


def test_a_port_that_is_none_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "adb")
    with pytest.raises(UsageError, match="ANDROID_ADB_SERVER_PORT: 'adb' is not a"):
        AndroidDriver()


def test_the_users_server_is_taken_from_the_environment(monkeypatch, phone, adb):
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(adb.port))
    monkeypatch.delenv("ANDROID_ADB_SERVER_HOST", raising=False)
    assert of(phone, AndroidDriver()).state == "ready"


def test_without_an_adb_program_the_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("ADBUTILS_ADB_PATH", str(tmp_path / "adb"))
    with pytest.raises(ToolMissingError, match="Install Android platform-tools"):
        AndroidDriver(port=1).discover()
    impostor = tmp_path / "adb"
    impostor.write_text("#!/bin/sh\necho I am something else\n")
    impostor.chmod(0o755)
    with pytest.raises(ToolMissingError, match="is not adb"):
        AndroidDriver(port=1).discover()
