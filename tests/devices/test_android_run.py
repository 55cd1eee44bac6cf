"""Running commands on a phone through the real adb."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketbench.bench.errors import Cancelled, UsageError
from pocketbench.bench.processes import bounded_output
from tests.phones import as_soon_as, runs_on

pytestmark = pytest.mark.needs("namespaces")


@pytest.fixture
def device(phone, open_phone):
    return open_phone(phone)


def running(device, word):
    """The lines of `ps` on the phone that hold a word."""
    done = device.run(["ps", "-A", "-o", "PID,ARGS"], timeout_s=60)
    # In brackets: it is killed and has no memory any more, and waits to be reaped.
    killed = f"[{word}]"
    lines = done.stdout.decode().splitlines()
    return [line for line in lines if word in line and killed not in line]


def test_outputs_come_apart_with_the_exit_code(device):
    done = device.run(["sh", "-c", "echo out; echo err >&2; exit 7"], timeout_s=60)
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")
    assert (done.exit_code, done.signal, done.timed_out) == (7, None, False)
    assert done.pid > 1


def test_exit_code_255_is_the_programs_own_and_no_lost_phone(device):
    assert device.run(["sh", "-c", "exit 255"], timeout_s=60).exit_code == 255


@pytest.mark.parametrize("signal", [6, 9, 11])
def test_a_signal_is_no_exit_code(device, signal):
    done = device.run(["sh", "-c", f"kill -{signal} $$"], timeout_s=60)
    assert (done.exit_code, done.signal) == (None, signal)


def test_a_program_that_is_not_there_is_127_and_one_that_is_none_126(device):
    assert device.run(["/nope"], timeout_s=60).exit_code == 127
    assert device.run(["/data/local/tmp"], timeout_s=60).exit_code == 126


def test_binary_output_of_ten_megabytes_arrives_whole(device):
    done = device.run(["head", "-c", "10000000", "/dev/zero"], timeout_s=60)
    assert done.stdout == bytes(10_000_000)
    assert device.run(["printf", r"\r\n\0\377"], timeout_s=60).stdout == b"\r\n\0\xff"


def test_endless_output_of_a_phone_costs_no_more_than_its_budget(device, monkeypatch):
    monkeypatch.setattr(bounded_output, "LIMIT_BYTES", 1 << 20)
    done = device.run(["sh", "-c", "echo first; yes"], timeout_s=3)
    assert done.timed_out
    assert done.stdout.startswith(b"first\n")
    assert len(done.stdout) <= 1 << 20
    assert b"bytes of the output, dropped" in done.stderr
    assert running(device, "yes") == []


def test_a_command_is_one_stream_at_the_phone(phone, device):
    phone.ask("reset_statistics")
    device.run(["true"], timeout_s=60)
    assert phone.statistics()["streams"] == 1


def test_the_environment_is_added_to(device):
    done = device.run(["env"], timeout_s=60, env={"A": "x 'y'; $(id)", "B": ""})
    lines = done.stdout.decode().splitlines()
    assert "A=x 'y'; $(id)" in lines
    assert "B=" in lines
    with pytest.raises(ValueError, match="variable name"):
        device.run(["env"], timeout_s=60, env={"A;id": ""})


def test_leased_cores_of_this_computer_are_passed_to_a_simulated_phone(device):
    script = "grep Cpus_allowed_list /proc/self/status"
    done = device.run(["sh", "-c", script], timeout_s=60, host_cpus=[0])
    assert done.stdout.split() == [b"Cpus_allowed_list:", b"0"]


def test_the_deadline_ends_the_program_and_its_children_and_keeps_the_output(device):
    script = "sleep 4321 & echo started; echo err >&2; wait"
    began = time.monotonic()
    done = device.run(["sh", "-c", script], timeout_s=3)
    assert time.monotonic() - began < 60
    assert done.timed_out
    assert done.exit_code is done.signal is None
    assert (done.stdout, done.stderr) == (b"started\n", b"err\n")
    assert running(device, "4321") == []


def test_a_program_that_floods_its_output_is_ended_at_the_deadline(device):
    done = device.run(["yes", "deadline-flood"], timeout_s=2)
    assert done.timed_out
    assert done.stdout.startswith(b"deadline-flood\n")
    assert running(device, "deadline-flood") == []


def test_cancel_ends_the_program_on_the_phone(phone, open_phone):
    cancel = threading.Event()
    device = open_phone(phone, cancel=cancel)

    with (
        as_soon_as(runs_on(phone, "sleep 8765"), cancel.set),
        pytest.raises(Cancelled),
    ):
        device.run(["sleep", "8765"], timeout_s=300)
    cancel.clear()
    assert running(device, "8765") == []


def test_a_command_that_is_cancelled_as_soon_as_it_starts_does_not_go_on(
    phone, open_phone
):
    cancel = threading.Event()
    device = open_phone(phone, cancel=cancel)
    cancel.set()
    for _ in range(5):
        with pytest.raises(Cancelled):
            device.run(["sleep", "9753"], timeout_s=60)
    cancel.clear()
    assert running(device, "9753") == []
    assert device.run(["sleep", "9753"], timeout_s=0.0001).timed_out
    assert running(device, "9753") == []


def test_a_phone_that_never_answers_runs_into_the_deadline(phone, open_phone):
    device = open_phone(phone)
    phone.ask("behave", rules=[{"contains": "silent-one", "action": "hang"}])
    done = device.run(["echo", "silent-one"], timeout_s=0.5)
    assert done.timed_out


def test_a_command_line_too_long_for_adb_is_refused_in_words(device):
    with pytest.raises(UsageError, match="longer than it takes"):
        device.run(["echo", "x" * 70_000], timeout_s=60)
    fits = "x" * 60_000
    assert device.run(["echo", fits], timeout_s=60).stdout.decode() == fits + "\n"


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    words=st.lists(
        st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8")),
        max_size=6,
    )
)
def test_any_arguments_reach_the_program_unchanged(device, words):
    done = device.run(["printf", r"%s\0", "first", *words], timeout_s=60)
    assert done.stdout == b"".join(w.encode() + b"\0" for w in ["first", *words])
    assert (done.stderr, done.exit_code) == (b"", 0)


def test_an_argument_with_a_nul_is_refused(device):
    with pytest.raises(ValueError, match="NUL"):
        device.run(["echo", "a\0b"], timeout_s=60)
