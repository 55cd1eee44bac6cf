"""A phone leased from DeviceFarmer (STF), whose API is a stand-in."""

from __future__ import annotations

import re

import pytest

from pocketbench.bench.records.failure import FailureReason
from tests.main_job.conftest import LEASED_RUN
from tests.phones import wait_for
from tests.reliability.lab_faults import record_outcome
from tests.standins.stf import Stf
from tests.standins.stf_api import check_answer, check_request

pytestmark = pytest.mark.needs("executorch", "compiler", "namespaces", "mksh", "toybox")

SERIAL = "SERIAL-OF/STF"


@pytest.fixture
def stf(adb, monkeypatch):
    with Stf() as stf:
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(adb.port))
        for name, value in stf.environment.items():
            monkeypatch.setenv(name, value)
        yield stf
        assert stf.wrong == []


@pytest.fixture
def phone(stf, phone_factory):
    """A phone that STF offers, and that this computer is not connected to."""
    phone = phone_factory(connect=False)
    stf.offers(SERIAL, phone.serial)
    return phone


COMMAND = (*LEASED_RUN, "stf:model=pixel 8")


def is_attached(adb, phone):
    return phone.serial in adb("devices").stdout


@pytest.mark.slow
def test_a_phone_is_leased_measured_and_given_back(user, stf, phone, adb):
    stf.offers("taken", "127.0.0.1:9", owner="somebody else")
    done = user.types(*COMMAND)

    assert done.returncode == 0, done.stderr
    run = user.last_run()
    assert {x.device_id for x in run.launches} == {f"android:{phone.serial}"}
    assert len(run.launches) == 2
    assert stf.owner(SERIAL) is None
    assert stf.owner("taken") == "somebody else"
    assert ("POST", ["user", "devices"], {"serial": SERIAL, "timeout": 1800000}) in (
        stf.requests
    )
    assert not is_attached(adb, phone)


@pytest.mark.slow
def test_a_phone_that_a_killed_run_leased_is_given_back_by_the_next_command(
    user, stf, phone
):
    run = user.starts(*COMMAND, "--blocks", "9")
    user.waits_for_launches(run, 1)
    run.kill()
    run.wait()
    assert stf.owner(SERIAL) == "us"

    kept = user.types("devices", "--json", STF_TOKEN="wrong")
    assert "is not released yet: refused (401" in kept.stderr
    assert "not restored" not in kept.stderr
    after = user.types("devices", "--json")
    assert stf.owner(SERIAL) is None
    assert "not released" not in after.stderr


@pytest.mark.slow
def test_ctrl_c_gives_the_phone_back_at_once(user, stf, phone, adb, ctrl_c):
    run = user.starts(*COMMAND, "--blocks", "9", "--min-duration", "10m")

    def measures():
        return phone.shell("pgrep -f min-duration-ms").stdout.strip()

    wait_for(measures)
    assert stf.owner(SERIAL) == "us"
    ctrl_c(run)
    _, stderr = run.communicate(timeout=120)

    assert run.returncode == 130, stderr
    assert stf.owner(SERIAL) is None
    assert not is_attached(adb, phone)


@pytest.mark.slow
def test_a_lease_that_is_lost_is_a_failure_and_the_rest_is_measured_later(
    user, stf, phone, adb
):
    run = user.starts(*COMMAND, "--blocks", "8")
    user.waits_for_launches(run, 1)
    stf.phones[SERIAL]["owner"] = "an administrator"
    adb("disconnect", phone.serial)
    _, stderr = run.communicate(timeout=120)

    assert run.returncode == 3, stderr
    stored = user.last_run()
    last = stored.failures[-1]
    assert last.reason is FailureReason.LEASE_LOST
    assert last.remedy == FailureReason.LEASE_LOST.remedy
    assert stf.owner(SERIAL) == "an administrator"

    stf.phones[SERIAL]["owner"] = None
    resumed = user.types("run", "--resume", "last", "--lab", f"stf:{SERIAL}")
    assert resumed.returncode == 0, resumed.stderr
    asked = [f"android:{phone.serial}"]
    record_outcome("lease of DeviceFarmer lost", asked, stored, user.last_run())


@pytest.mark.parametrize(
    ("lab", "environment", "code", "words"),
    [
        ("stf:model=Pixel 9", {}, 2, "no phone of STF matches"),
        ("stf:taken", {}, 2, "none of 1 phones that match is free"),
        ("stf:*", {"STF_TOKEN": "wrong"}, 4, "refused (401 Unauthorized). Set STF_TOK"),
        ("stf:*", {"STF_URL": "http://127.0.0.1:9"}, 4, "cannot be reached"),
        ("stf:*", {"STF_TOKEN": ""}, 2, "Set STF_URL=https://HOST and STF_TOKEN"),
    ],
)
def test_what_cannot_be_leased_is_one_error(user, stf, lab, environment, code, words):
    stf.offers("taken", "127.0.0.1:9", owner="somebody else")
    done = user.types(*COMMAND, "--lab", lab, **environment)

    assert done.returncode == code
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_phone_that_somebody_has_is_waited_for(user, stf, phone):
    stf.phones[SERIAL]["owner"] = "somebody else"
    run = user.starts(*COMMAND, "--wait", "10m", "--blocks", "1")
    said = next(line for line in run.stderr if "Waiting" in line)
    assert said == "Waiting up to 10 min for a free phone of STF\n"
    stf.phones[SERIAL]["owner"] = None
    _, stderr = run.communicate(timeout=120)

    assert run.returncode == 0, stderr
    assert len(user.last_run().launches) == 1
    assert stf.owner(SERIAL) is None


def test_the_wait_for_a_phone_has_an_end(user, stf):
    stf.offers("taken", "127.0.0.1:9", owner="somebody else")
    done = user.types(*COMMAND, "--wait", "1s")

    assert done.returncode == 2
    assert "none of 1 phones that match is free after 1 s" in done.stderr


def test_a_phone_that_is_taken_meanwhile_is_left_to_who_has_it(user, stf):
    stf.offers(SERIAL, "127.0.0.1:9")
    stf.is_too_late = True
    done = user.types(*COMMAND)

    assert done.returncode == 2
    assert "none of 1 phones that match is free" in done.stderr
    user.types("devices", "--json")
    assert stf.owner(SERIAL) == "us"


@pytest.mark.parametrize(
    ("operation", "query", "body", "words"),
    [
        (("GET", "devices"), {"field"}, None, "takes no {'field'}"),
        (("POST", "user/devices"), set(), {"serial": 1}, "Expected `str`, got `int`"),
        (("POST", "user/devices"), set(), {}, "missing required field `serial`"),
        (("DELETE", "user/devices/{serial}"), set(), {}, "takes no body"),
    ],
)
def test_a_request_that_the_published_api_does_not_take_is_noticed(
    operation, query, body, words
):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_request(operation, query, body)


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (200, {"device": {"owner": "us"}}, "Expected `object | null`, got `str`"),
        (200, {"device": {"address": "127.0.0.1:9"}}, "unknown field `address`"),
        (200, {}, "missing required field `device`"),
        (403, {"device": {}}, "unknown field `device`"),
        (418, {}, "does not answer 418"),
    ],
)
def test_an_answer_that_the_published_api_does_not_give_is_noticed(
    status, answer, words
):
    answer = {"success": status == 200, "description": "", **answer}
    with pytest.raises(ValueError, match=re.escape(words)):
        check_answer(("GET", "user/devices/{serial}"), status, answer)
