"""The main job on simulated phones, over the real adb."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pocketbench.bench.records.blocks import whole_blocks
from pocketbench.bench.records.failure import FailureReason
from tests.main_job.conftest import User
from tests.phones import free_port

COUNT_MOVES = Path(__file__).parents[2] / "scripts" / "count_moves"
MODELS = Path(__file__).parent / "models"
SHORT = ("--iterations", "3", "--warmup", "1", "--blocks", "2")
NET = ("nets:net", "--input", "1x3x16x16")
PLAIN = ("--variant", "float32")
FOR_EVER = str(10**8 - os.getpid())
"""Iterations; no other run of these tests asks for so many."""

pytestmark = pytest.mark.needs("compiler", "namespaces", "bubblewrap")


@pytest.fixture
def adb_port(monkeypatch, tmp_path):
    """A port for an adb server that is the test's own, ended with the test."""
    import adbutils

    port = free_port()
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
    monkeypatch.setenv("ADB_USB", "0")
    monkeypatch.setenv("ADB_EMU", "0")
    yield port
    subprocess.run(
        [adbutils.adb_path(), "-P", str(port), "kill-server"], capture_output=True
    )


@pytest.fixture
def simulates(user, adb_port):
    """`pocketbench simulate`, in the foreground of its own process."""

    def start(*argv):
        process = user.starts("simulate", *argv)
        serials = []
        while len(serials) < len(argv):
            words = _line(process).split()
            serials += [x.strip(",") for x in words if x.startswith("127.0.0.1:")][:1]
        return process, serials

    return start


