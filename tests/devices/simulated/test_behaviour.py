"""What a simulated phone does wrong on purpose, as the real adb sees it."""

from __future__ import annotations

import subprocess
import time


def wait_for(condition, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def running(phone, adb, command):
    argv = [adb.path, "-P", str(adb.port), "-s", phone.serial, "shell", command]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_an_unauthorized_phone_is_listed_as_such(phone_factory, adb):
    phone = phone_factory(connect=False, behaviour={"handshake": "unauthorized"})
    assert "failed to authenticate" in adb("connect", phone.serial).stdout
    assert adb.state(phone) == "unauthorized"
    assert "unauthorized" in phone.shell("true").stderr


def test_a_silent_phone_is_offline(phone_factory, adb):
    phone = phone_factory(connect=False, behaviour={"handshake": "silent"})
    client = subprocess.Popen(
        [adb.path, "-P", str(adb.port), "connect", phone.serial],
        stdout=subprocess.PIPE,
    )
    try:
        wait_for(lambda: adb.state(phone) == "offline")
        assert "offline" in phone.shell("true").stderr
    finally:
        client.kill()
        client.communicate()


def test_unplugging_ends_a_command_in_its_middle_and_keeps_what_came(phone, adb):
    shell = running(phone, adb, "echo first; sleep 600; echo last")
    assert shell.stdout.readline() == b"first\n"
    phone.ask("unplug")
    out, err = shell.communicate(timeout=120)
    assert (out, err, shell.returncode) == (b"", b"", 255)


def test_unplugging_after_so_many_bytes(phone):
    phone.ask("behave", unplug_after_sent_bytes=100_000)
    done = phone.shell("yes | head -c 1000000")
    assert done.returncode == 255
    assert 0 < len(done.stdout) < 1_000_000


def test_a_phone_that_is_plugged_in_again_comes_back_by_itself(phone, adb):
    phone.ask("unplug")
    wait_for(lambda: adb.state(phone) != "device")
    phone.ask("plug")
    wait_for(lambda: adb.state(phone) == "device")
    assert phone.shell("echo back").stdout == "back\n"


def test_a_reboot_ends_every_process_and_forgets_what_was_set(phone, adb):
    phone.ask("behave", reboot_s=0.1)
    phone.shell("setprop debug.word once")
    boot_id = phone.shell("cat /proc/sys/kernel/random/boot_id").stdout
    shell = running(phone, adb, "exec sleep 600")
    wait_for(lambda: phone.statistics()["streams"] >= 3)
    phone.adb("reboot")
    shell.communicate(timeout=120)
    assert shell.returncode == 255
    wait_for(lambda: adb.state(phone) == "device")
    assert phone.shell("pidof sleep").stdout == ""
    assert phone.shell("getprop debug.word").stdout == "\n"
    assert phone.shell("cat /proc/sys/kernel/random/boot_id").stdout != boot_id


def test_the_innermost_program_of_a_command_is_killed(phone):
    rule = {"contains": "sleep", "action": "kill", "after_s": 0.2}
    phone.ask("behave", rules=[rule])
    done = phone.shell("sleep 600; echo code $?")
    assert done.stdout == "code 137\n"
    assert "Killed" in done.stderr


def test_a_rule_may_apply_once(phone):
    rule = {"contains": "echo", "action": "garbage", "text": "\x00\x07nonsense"}
    phone.ask("behave", rules=[rule | {"times": 1}])
    assert phone.shell("echo fine").stdout != "fine\n"
    assert phone.shell("echo fine").stdout == "fine\n"


def test_a_hanging_command_never_answers(phone, adb):
    phone.ask("behave", rules=[{"contains": "never", "action": "hang"}])
    shell = running(phone, adb, "echo never")
    assert phone.shell("echo others").stdout == "others\n"
    assert shell.poll() is None
    shell.kill()
    assert shell.communicate() == (b"", b"")


def test_the_daemon_counts_streams_and_bytes(phone, tmp_path):
    phone.ask("reset_statistics")
    phone.shell("echo hello")
    file = tmp_path / "file"
    file.write_bytes(b"x" * 100_000)
    phone.adb("push", str(file), "/data/local/tmp/file")
    counted = phone.statistics()
    assert counted["streams"] == 2
    assert counted["services"][0].startswith("shell,v2")
    assert counted["services"][1] == "sync:"
    assert 100_000 < counted["received_bytes"] < 110_000


def test_a_remembered_command_runs_three_times_and_is_answered_with_each_ones_own_mark(
    phone,
):
    phone.ask("behave", rules=[{"contains": "count", "action": "remember"}])

    def count(mark):
        command = f"echo @@{mark}; echo x >>/data/local/tmp/count; exit 3"
        return phone.shell(command)

    marks = [f"{digit}123456789abcdef" for digit in range(5)]
    answers = [count(mark) for mark in marks]
    assert [x.returncode for x in answers] == [3] * 5
    assert [x.stdout for x in answers] == [f"@@{mark}\n" for mark in marks]
    assert phone.shell("cat /data/local/tmp/*").stdout == "x\n" * 3


def test_a_remembered_command_takes_as_long_as_its_rule_says_and_its_time_is_counted(
    phone,
):
    rule = {"contains": "true", "action": "remember", "after_s": 0.7}
    phone.ask("behave", rules=[rule])
    for _ in range(3):
        phone.shell("true")
    phone.ask("reset_statistics")
    phone.shell("true")
    assert 0.7 <= phone.statistics()["busy_s"] < 5
