"""Simulated phones as devices of a run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading

import pytest

from pocketbench.bench.errors import DeviceUnavailableError
from pocketbench.bench.records.device import describe_local_file
from pocketbench.devices.simulated.driver import SimulatedDriver
from pocketbench.devices.simulated.phone.names import folder_of, lock_name


@pytest.fixture
def driver():
    return SimulatedDriver()


def find(driver, name="pixel-8"):
    return next(x for x in driver.discover() if x.id == f"simulated:{name}")


def an_object(folder, content=b"\0" * 5000, name="libnet é.so"):
    path = folder / name
    path.write_bytes(content)
    return describe_local_file(path, sha256=hashlib.sha256(content).hexdigest())


def test_every_profile_is_a_device_that_says_it_is_simulated(driver):
    infos = driver.discover()
    assert len(infos) >= 3
    assert all(x.is_simulated and x.shares_host_cpu and x.clusters for x in infos)
    assert find(driver).core_count == 9
    assert find(driver).libc == "glibc"


def test_an_opened_phone_describes_itself_as_it_was_discovered(driver):
    info = find(driver)
    with driver.open(info, cancel=threading.Event()) as device:
        found = device.info
        assert found.is_simulated
        assert found.id == info.id
        assert found.abis == info.abis
        assert found.clusters == info.clusters
        assert found.ram_bytes == info.ram_bytes
        assert found.build_fingerprint == info.build_fingerprint
        assert found.soc == info.soc


def test_a_command_is_pinned_to_leased_cores_of_this_computer(driver):
    cpu = max(os.sched_getaffinity(0))
    with driver.open(find(driver), cancel=threading.Event()) as device:
        done = device.run(
            ["/system/bin/grep", "Cpus_allowed_list", "/proc/self/status"],
            timeout_s=60,
            host_cpus=[cpu],
        )
    assert done.stdout.decode().split() == ["Cpus_allowed_list:", str(cpu)]


def test_preinstalled_objects_are_there_and_real_ones_are_sent_once(driver, tmp_path):
    library = an_object(tmp_path)
    model = an_object(tmp_path, b"model" * 999, "net.ptl")
    driver.preinstall([library])
    with driver.open(find(driver), cancel=threading.Event()) as device:
        first = device.push([library, model])
        second = device.push([library, model])
        assert [x.origin for x in first] == ["preinstalled", "sent"]
        assert [x.origin for x in second] == ["preinstalled", "present"]
        done = device.run(["cat", first[0].remote_path], timeout_s=60)
        assert done.stdout == b"\0" * 5000
    with driver.open(find(driver), cancel=threading.Event()) as device:
        assert [x.origin for x in device.push([model])] == ["present"]


def test_a_preinstalled_object_is_gone_with_the_run(driver, tmp_path):
    library = an_object(tmp_path, b"library" * 10)
    driver.preinstall([library])
    with driver.open(find(driver), cancel=threading.Event()) as device:
        assert device.push([library])[0].origin == "preinstalled"
    driver.preinstall([])
    with driver.open(find(driver), cancel=threading.Event()) as device:
        assert device.push([library])[0].origin == "sent"


def test_two_phones_of_one_driver_are_open_at_once(driver):
    cancel = threading.Event()
    with (
        driver.open(find(driver), cancel=cancel) as first,
        driver.open(find(driver, "nexus-5"), cancel=cancel) as second,
    ):
        words = [
            device.run(["getprop", "ro.product.device"], timeout_s=60).stdout.strip()
            for device in (first, second)
        ]
    assert words == [b"shiba", b"hammerhead"]


def test_a_phone_whose_starter_was_killed_is_waited_for(driver):
    ended = subprocess.Popen(["true"])
    ended.wait()
    folder_of("pixel-8").mkdir(exist_ok=True)
    lock = lock_name("pixel-8", ended.pid)
    later = threading.Timer(1.0, os.close, [lock])
    later.start()

    assert find(driver).state == "ready"
    with driver.open(find(driver), cancel=threading.Event()) as device:
        assert device.run(["true"], timeout_s=60).exit_code == 0
    later.join()


def test_a_phone_that_runs_already_is_busy(driver):
    cancel = threading.Event()
    with (
        driver.open(find(driver), cancel=cancel),
        pytest.raises(DeviceUnavailableError, match="running already"),
        SimulatedDriver().open(find(driver), cancel=cancel),
    ):
        pass
