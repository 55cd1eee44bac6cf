"""The main job on an iPhone and a simulator that a stand-in plays, as typed."""

import contextlib
import json
import os
import time

import pytest

from pocketbench.bench.records.blocks import whole_blocks
from pocketbench.bench.records.failure import FailureReason
from tests.apple import TEAM

SHORT = ("--iterations", "3", "--warmup", "1", "--blocks", "2")
NET = ("nets:net", "--input", "1x3x16x16", "--variant", "float32")

pytestmark = pytest.mark.needs("compiler")


def rarely(*values):
    """One more row of a table whose first row stands for all in the regular set."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.fixture
def iphone(mac):
    """The stand-in with the app and the simulator's program built."""
    mac.has("lite")
    return mac


def on_both(mac):
    return (
        *("--device", "host"),
        *("--device", mac.simulator_id),
        *("--device", mac.phone_id),
    )


def test_host_simulator_and_iphone_are_one_report_marked_as_replayed(user, iphone):
    run = user.measures(*NET, *on_both(iphone))

    assert run.outcome == "finished"
    by_device = {}
    for launch in run.launches:
        by_device.setdefault(launch.device_id, []).append(launch)
    assert {name: len(found) for name, found in by_device.items()} == {
        "host": 2,
        iphone.simulator_id: 2,
        iphone.phone_id: 2,
    }
    digests = {launch.measurement.output_digest for launch in run.launches}
    assert len(digests) == 1
    # The simulator shares this computer's cores under the lease; a phone does not.
    assert all(launch.host_cpus for launch in by_device[iphone.simulator_id])
    assert not any(launch.host_cpus for launch in by_device[iphone.phone_id])

    replayed = {ready.device.id for ready in run.devices if ready.device.is_replayed}
    assert replayed == {iphone.simulator_id, iphone.phone_id}
    # Where a line ends depends on the figures in it.
    console = " ".join(user.types("report", "last").stdout.split())
    assert "[SIMULATOR, REPLAYED]" in console
    assert "iPhone 99 Pro [REPLAYED]" in console
    (page,) = user.runs.glob("*/report.html")
    assert "REPLAYED" in page.read_text()
    document = json.loads(
        user.types("report", "last", "--format", "json", "-o", "-").stdout
    )
    for cell in document["cells"]:
        is_apples = cell["device_id"] != "host"
        assert ("replayed" in cell["caveats"]) == is_apples
        assert ("runners_differ" in cell["caveats"]) is False


@pytest.mark.parametrize(
    "tool",
    [{"console": False}, rarely({"json_version": 5}), rarely({"devicectl": False})],
)
def test_it_is_measured_whatever_the_tool_offers(user, iphone, tool):
    iphone.change(**tool)

    run = user.measures(*NET, "--device", "host", "--device", iphone.phone_id)

    by_device = {}
    for launch in run.launches:
        by_device.setdefault(launch.device_id, []).append(launch)
    on_phone = by_device[iphone.phone_id]
    assert len(on_phone) == 2
    assert all(len(launch.measurement.latencies_ns) == 3 for launch in on_phone)
    assert all(launch.conditions_after.battery for launch in on_phone)
    digests = {launch.measurement.output_digest for launch in run.launches}
    assert len(digests) == 1
    assert not run.failures


@pytest.mark.slow
def test_every_report_marks_the_simulator_and_what_was_replayed(user, iphone):
    user.measures(*NET, *on_both(iphone))

    for form in ("markdown", "html", "json", "csv", "junit"):
        done = user.types("report", "last", "--format", form, "-o", "-")
        assert done.returncode == 0, done.stderr
        text = done.stdout.lower()
        assert "replayed" in text, form
        assert "simulator" in text, form


