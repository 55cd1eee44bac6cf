"""Phones leased from Jumpstarter, whose controller alone is a stand-in."""

from __future__ import annotations

import pytest

from pocketbench.bench.records.failure import FailureReason
from tests.main_job.conftest import LEASED_RUN
from tests.phones import wait_for
from tests.reliability.lab_faults import record_outcome

pytestmark = pytest.mark.needs(
    "jumpstarter", "executorch", "compiler", "namespaces", "mksh", "toybox"
)

COMMAND = (*LEASED_RUN, "jumpstarter:model=pixel-8")


@pytest.fixture
def controller(adb, tmp_path, monkeypatch):
    from tests.standins.jumpstarter import Controller

    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(adb.port))
    with Controller(tmp_path) as controller:
        for name, value in controller.environment.items():
            monkeypatch.setenv(name, value)
        yield controller


@pytest.fixture
def phone(controller, phone_factory):
    """A phone of an exporter, which this computer's own adb server does not know."""
    phone = phone_factory(connect=False)
    with controller.exporter(phone, model="pixel-8"):
        yield phone


@pytest.mark.slow
def test_a_phone_is_leased_measured_through_its_tunnel_and_given_back(
    user, controller, phone
):
    done = user.types(*COMMAND)
    assert done.returncode == 0, done.stderr
    run = user.last_run()
    assert {x.device_id for x in run.launches} == {f"android:{phone.serial}"}
    assert len(run.launches) == 2
    assert len(controller.leases) == 1
    assert not controller.held
    # Nothing of grpc or Jumpstarter is on the console.
    assert "WARNING" not in done.stderr
    assert "fork" not in done.stderr


@pytest.mark.slow
def test_a_killed_runs_phone_gets_its_settings_and_is_given_back_by_the_next_command(
    user, controller, phone, adb
):
    run = user.starts(*COMMAND, "--blocks", "9")
    user.waits_for_launches(run, 1)
    run.kill()
    run.wait()
    assert controller.held

    kept = user.types("devices", "--json", JMP_TOKEN="wrong")
    assert "is not released yet: refused, or cannot be reached (invalid" in kept.stderr
    after = user.types("devices", "--json")
    assert not controller.held
    adb.connect(phone)
    scale = phone.shell("settings get global window_animation_scale").stdout
    assert scale.strip() != "0"
    assert "not released" not in after.stderr
    assert "not restored" not in after.stderr


@pytest.mark.slow
def test_ctrl_c_gives_the_phone_back_at_once(user, controller, phone, adb, ctrl_c):
    run = user.starts(*COMMAND, "--blocks", "9", "--min-duration", "10m")

    def measures():
        return phone.shell("pgrep -f min-duration-ms").stdout.strip()

    adb.connect(phone)
    wait_for(measures)
    assert controller.held
    ctrl_c(run)
    _, stderr = run.communicate(timeout=120)

    assert run.returncode == 130, stderr
    assert not controller.held
    assert not measures()


@pytest.mark.slow
def test_a_lease_that_is_lost_is_a_failure_and_the_rest_is_measured_later(
    user, controller, phone
):
    run = user.starts(*COMMAND, "--blocks", "8")
    user.waits_for_launches(run, 1)
    (name,) = controller.leases
    controller.end(name)
    _, stderr = run.communicate(timeout=240)

    assert run.returncode == 3, stderr
    stored = user.last_run()
    last = stored.failures[-1]
    assert last.reason is FailureReason.LEASE_LOST
    assert last.fact == "shelf-1 is leased from Jumpstarter no more"

    wait_for(lambda: not controller.exporters["shelf-1"].is_ready)
    resumed = user.types(
        "run", "--resume", "last", "--lab", "jumpstarter:model=pixel-8"
    )
    assert resumed.returncode == 0, resumed.stderr
    asked = [f"android:{phone.serial}"]
    record_outcome("lease of Jumpstarter lost", asked, stored, user.last_run())
    assert not controller.held


@pytest.mark.slow
def test_an_exporter_that_is_leased_is_waited_for(user, controller, phone):
    from pocketbench.devices.labs.jumpstarter import open_jumpstarter

    with open_jumpstarter("jumpstarter:model=pixel-8", 0, print):
        run = user.starts(*COMMAND, "--wait", "10m", "--blocks", "1")
        said = next(line for line in run.stderr if "Waiting" in line)
        wait_for(lambda: len(controller.leases) == 2)
    _, stderr = run.communicate(timeout=180)

    assert said == "Waiting up to 10 min for jumpstarter:model=pixel-8\n"
    assert run.returncode == 0, stderr
    assert len(user.last_run().launches) == 1
    assert not controller.held


@pytest.mark.parametrize(
    ("lab", "environment", "code", "words"),
    [
        ("model=pixel-9", {}, 2, "no exporter (the lease cannot be satisfied: there"),
        ("model=pixel-8", {"JMP_TOKEN": "wrong"}, 4, "(invalid token). Check it with"),
        ("model=pixel-8", {"JMP_ENDPOINT": "localhost:9"}, 4, "cannot be reached"),
        ("model=pixel-8", {"JMP_TOKEN": ""}, 2, "no Jumpstarter client is configured"),
        ("", {}, 2, "names no exporter. Give labels"),
    ],
)
def test_what_cannot_be_leased_is_one_error(
    user, controller, lab, environment, code, words
):
    done = user.types(*COMMAND, "--lab", f"jumpstarter:{lab}", **environment)

    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_lease_is_extended_as_long_as_it_is_used(controller, phone, monkeypatch):
    from pocketbench.devices.labs import jumpstarter

    monkeypatch.setattr(jumpstarter, "EXTEND_S", 0.05)
    with jumpstarter.open_jumpstarter("jumpstarter:model=pixel-8", 0, print):
        lease = controller.held["namespaces/lab/exporters/shelf-1"]
        wait_for(lambda: lease.duration.ToTimedelta() > jumpstarter.LASTS)
    assert not controller.held
