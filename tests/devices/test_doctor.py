"""`pocketbench doctor` and `devices --json` on every phone that can be simulated."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from pocketbench.bench.records.doctor_report import DoctorReport
from pocketbench.devices.android.arm_cores import core_name
from pocketbench.devices.simulated import profile
from pocketbench.devices.simulated.running import running_phone
from pocketbench.reports.formats.doctor import render
from tests.main_job.warm_program import run_warm

pytestmark = pytest.mark.needs("compiler", "namespaces", "mksh", "toybox", "qemu")

PROFILES = {name: profile.load(name) for name in profile.names()}
HAS_EXECUTORCH = importlib.util.find_spec("executorch") is not None
PROGRAM = Path(sys.executable).with_name("pocketbench")


def types(*words, **environment):
    return run_warm(
        [PROGRAM, *words],
        cwd=Path.cwd(),
        env={**os.environ, **environment},
        timeout_s=240,
    )


def at(adb):
    return {"ANDROID_ADB_SERVER_PORT": str(adb.port)}


class Seen:
    """What both commands say of one phone."""

    def __init__(self, info, found):
        self.info = info
        self.found = found
        self.conditions = found["conditions"]
        self.parts = {part["name"]: part for part in found["parts"]}


@pytest.fixture(scope="module")
def attached(adb):
    """Every profile as a phone that is attached; by profile, adb's name of it."""
    with contextlib.ExitStack() as stack:
        contexts = [running_phone(name, name=f"doctor-{name}") for name in PROFILES]
        with ThreadPoolExecutor() as pool:
            phones = list(pool.map(stack.enter_context, contexts))
        for phone in phones:
            stack.callback(adb, "disconnect", phone.serial)
            adb.connect(phone)
        names = zip(PROFILES, phones, strict=True)
        yield {name: f"android:{phone.serial}" for name, phone in names}


@pytest.fixture(scope="module")
def looked(attached, adb, tmp_path_factory):
    # A cache of its own: runners that other tests have built would be usable too.
    cache = str(tmp_path_factory.mktemp("cache"))
    return types("doctor", "--json", **at(adb), POCKETBENCH_CACHE_DIR=cache)


@pytest.fixture(scope="module")
def reported(attached, looked, adb):
    """By profile."""
    listed = types("devices", "--json", "--no-simulated", **at(adb))
    assert (listed.returncode, looked.returncode) == (0, 0), looked.stderr
    infos = {info["id"]: info for info in json.loads(listed.stdout)}
    founds = {x["device"]["id"]: x for x in json.loads(looked.stdout)["devices"]}
    return {name: Seen(infos[i], founds[i]) for name, i in attached.items()}


def test_there_are_at_least_eight(reported):
    assert len(reported) >= 8


@pytest.mark.parametrize("name", PROFILES)
def test_both_report_who_the_phone_is(reported, name):
    wanted, identity = PROFILES[name], PROFILES[name].identity
    seen = reported[name]
    # Doctor opens the phone and reads it again.
    assert seen.info == seen.found["device"]
    info = seen.info
    assert (info["model"], info["manufacturer"]) == (
        identity.model,
        identity.manufacturer,
    )
    assert (info["os_version"], info["api_level"]) == (
        identity.android,
        identity.api_level,
    )
    assert info["build_fingerprint"] == identity.fingerprint
    assert info["ram_bytes"] == wanted.memory.total_kb * 1024
    assert info["core_count"] == wanted.core_count
    assert info["is_simulated"]
    assert info["simulated_of"] == wanted.modelled_on
    assert info["state"] == "ready"
    assert info["page_size_bytes"] == os.sysconf("SC_PAGE_SIZE")
    assert [
        (tuple(c["cpus"]), c["name"], c["max_frequency_khz"], c["capacity"])
        for c in info["clusters"]
    ] == [
        (c.cpus, core_name(c.implementer, c.part), c.max_frequency_khz, c.capacity)
        for c in wanted.clusters
    ]


@pytest.mark.parametrize("name", PROFILES)
def test_doctor_reports_heat_charge_and_room(reported, name):
    wanted, seen = PROFILES[name], reported[name]
    room = (wanted.storage.total_kb - wanted.storage.used_kb) * 1024
    assert seen.found["free_bytes"] == room
    battery = seen.conditions["battery"]
    assert battery["level"] == wanted.battery.level
    assert battery["temperature_c"] == wanted.battery.temperature_c
    assert battery["plugged"] == (
        [wanted.battery.plugged] * bool(wanted.battery.plugged)
    )
    assert any("Charging" in x for x in seen.found["advice"]) == bool(
        battery["plugged"]
    )
    thermal = wanted.thermal
    service = wanted.identity.api_level >= 29
    assert seen.parts["thermal.status"]["is_read"] == service
    if service:
        assert seen.conditions["thermal"]["status"] == thermal.status
    skins = [s for s in thermal.sensors if s.type == thermal.skin_type]
    if service and thermal.connection and skins and not thermal.cached_only:
        shown = {
            t["name"]: t["value_c"] for t in seen.conditions["thermal"]["temperatures"]
        }
        assert all(shown[s.name] == s.value for s in skins if s.value)
    stated = [
        value
        for sensor in skins
        if thermal.threshold_style != "none" and thermal.connection
        for value in (sensor.hot_c or ())[1:]
        if not math.isnan(value)
    ]
    assert seen.parts["thermal.skin_thresholds"]["is_read"] == bool(stated)