@pytest.mark.slow
def test_a_simulator_and_a_phone_of_two_runs_are_never_compared(user, iphone):
    user.measures(*NET, "--device", iphone.simulator_id)
    on_simulator = user.last_run().folder
    user.measures(*NET, "--device", iphone.phone_id)
    on_phone = user.last_run().folder

    done = user.types("compare", str(on_simulator), str(on_phone))

    assert done.returncode == 2, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_killed_run_goes_on_with_the_phone_where_it_was(user, iphone):
    process = user.starts(
        *("run", *NET, "--device", iphone.phone_id),
        *("--blocks", "6", "--iterations", "3"),
    )
    while True:
        found = list(user.runs.glob("*/run.jsonl")) if user.runs.exists() else []
        if found and found[0].read_bytes().count(b'"record":"launch"') >= 2:
            break
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    before = user.last_run()

    done = user.types("run", "--resume", "last")

    assert done.returncode == 0, done.stderr
    after = user.last_run()
    assert after.launches[: len(before.launches)] == before.launches
    assert len(iphone.calls("install")) == 1
    blocks = whole_blocks(
        after.launches,
        device_id=iphone.phone_id,
        model="net",
        variant_ids=["float32"],
    )
    assert len(blocks) == 6


@pytest.mark.parametrize(
    ("at", "what", "reason", "remedy"),
    [
        ("launch", "locked", FailureReason.LOCKED, "Auto-Lock"),
        rarely("launch", "deleted", FailureReason.NOT_INSTALLED, "Run again"),
        rarely("launch", "tunnel lost", FailureReason.DEVICE_LOST, "Check the cable"),
        rarely("launch", "kill", FailureReason.OUT_OF_MEMORY, "smaller model"),
        rarely("install", "not signed", FailureReason.NOT_TRUSTED, "--team"),
    ],
)
def test_a_failure_on_the_phone_is_a_row_with_its_remedy(
    user, iphone, at, what, reason, remedy
):
    iphone.plan(at, what, always=True)

    done = user.types("run", *NET, *on_both(iphone), *SHORT)

    assert done.returncode == 3, done.stderr
    run = user.last_run()
    assert {launch.device_id for launch in run.launches} == {
        "host",
        iphone.simulator_id,
    }
    # One that is lost at each of three launches in a row is left alone.
    given_up = FailureReason.QUARANTINED
    failures = [x for x in run.failures if x.reason is not given_up]
    assert {failure.reason for failure in failures} == {reason}
    assert all(remedy in failure.remedy for failure in failures)
    (page,) = user.runs.glob("*/report.html")
    assert failures[0].remedy.split(" (")[0] in page.read_text()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"pairing": "unpaired"}, FailureReason.NOT_PAIRED),
        rarely({"mode": "disabled"}, FailureReason.DEVELOPER_MODE_OFF),
        rarely({"reach": "unavailable"}, FailureReason.OFFLINE),
    ],
)
@pytest.mark.parametrize("version", [rarely(3), 6])
def test_a_phone_that_is_not_ready_is_a_row_and_the_host_goes_on(
    user, iphone, changed, reason, version
):
    iphone.change(json_version=version)
    iphone.change_phone(**changed)

    done = user.types(
        *("run", *NET, "--device", "host", "--device", iphone.phone_id, *SHORT)
    )

    assert done.returncode == 3, done.stderr
    run = user.last_run()
    (failure,) = run.failures
    assert (failure.device_id, failure.reason) == (iphone.phone_id, reason)
    assert {launch.device_id for launch in run.launches} == {"host"}


def test_a_tunnel_that_is_lost_once_costs_nothing_but_its_block(user, iphone):
    iphone.plan("launch", "tunnel lost")

    done = user.types("run", *NET, "--device", iphone.phone_id, *SHORT)

    run = user.last_run()
    assert [failure.reason for failure in run.failures] == [FailureReason.DEVICE_LOST]
    assert len(run.launches) == 2, done.stderr


def test_a_simulator_that_is_shut_down_meanwhile_is_booted_again(user, iphone):
    iphone.plan("spawn", "shut down")

    user.types("run", *NET, "--device", iphone.simulator_id, *SHORT)

    run = user.last_run()
    assert [failure.reason for failure in run.failures] == [FailureReason.NOT_BOOTED]
    assert len(run.launches) == 2
    assert iphone.read()["simulators"][0]["state"] == "Shutdown"


