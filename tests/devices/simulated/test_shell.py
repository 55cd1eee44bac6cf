"""What `adb shell` does on a simulated phone, by the real adb."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

NAMES = [
    "plain",
    "with space",
    "quote'",
    'double"quote',
    "semi;colon",
    "$(reboot)",
    "`x`",
    "größe-模型",
    "*",
    "-n",
    "new\nline",
]


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def test_output_error_output_and_exit_code_arrive_apart(phone):
    done = phone.shell("echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("true", 0),
        ("exit 255", 255),
        ("no-such-command", 127),
        ("/data/local/tmp", 126),
        ("kill -9 $$", 137),
        ("kill -SEGV $$", 139),
    ],
)
def test_exit_codes_are_those_of_the_command(phone, command, code):
    assert phone.shell(command).returncode == code


@pytest.mark.parametrize("name", NAMES)
def test_any_name_survives_the_shell_when_quoted(phone, name):
    path = quoted(f"/data/local/tmp/{name}")
    assert phone.shell(f"echo content > {path}").returncode == 0
    assert phone.shell(f"cat {path}").stdout == "content\n"
    assert name.partition("\n")[0] in phone.shell("ls /data/local/tmp").stdout


def test_stdin_reaches_the_command_until_it_is_closed(phone):
    text = "line\n" * 100_000
    done = phone.adb("shell", "cat; echo end", stdin=text)
    assert done.stdout == text + "end\n"


def test_a_megabyte_of_output_and_of_error_output_arrives_whole(phone):
    command = "yes out | head -c 1000000; yes err | head -c 1000000 >&2; exit 3"
    done = phone.shell(command)
    assert len(done.stdout) == len(done.stderr) == 1_000_000
    assert set(done.stdout.split()) == {"out"}
    assert done.returncode == 3


def test_without_the_protocol_the_outputs_are_one_and_the_code_is_lost(phone):
    done = phone.adb("shell", "-x", "echo out; echo err >&2; exit 7")
    assert sorted(done.stdout.split()) == ["err", "out"]
    assert done.returncode == 0


def test_exec_out_is_raw(phone):
    done = phone.adb("exec-out", "printf 'a\\nb\\n'")
    assert done.stdout == "a\nb\n"


def test_a_command_on_a_terminal_sees_its_size_and_ends_its_lines_with_cr(phone, adb):
    master, slave = pty.openpty()
    argv = [adb.path, "-P", str(adb.port), "-s", phone.serial, "shell", "-tt"]
    command = "tty >/dev/null && echo terminal; exit 4"
    done = subprocess.run(
        [*argv, command], stdin=slave, capture_output=True, timeout=120
    )
    os.close(master)
    os.close(slave)
    assert done.stdout == b"terminal\r\n"
    assert done.returncode == 4


def test_an_interactive_shell_runs_what_is_typed(phone):
    done = phone.adb("shell", stdin="echo $((6 * 7))\nexit 9\n")
    assert "42" in done.stdout
    assert done.returncode == 9


def test_a_process_of_one_shell_is_killed_from_another(phone, adb):
    argv = [adb.path, "-P", str(adb.port), "-s", phone.serial, "shell"]
    first = subprocess.Popen(
        [*argv, "echo $$; exec sleep 600"], stdout=subprocess.PIPE, text=True
    )
    pid = first.stdout.readline().strip()
    assert phone.shell(f"cat /proc/{pid}/comm").stdout == "sleep\n"
    phone.shell(f"kill -TERM {pid}")
    first.communicate(timeout=120)
    assert first.returncode == 143


def test_a_raw_command_outlives_its_client_until_it_writes(phone, adb):
    argv = [adb.path, "-P", str(adb.port), "-s", phone.serial, "shell"]
    client = subprocess.Popen(
        [*argv, "echo $$; exec sleep 600"], stdout=subprocess.PIPE, text=True
    )
    pid = client.stdout.readline().strip()
    client.kill()
    client.communicate()
    # The server closes the stream before it opens another one.
    assert phone.shell(f"kill -0 {pid}").returncode == 0
    assert phone.shell(f"kill -9 {pid}").returncode == 0


def test_a_writing_command_ends_with_its_client(phone, adb):
    argv = [adb.path, "-P", str(adb.port), "-s", phone.serial, "shell"]
    client = subprocess.Popen(
        [*argv, "echo $$; exec yes"], stdout=subprocess.PIPE, text=True
    )
    pid = client.stdout.readline().strip()
    client.kill()
    client.communicate()
    gone = (
        f"for i in $(seq 200); do kill -0 {pid} 2>/dev/null || exit 5; sleep 0.05; done"
    )
    assert phone.shell(gone).returncode == 5


def test_refused_services_say_closed(phone):
    done = phone.adb("jdwp")
    assert "closed" in done.stderr
    assert "cannot run as root" in phone.adb("root").stdout


def test_an_old_phone_has_one_terminal_and_no_exit_code(phone_factory):
    phone = phone_factory("nexus-5")
    done = phone.shell("echo out; echo err >&2; exit 7")
    assert done.returncode == 0
    assert done.stdout == "out\r\nerr\r\n"
    raw = phone.adb("exec-out", "echo out")
    assert raw.stdout == "out\n"
    assert phone.shell("sha256sum /system/bin/sh").stdout.strip().endswith("not found")


def test_a_command_too_long_for_the_kernel_ends_its_stream_alone(phone):
    # adb joins the words; each alone is short enough for this computer's own exec.
    done = phone.adb("shell", "true", "x" * 100_000, "x" * 100_000)
    assert done.returncode != 0
    assert phone.shell("echo alive").stdout == "alive\n"