@pytest.mark.parametrize("name", PROFILES)
def test_doctor_reports_what_can_be_read_without_root(reported, name):
    wanted, seen = PROFILES[name], reported[name]
    assert seen.parts["energy"]["is_read"] == bool(wanted.meters)
    scaled = any(c.max_frequency_khz for c in wanted.clusters)
    assert seen.parts["cpu_policies.current_frequency_khz"]["is_read"] == scaled
    for part in seen.parts.values():
        assert part["is_read"] or part["reason"]
    hidden = [c for c in wanted.clusters if "scaling_max_freq" in c.unreadable]
    caps = seen.parts["cpu_policies.max_frequency_khz"]
    for cluster in hidden:
        assert f"cores {cluster.cpus[0]}-{cluster.cpus[-1]}: " in caps["reason"]
        assert "denied" in caps["reason"]
    capped = any(c.capped_frequency_khz for c in wanted.clusters)
    assert any("Clocks capped" in x for x in seen.found["advice"]) == capped
    assert seen.parts["is_fixed_performance"]["reason"]


@pytest.mark.extras
@pytest.mark.parametrize("name", PROFILES)
def test_doctor_reports_of_a_runner_or_how_to_get_one(reported, name):
    for runner in reported[name].found["runners"]:
        if PROFILES[name].translated_abi:
            assert not runner["is_usable"]
            assert "runner build" in runner["remedy"]
            assert "--abi arm64-v8a" in runner["remedy"]
        elif runner["engine"].startswith("executorch") and not HAS_EXECUTORCH:
            assert not runner["is_usable"]
            assert "pip install 'pocketbench[executorch]'" in runner["remedy"]
        else:
            assert runner["is_usable"]


def test_the_page_fits_a_terminal_of_80_columns(attached, reported, looked):
    page = render(msgspec.json.decode(looked.stdout, type=DoctorReport))
    for line in page.splitlines():
        assert len(line) <= 80 or len(line.split()) == 1, line
    words = " ".join(page.split())
    for name, device_id in attached.items():
        assert f"{device_id}: " in words
        assert f"modelled on {PROFILES[name].modelled_on}" in words
    assert "version 41, as this adb" in words


def test_a_phone_that_is_not_ready_is_shown_with_its_remedy(phone_factory, adb):
    phone = phone_factory(behaviour={"handshake": "unauthorized"}, connect=False)
    adb("connect", phone.serial)
    done = types(
        "doctor", "--device", f"android:{phone.serial}", **at(adb), CXX="no-compiler"
    )
    assert done.returncode == 2
    assert f"android:{phone.serial}" in done.stdout
    assert "state             unauthorized. " in done.stdout
    assert "C++ compiler      no: not found" in done.stdout
    assert "Nothing can be measured yet" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_phone_that_is_measured_now_is_left_alone(phone, adb, open_phone):
    open_phone(phone)
    done = types("doctor", "--device", f"android:{phone.serial}", **at(adb))
    assert done.returncode == 0
    assert "ready, but in use by another pocketbench run (pid" in done.stdout


def test_nothing_on_a_phone_is_changed(phone, adb):
    def everything():
        listed = phone.shell("ls -lAR /data; settings list global; ls /apex/*/run")
        return listed.stdout

    before = everything()
    done = types("doctor", "--device", f"android:{phone.serial}", **at(adb))
    assert done.returncode == 0
    assert everything() == before


def test_an_adb_server_of_another_version_is_reported_and_left_running(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(64)
                        connection.sendall(b"OKAY0004002a")

        threading.Thread(target=answer, daemon=True).start()
        done = types("doctor", ANDROID_ADB_SERVER_PORT=str(port))
        listener.shutdown(socket.SHUT_RDWR)
    words = " ".join(done.stdout.split())
    assert "the server speaks version 42, this adb 41" in words
    assert "Ready to measure: host." in words
    assert done.returncode == 0


def test_a_simulated_phone_is_started_for_a_look(private_home):
    done = types("doctor", "--json", "--device", "simulated:pixel-8")
    (found,) = json.loads(done.stdout)["devices"]
    assert found["device"]["id"] == "simulated:pixel-8"
    assert found["parts"]


def test_an_iphone_is_shown_and_nothing_is_started_on_it(mac):
    done = types("doctor", "--json", "--device", mac.phone_id)
    report = json.loads(done.stdout)
    (found,) = report["devices"]
    assert found["device"]["is_replayed"]
    assert found["device"]["state"] == "ready"
    # Its conditions are read by our app, which the doctor does not install.
    assert (found["conditions"], found["parts"]) == (None, [])
    assert all("--platform ios" in runner["remedy"] for runner in found["runners"])
    assert found["advice"][0].startswith("No lite runner: there is no app yet")
    (xcode, _) = report["checks"]["Apple devices"]
    assert xcode["is_there"]


def test_what_is_not_there_is_a_usage_error(adb):
    done = types("doctor", "--device", "simulated:pixel-88", **at(adb))
    assert done.returncode == 2
    assert "Did you mean pixel-8" in done.stderr