@pytest.mark.parametrize(
    ("fault", "reason", "remedy"),
    [
        (lambda mac: mac.change_simulator(broken=True), "not_booted", "simctl list"),
        rarely(
            lambda mac: mac.plan("spawn", "shut down", always=True),
            "not_booted",
            "boot",
        ),
        rarely(
            lambda mac: mac.plan("spawn", "kill", always=True),
            "out_of_memory",
            "smaller",
        ),
    ],
)
def test_a_failure_on_the_simulator_is_a_row_with_its_remedy(
    user, iphone, fault, reason, remedy
):
    fault(iphone)

    done = user.types("run", *NET, *on_both(iphone), *SHORT)

    assert done.returncode == 3, done.stderr
    run = user.last_run()
    assert {launch.device_id for launch in run.launches} == {"host", iphone.phone_id}
    assert {failure.reason for failure in run.failures} == {FailureReason(reason)}
    assert all(remedy in failure.remedy for failure in run.failures)
    (page,) = user.runs.glob("*/report.html")
    assert remedy in page.read_text()


def test_ctrl_c_ends_the_app_and_the_simulators_program(user, iphone, ctrl_c):
    iphone.plan("launch", "hang")
    iphone.plan("spawn", "hang")
    process = user.starts("run", *NET, *on_both(iphone)[2:], *SHORT)
    until = time.monotonic() + 120
    while len(iphone.running()) < 2 and time.monotonic() < until:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    ctrl_c(process)
    process.communicate(timeout=120)

    assert process.returncode == 130
    assert iphone.is_quiet()
    assert iphone.read()["simulators"][0]["state"] == "Shutdown"


def test_devices_lists_phones_and_simulators_with_state_and_remedy(
    user, iphone, private_adb
):
    iphone.change_phone(mode="disabled")

    done = user.types("devices", "--json", "--no-simulated")

    infos = {info["id"]: info for info in json.loads(done.stdout)}
    assert {"host", iphone.phone_id, iphone.simulator_id} <= infos.keys()
    assert infos[iphone.phone_id]["state"] == "developer_mode_off"
    assert "Developer Mode" in infos[iphone.phone_id]["remedy"]
    table = user.types("devices", "--no-simulated", COLUMNS="300").stdout
    assert "developer mode off" in " ".join(table.split())


def test_devices_of_all_families_are_asked_at_once(user, iphone, private_adb):
    iphone.change(slow_s=2)

    user.types("devices", "--no-simulated")

    calls = (iphone.folder / "calls.jsonl").read_text().splitlines()[-3:]
    began = [
        json.loads(line)[0] for line in calls if "simctl" in line or "find" in line
    ]
    assert len(began) == 2
    assert max(began) - min(began) < 2


def test_the_app_is_built_by_the_command_and_found_by_the_run(user, mac):
    mac.has("lite")
    (runtime,) = mac.folder.glob("runtime")
    built = user.types(
        *("runner", "build", "--platform", "ios", "--team", TEAM),
        *("--runtime", str(runtime)),
    )

    assert built.returncode == 0, built.stderr
    assert built.stdout.strip().endswith("phone-lite.ipa")
    assert os.path.isfile(built.stdout.strip())


@pytest.mark.parametrize(
    ("argv", "reported"),
    [
        (("runner", "build", "--platform", "ios"), "--team"),
        (("runner", "build", "--platform", "ios-simulator"), "--runtime"),
        (("runner", "build", "--platform", "ios", "--abi", "x86"), "--abi x86"),
        (("runner", "build", "--team", "X"), "--platform ios"),
        (("run", *NET, "--device", "ios:nothing"), "00008199"),
        (("run", *NET, "--device", "ios-simulator:*"), "runner build --platform"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_way_out(user, mac, argv, reported):
    done = user.types(*argv)

    assert done.returncode == 2, done.stderr
    assert reported in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("selector", "reported"),
    [
        ("ios:*", "pipx install pymobiledevice3"),
        ("ios-simulator:*", "install Xcode"),
    ],
)
def test_without_apples_tools_one_line_says_what_to_install(
    user, mac, selector, reported
):
    mac.remove("xcrun", "pymobiledevice3")

    done = user.types("run", *NET, "--device", selector)

    assert done.returncode == 2
    assert reported in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    with contextlib.suppress(FileNotFoundError):
        assert not list(user.runs.iterdir())