def _line(process):
    ready, _, _ = select.select([process.stdout], [], [], 60)
    assert ready, "simulate printed nothing"
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A run on the host and two phones; for tests that only look at what came."""
    user = User(tmp_path_factory.mktemp("measured"))
    devices = ("host", "simulated:pixel-8", "simulated:redmi-note-11s")
    return user.measures(*NET, *(x for name in devices for x in ("--device", name)))


def test_int8_and_float_are_measured_on_two_phones_and_the_host(measured):
    assert {(x.device_id, x.variant_id) for x in measured.launches} == {
        (device, variant)
        for device in ("host", "simulated:pixel-8", "simulated:redmi-note-11s")
        for variant in ("float32", "int8-dynamic", "int8-static")
    }
    for ready in measured.devices:
        assert ready.device.is_simulated == ready.device.id.startswith("simulated:")
    digests = {}
    for launch in measured.launches:
        digests.setdefault(launch.variant_id, set()).add(
            launch.measurement.output_digest
        )
    assert all(len(found) == 1 for found in digests.values())


def test_the_library_is_preinstalled_and_the_record_says_so(measured):
    (ready,) = [x for x in measured.devices if x.device.id == "simulated:pixel-8"]
    origins = {item.name: item.origin for item in ready.objects}
    assert origins["libtorch_cpu.so"] == "preinstalled"
    # A phone keeps its files by name, so an earlier test may have sent the rest.
    assert {"sent", "present"} & set(origins.values())


def test_launches_on_the_host_and_on_phones_never_share_a_core(measured):
    assert all(launch.host_cpus for launch in measured.launches)


def test_nothing_is_sent_the_second_time(measured, user):
    run = user.measures(*NET, "--device", "simulated:pixel-8")

    (ready,) = run.devices
    assert {item.origin for item in ready.objects} == {"preinstalled", "present"}


def test_an_attached_phone_is_found_by_android_star_and_marked_simulated(
    user, simulates
):
    simulates("pixel-8")

    run = user.measures(*NET, *PLAIN, "--device", "android:*")

    (ready,) = run.devices
    assert ready.device.family == "android"
    assert ready.device.is_simulated
    (report,) = user.runs.glob("*/report.html")
    assert "simulated" in report.read_text().lower()

    cleaned = user.types("devices", "clean", "android:*")
    assert cleaned.returncode == 0
    assert re.fullmatch(r"android:\S+: removed [\d.]+ [KM]iB\n", cleaned.stdout)
    assert "removed 0 B" in user.types("devices", "clean", "android:*").stdout
    refused = user.types("devices", "clean", "host")
    assert refused.returncode == 2
    assert "removes files from phones only" in refused.stderr


def test_devices_lists_an_attached_phone_with_its_facts(user, simulates):
    _, (serial,) = simulates("pixel-8")

    done = user.types("devices", "--json")

    infos = {info["id"]: info for info in json.loads(done.stdout)}
    phone = infos[f"android:{serial}"]
    assert phone["model"] == "Pixel 8"
    assert phone["core_count"] == 9
    assert phone["is_simulated"]


def test_no_phone_attached_says_how_to_attach_or_simulate_one(user, adb_port):
    done = user.types("run", *NET, "--device", "android:*", *SHORT)

    assert done.returncode == 2
    assert "USB debugging" in done.stderr
    assert "simulated:" in done.stderr
    assert not user.runs.exists()


def test_an_old_phone_without_exit_codes_is_measured_too(user):
    run = user.measures(*NET, *PLAIN, "--device", "simulated:nexus-5")

    assert len(run.launches) == 2


@pytest.mark.slow
def test_a_phone_that_is_unplugged_in_the_middle_is_a_row(user, simulates):
    """Slow because the phone is waited for, for a minute and a half, to come back."""
    phone, (serial,) = simulates("pixel-8")
    process = user.starts(
        "run",
        *NET,
        *("--device", "host", "--device", f"android:{serial}"),
        *("--iterations", "3", "--blocks", "4"),
    )
    user.waits_for_launches(process, 1, f"android:{serial}")
    os.killpg(phone.pid, signal.SIGKILL)
    _, stderr = process.communicate(timeout=200)

    assert process.returncode == 3, stderr
    run = user.last_run()
    assert FailureReason.DEVICE_LOST in {x.reason for x in run.failures} or (
        FailureReason.OFFLINE in {x.reason for x in run.failures}
    )
    whole = whole_blocks(
        run.launches, device_id="host", model="net", variant_ids=["float32"]
    )
    assert sorted(whole) == [0, 1, 2, 3]
    assert f"android:{serial}" in {launch.device_id for launch in run.launches}


def test_two_runs_never_share_a_phone(user, simulates):
    _, (serial,) = simulates("pixel-8")
    job = ("run", *NET, *PLAIN, "--device", f"android:{serial}")
    first = user.starts(*job, "--blocks", "99")
    user.waits_for_launches(first, 1, f"android:{serial}")

    second = user.types(*job, *SHORT)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=120)

    assert second.returncode == 3
    (failure,) = user.last_run().failures
    assert failure.reason is FailureReason.DEVICE_BUSY


def test_a_run_waits_for_the_phone_that_another_run_uses(user, simulates):
    _, (serial,) = simulates("pixel-8")
    job = ("run", *NET, *PLAIN, "--device", f"android:{serial}")
    first = user.starts(*job, "--blocks", "999", "--iterations", "3")
    user.waits_for_launches(first, 1, f"android:{serial}")
    (folder,) = user.runs.iterdir()

    second = user.starts(*job, *SHORT, "--wait", "5m")
    said = ""
    while "waiting up to 5 min" not in said:
        line = second.stderr.readline()
        assert line, said
        said += line
    listed = json.loads(user.types("devices", "--json", "--no-simulated").stdout)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=120)
    second.communicate(timeout=120)

    (phone,) = [x for x in listed if x["id"] == f"android:{serial}"]
    assert phone["held_by"]["pid"] == first.pid
    assert phone["held_by"]["run_id"] == folder.name
    assert f"another pocketbench run (pid {first.pid}, run {folder.name}, " in said
    assert second.returncode == 0
    assert len(user.last_run().launches) == 2


def test_a_taken_name_of_a_simulated_phone_is_reported_before_anything_is_exported(
    user, simulates
):
    simulates("pixel-8")

    done = user.types("run", *NET, *SHORT, "--device", "simulated:pixel-8")

    assert done.returncode == 3
    first, *_ = done.stderr.splitlines()
    assert first.startswith(
        "simulated:pixel-8 is busy. A phone of this name is running already. End it"
    )
    assert user.last_run().artifacts == ()
    (failure,) = user.last_run().failures
    assert failure.reason is FailureReason.DEVICE_BUSY


def test_ctrl_c_stops_the_process_on_the_phone_too(user, simulates, ctrl_c):
    _, (serial,) = simulates("pixel-8")
    process = user.starts(
        "run",
        *NET,
        *("--device", f"android:{serial}"),
        *("--blocks", "1", "--iterations", FOR_EVER),
    )
    while not _programs():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    ctrl_c(process)
    process.communicate(timeout=120)

    assert process.returncode == 130
    assert _programs() == []
    assert user.last_run().outcome == "interrupted"


def _programs():
    """Processes of this computer that measure on a phone now."""
    found = subprocess.run(
        ["pgrep", "-f", f"model.ptl.*--iterations {FOR_EVER} "],
        capture_output=True,
        text=True,
    )
    return [pid for pid in found.stdout.split() if _is_runner(pid)]


def _is_runner(pid):
    try:
        with open(f"/proc/{pid}/comm") as comm:
            return comm.read().strip() not in ("pocketbench", "python", "pgrep", "sh")
    except OSError:
        return False


def test_a_killed_run_on_a_phone_goes_on_where_it_was(user):
    process = user.starts("run", *NET, "--device", "simulated:pixel-8", "--blocks", "4")
    user.waits_for_launches(process, 4, "simulated:pixel-8")
    process.kill()
    process.communicate()
    before = user.last_run()

    done = user.types("run", "--resume", "last")

    assert done.returncode == 0, done.stderr
    after = user.last_run()
    assert after.launches[: len(before.launches)] == before.launches
    whole = whole_blocks(
        after.launches,
        device_id="simulated:pixel-8",
        model="net",
        variant_ids=["float32", "int8-dynamic", "int8-static"],
    )
    assert sorted(whole) == [0, 1, 2, 3]
    (ready,) = after.devices
    assert "sent" not in {item.origin for item in ready.objects}


@pytest.mark.slow
def test_one_launch_is_followed_through_few_files(user, adb_port):
    result = subprocess.run(
        [
            *(sys.executable, COUNT_MOVES, "run", *NET, *SHORT),
            *("--device", "simulated:pixel-8", "--variant", "float32"),
        ],
        cwd=user.folder,
        env={**os.environ, "PYTHONPATH": str(MODELS)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    found = re.search(r"(\d+) moves between (\d+) files in one launch", result.stdout)
    moves, files = map(int, found.groups())
    # A terminal's progress hears of each start itself: one file less.
    assert 10 < moves <= 45
    assert 5 < files <= 15
