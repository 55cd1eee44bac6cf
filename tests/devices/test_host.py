"""This computer as a device."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time

import pytest

from pocketbench.bench.errors import Cancelled, PushError
from pocketbench.bench.processes import bounded_output
from pocketbench.bench.processes import child as child_process
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.host import HostDriver


@pytest.fixture
def cancel():
    return threading.Event()


@pytest.fixture
def host(cancel):
    driver = HostDriver()
    (info,) = driver.discover()
    with driver.open(info, cancel=cancel) as device:
        yield device


def has_ended(pid):
    """A killed process takes a moment to go; a zombie has gone."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
    return False


def test_this_computer_is_described_in_the_words_of_phones(host):
    info = host.info
    assert (info.id, info.family, info.state) == ("host", "host", "ready")
    assert info.abis[0] in ("x86_64", "arm64-v8a")
    assert info.libc in ("glibc", "musl", "darwin")
    assert info.shares_host_cpu
    assert not info.is_simulated
    assert info.core_count == os.cpu_count()
    assert sum(len(cluster.cpus) for cluster in info.clusters) == info.core_count
    assert info.ram_bytes > 2**28
    assert info.page_size_bytes in (4096, 16384, 65536)


@pytest.mark.parametrize(
    ("reported", "short"),
    [
        ("Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz", "Intel Core i7-8650U"),
        ("AMD Ryzen 9 5950X 16-Core Processor", "AMD Ryzen 9 5950X"),
    ],
)
def test_the_name_of_the_cpu_is_shortened(reported, short):
    from pocketbench.devices.host_info import _short

    assert _short(reported) == short


def test_outputs_come_apart_with_the_exit_code(host):
    done = host.run(["sh", "-c", "echo out; echo err >&2; exit 7"], timeout_s=60)
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")
    assert (done.exit_code, done.signal, done.timed_out) == (7, None, False)
    assert done.duration_ns > 0


def test_large_output_arrives_whole(host):
    done = host.run(["head", "-c", "10000000", "/dev/zero"], timeout_s=30)
    assert done.stdout == bytes(10_000_000)


def test_a_signal_is_no_exit_code(host):
    done = host.run(["sh", "-c", "kill -SEGV $$"], timeout_s=60)
    assert (done.exit_code, done.signal) == (None, 11)


def test_a_program_that_is_not_there_ends_as_in_a_shell(host, tmp_path):
    assert host.run([str(tmp_path / "none")], timeout_s=60).exit_code == 127
    plain = tmp_path / "plain"
    plain.write_text("no program")
    done = host.run([str(plain)], timeout_s=60)
    assert done.exit_code == 126
    assert b"Permission denied" in done.stderr


def test_the_environment_is_added_to_and_arguments_pass_unchanged(host):
    argv = ["sh", "-c", 'printf "%s|" "$A" "$HOME" "$@"', "sh", "a b", "$(id)", "ü;'"]
    done = host.run(argv, timeout_s=60, env={"A": "x y"})
    home = os.environ["HOME"]
    assert done.stdout.decode() == f"x y|{home}|a b|$(id)|ü;'|"


@pytest.mark.skipif(shutil.which("taskset") is None, reason="this system has none")
def test_a_program_is_pinned_to_the_leased_cores(host):
    wanted = max(os.sched_getaffinity(0))
    code = "import os; print(sorted(os.sched_getaffinity(0)), os.getpid())"
    done = host.run([sys.executable, "-c", code], timeout_s=60, host_cpus=[wanted])
    assert done.stdout.decode().split() == [f"[{wanted}]", str(done.pid)]


def test_the_deadline_ends_the_program_and_its_children_and_keeps_the_output(host):
    script = "sleep 60 & echo $!; echo err >&2; wait"
    began = time.monotonic()
    done = host.run(["sh", "-c", script], timeout_s=3)
    assert time.monotonic() - began < 60
    assert done.timed_out
    assert done.exit_code is done.signal is None
    assert done.stderr == b"err\n"
    assert has_ended(int(done.stdout))
    assert has_ended(done.pid)


def test_cancel_ends_the_program_at_once(host, cancel, tmp_path):
    fifo = tmp_path / "started"
    os.mkfifo(fifo)
    pids = []

    def cancel_when_started():
        pids.append(int(fifo.read_text()))
        cancel.set()

    watcher = threading.Thread(target=cancel_when_started)
    watcher.start()
    with pytest.raises(Cancelled):
        host.run(["sh", "-c", f"echo $$ > '{fifo}'; sleep 60"], timeout_s=60)
    watcher.join()
    assert has_ended(pids[0])


def test_a_process_that_left_the_group_does_not_hold_us_up(host, monkeypatch):
    monkeypatch.setattr(child_process, "_GRACE_S", 0.2)
    done = host.run(["setsid", "-f", "sleep", "3"], timeout_s=60)
    assert done.exit_code == 0


def test_what_a_program_leaves_running_ends_with_it(host):
    done = host.run(["sh", "-c", "sleep 600 & echo $!"], timeout_s=60)
    assert done.exit_code == 0
    assert has_ended(int(done.stdout))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="this system has none")
def test_what_went_into_a_session_of_its_own_ends_with_it_too(host):
    done = host.run(["sh", "-c", "setsid sleep 600 >&- & echo $!"], timeout_s=60)
    assert done.exit_code == 0
    assert has_ended(int(done.stdout))


def test_endless_output_costs_no_more_than_its_budget(host, monkeypatch):
    monkeypatch.setattr(bounded_output, "LIMIT_BYTES", 1 << 20)
    done = host.run(["sh", "-c", "echo first; yes"], timeout_s=0.5)
    assert done.timed_out
    assert done.stdout.startswith(b"first\n")
    assert len(done.stdout) <= 1 << 20
    assert b"bytes of the output, dropped" in done.stderr


def test_the_last_words_of_long_output_are_kept(host, monkeypatch):
    monkeypatch.setattr(bounded_output, "LIMIT_BYTES", 1 << 16)
    script = "yes | head -c 1000000; echo; echo sealed"
    done = host.run(["sh", "-c", script], timeout_s=60)
    assert done.exit_code == 0
    assert done.stdout.endswith(b"\nsealed\n")
    assert len(done.stdout) <= 1 << 16


def test_files_stay_where_they_are(host, make_object):
    wanted = make_object("a 'b'; $(c) ü", b"content")
    (installed,) = host.push([wanted])
    assert installed.origin == "local"
    assert installed.remote_path == wanted.path
    assert installed.sha256 == wanted.sha256


def test_a_file_that_is_gone_or_changed_is_refused(host, make_object):
    wanted = make_object("file", b"content")
    with open(wanted.path, "ab") as file:
        file.write(b"more")
    with pytest.raises(PushError, match="has 11 bytes and had 7"):
        host.push([wanted])
    os.unlink(wanted.path)
    with pytest.raises(PushError) as caught:
        host.push([wanted])
    assert caught.value.reason is FailureReason.NOT_FOUND
