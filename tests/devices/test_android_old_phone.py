"""A phone from before Android 7: one merged terminal and no exit code from adb."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketbench.bench.errors import DeviceLostError, UsageError
from pocketbench.devices.android.shell.shell import FOLDER
from pocketbench.devices.android.shell.v1 import MERGED_NOTE, ShellV1
from tests.phones import as_soon_as, runs_on

pytestmark = pytest.mark.needs("namespaces")


@pytest.fixture
def phone(phone_factory):
    return phone_factory("nexus-5")


@pytest.fixture
def device(phone, open_phone):
    return open_phone(phone)


def left_over(device):
    done = device.run(["ls", FOLDER], timeout_s=60)
    # The file of `ls` itself is there while it runs.
    return [word for word in done.stdout.split() if b"stderr-" in word][1:]


def test_outputs_come_apart_with_the_exit_code(device):
    done = device.run(["sh", "-c", "echo out; echo err >&2; exit 7"], timeout_s=60)
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")
    assert (done.exit_code, done.signal, done.timed_out) == (7, None, False)
    assert done.pid > 1
    assert left_over(device) == []


@pytest.mark.parametrize("output", ["", "no line end", "line\n", "\n", "a\n\n\nb\n\n"])
def test_output_arrives_with_its_line_ends(device, output):
    assert device.run(["printf", "%s", output], timeout_s=60).stdout.decode() == output


def test_a_signal_is_no_exit_code(device):
    done = device.run(["sh", "-c", "kill -11 $$"], timeout_s=60)
    assert (done.exit_code, done.signal) == (None, 11)
    assert device.run(["/nope"], timeout_s=60).exit_code == 127


def test_ten_megabytes_of_lines_arrive_whole(device):
    done = device.run(["seq", "1", "1500000"], timeout_s=120)
    assert len(done.stdout) > 10_000_000
    assert done.stdout == b"".join(b"%d\n" % n for n in range(1, 1_500_001))


def test_a_command_is_one_stream_at_the_phone(phone, device):
    phone.ask("reset_statistics")
    device.run(["true"], timeout_s=60, env={"A": "b c"})
    assert phone.statistics()["streams"] == 1


def test_the_environment_is_added_to(device):
    done = device.run(["env"], timeout_s=60, env={"A": "x 'y'; $(id)"})
    assert "A=x 'y'; $(id)" in done.stdout.decode().splitlines()


def test_the_deadline_ends_the_program_and_its_children_and_keeps_the_output(device):
    script = "sleep 4321 & echo started; echo err >&2; wait"
    began = time.monotonic()
    done = device.run(["sh", "-c", script], timeout_s=3)
    assert time.monotonic() - began < 60
    assert done.timed_out
    assert done.exit_code is None
    assert done.stdout == b"started\n"
    assert done.stderr.startswith(b"err\n")
    assert device.run(["pgrep", "-f", "^sleep 4321$"], timeout_s=60).stdout == b""
    assert left_over(device) == []


def test_unplugging_is_a_lost_phone_with_what_was_printed_until_then(phone, device):
    with (
        as_soon_as(runs_on(phone, "sleep 5432"), lambda: phone.ask("unplug")),
        pytest.raises(DeviceLostError, match="measured 17"),
    ):
        device.run(["sh", "-c", "echo measured 17; sleep 5432"], timeout_s=300)


def test_a_full_disk_merges_the_outputs_and_says_so(device):
    device.run(["mkdir", "-p", FOLDER], timeout_s=60)
    device.run(["chmod", "555", FOLDER], timeout_s=60)
    try:
        done = device.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_s=60)
    finally:
        device.run(["chmod", "755", FOLDER], timeout_s=60)
    assert done.stdout == b"out\nerr\n"
    assert done.stderr == MERGED_NOTE
    assert done.exit_code == 3


def test_files_are_pushed_once_and_verified(phone, device, make_object):
    model = make_object("it's a $(model) ü.ptl", os.urandom(300_000))
    program = make_object("runner", b"#!/system/bin/sh\necho ran\n", executable=True)
    many = [make_object(f"lib{n}.so", os.urandom(1000 + n)) for n in range(40)]
    sent = device.push([model, program, *many])
    assert {o.origin for o in sent} == {"sent"}
    assert device.run([sent[1].remote_path], timeout_s=60).stdout == b"ran\n"
    marker = f"{FOLDER}/objects/{model.sha256}/.verified"
    how = device.run(["cat", marker], timeout_s=60).stdout
    assert how in (b"sha256\n", b"md5\n", b"size\n")
    phone.ask("reset_statistics")
    again = device.push([model, program])
    assert {o.origin for o in again} == {"present"}
    assert phone.statistics()["streams"] == 1


def test_a_command_line_too_long_for_its_adbd_is_refused_in_words(device):
    with pytest.raises(UsageError, match="longer than it takes"):
        device.run(["echo", "x" * 5000], timeout_s=60)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    words=st.lists(
        st.text(
            alphabet=st.characters(exclude_characters="\0\r", codec="utf-8"),
            max_size=40,
        ),
        max_size=4,
    )
)
def test_any_arguments_reach_the_program_unchanged(device, words):
    done = device.run(["printf", r"%s\0", "first", *words], timeout_s=60)
    assert done.stdout == b"".join(w.encode() + b"\0" for w in ["first", *words])
    assert (done.stderr, done.exit_code) == (b"", 0)


def test_the_end_is_found_however_the_stream_is_cut():
    command = ShellV1(["true"], None, FOLDER)
    token = command.service.split("stderr-")[1][:16].encode()
    stream = (
        b"WARNING: linker: old\r\n%s pid 10 11\r\nout\r\n"
        b"\r\n%s exit 0\r\nerr\r\n%s end\r\n" % (token, token, token)
    )
    for size in (1, 2, 7, 1000):
        command = ShellV1(["true"], None, FOLDER)
        new = command.service.split("stderr-")[1][:16].encode()
        cut = stream.replace(token, new)
        for at in range(0, len(cut), size):
            assert not command.finished
            command.feed(cut[at : at + size])
            if command.finished:
                break
        assert command.finished
        assert (command.pid, command.exit_code) == (11, 0)
        assert command.stdout == b"out\n"
        assert command.stderr == b"WARNING: linker: old\nerr\n"
