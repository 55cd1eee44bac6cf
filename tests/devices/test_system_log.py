"""What a phone's system log says, read through the real adb."""

import pytest

from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.logcat import read_threadtime
from pocketbench.devices.android.system_log import awaits_dump, lines_about

pytestmark = pytest.mark.needs("namespaces", "mksh", "toybox")

LOG = "/apex/pocketbench/run/log"
WRITE = (
    f"say() {{ echo \"$(date '+%m-%d %H:%M:%S.000') $$ $$ I $1: $2\" >>{LOG}; }}; "
    "say ExecuTorch 'Model loaded'; say Other chatter; "
    "log -t ExecuTorch 'of another process'; "
)


def run_logged(device, script, **more):
    more = {"timeout_s": 30, **more}
    return device.run(["sh", "-c", script], log_tag="ExecuTorch", **more)


@pytest.mark.parametrize("profile", ["pixel-8", "nexus-5"])
def test_what_a_program_logs_under_its_tag_comes_with_its_result(
    phone_factory, open_phone, profile
):
    phone = phone_factory(profile)
    device = open_phone(phone)
    phone.shell("log -t ExecuTorch 'before its time'")
    phone.ask("reset_statistics")

    result = run_logged(device, WRITE + "printf 'no newline at the end'; exit 3")

    assert phone.statistics()["streams"] == 1
    assert result.stdout == b"no newline at the end"
    assert result.exit_code == 3
    (line,) = read_threadtime(result.log)
    assert line.text == "Model loaded"
    assert line.pid == result.pid


def test_a_program_killed_at_its_deadline_leaves_its_log_to_be_read_afterwards(
    phone_factory, open_phone
):
    phone = phone_factory()
    device = open_phone(phone)

    result = run_logged(device, WRITE + "echo begun; exec sleep 4321", timeout_s=2)

    assert result.timed_out
    assert result.stdout == b"begun\n"
    assert result.log == b""
    assert phone.shell("pgrep -f '^sleep 4321$'").stdout == ""
    reported = [line.text for line in read_threadtime(device.with_log(result).log)]
    assert reported == ["Model loaded", "chatter"]


def test_the_log_is_never_cleared(phone_factory, open_phone):
    phone = phone_factory()
    device = open_phone(phone)
    phone.shell("log -t Owner 'keep me'")

    device.with_log(run_logged(device, WRITE + "exit 1"))

    assert "keep me" in phone.shell("logcat -d").stdout


@pytest.mark.parametrize("profile", ["pixel-8", "nexus-5"])
def test_a_program_that_the_phone_killed_for_memory_has_the_killers_line(
    phone_factory, open_phone, profile
):
    rule = {"contains": "5432", "action": "kill", "after_s": 0.5}
    phone = phone_factory(profile, behaviour={"rules": [rule]})
    device = open_phone(phone)

    result = device.run(["sleep", "5432"], timeout_s=30)
    log = device.with_log(result).log.decode()

    assert result.signal == 9
    assert f"Kill 'sleep' ({result.pid}), uid 2000" in log
    assert "low watermark is breached" in log


def test_a_crash_leaves_a_tombstone_of_this_process_alone(phone, open_phone):
    device = open_phone(phone)
    device.run(["sh", "-c", "kill -ABRT $$"], timeout_s=30)

    result = device.run(["sh", "-c", "kill -SEGV $$"], timeout_s=30)
    phone.shell("log -t Other chatter")
    reported = [line.text for line in read_threadtime(device.with_log(result).log)]

    assert result.signal == 11
    assert any(x.startswith("Fatal signal 11 (SIGSEGV)") for x in reported)
    assert any(x.startswith(f"pid: {result.pid}, tid: ") for x in reported)
    assert "chatter" not in reported


def test_a_phone_that_is_gone_leaves_the_result_as_it_was(phone, open_phone):
    device = open_phone(phone)
    result = device.run(["false"], timeout_s=30)
    phone.ask("unplug")

    assert device.with_log(result) == result


def test_a_crash_that_is_announced_and_not_dumped_yet_is_waited_for():
    announced = (
        b"01-25 12:32:58.873 31840 31904 F libc    : Fatal signal 11 (SIGSEGV), code 1"
        b" (SEGV_MAPERR), fault addr 0x0 in tid 31904 (worker), pid 31840 (bench)\n"
    )
    dumped = announced + (
        b"01-25 12:32:59.367  4819  4819 F DEBUG   : pid: 31840, tid: 31904, name: w\n"
    )
    assert awaits_dump(lines_about(announced, 31840))
    assert not awaits_dump(lines_about(dumped, 31840))
    assert lines_about(dumped, 4711) == ()


def test_what_is_no_log_has_no_lines():
    assert (
        lines_about(b"\xff\xfe logcat: not found\n--------- beginning of main", 1) == ()
    )
    assert not CommandResult(stdout=b"", stderr=b"", exit_code=0).failed
