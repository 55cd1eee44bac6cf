"""The wrapper, run for real under the shells phones and computers have."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.android_runner.prebuilt.memory_wrapper import (
    SampledMemory,
    new_token,
    script,
    unwrap,
    wrap,
)
from pocketbench.bench.records.conditions import Missing
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.runner import Command

SHELLS = ("mksh", "dash", "bash")
MIB = 2**20

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs Linux's /proc"
)


@pytest.fixture(
    params=[pytest.param("mksh", marks=pytest.mark.needs("mksh")), *SHELLS[1:]]
)
def shell(request: pytest.FixtureRequest) -> str:
    path = shutil.which(request.param)
    if path is None:
        pytest.skip(f"needs {request.param}")
    return path


def launch(
    shell: str, *argv: str, stdin: bytes = b"", interval_s: float = 0.02
) -> tuple[CommandResult, SampledMemory | Missing]:
    token = new_token()
    command = wrap(Command(argv=argv), token=token, shell=shell, interval_s=interval_s)
    done = subprocess.run(command.argv, input=stdin, capture_output=True, timeout=60)
    result = CommandResult(
        stdout=done.stdout, stderr=done.stderr, exit_code=done.returncode
    )
    return unwrap(result, token=token, interval_s=interval_s)


def python(shell: str, code: str, **options: object) -> tuple[CommandResult, object]:
    return launch(shell, sys.executable, "-c", code, **options)  # type: ignore[arg-type]


def test_the_peak_of_the_very_program_is_seen_even_after_it_shrank(shell: str):
    code = "import time\nb = bytearray(80 << 20)\ntime.sleep(.3)\ndel b\ntime.sleep(.3)"
    _, memory = python(shell, code)
    assert isinstance(memory, SampledMemory)
    assert 80 * MIB < memory.peak_bytes < 140 * MIB
    assert memory.samples[-1].rss_bytes < memory.peak_bytes - 60 * MIB
    assert memory.count >= len(memory.samples)
    assert memory.interval_s == 0.02


def test_a_program_that_allocates_little_is_reported_apart(shell: str):
    _, memory = python(shell, "import time; time.sleep(.3)")
    assert isinstance(memory, SampledMemory)
    assert 1 * MIB < memory.peak_bytes < 40 * MIB


def test_input_output_and_exit_code_pass_through_untouched(shell: str):
    code = (
        "import sys, time; sys.stdout.write(sys.stdin.read()[::-1]);"
        "sys.stderr.write('no line end'); sys.stdout.flush(); time.sleep(.1);"
        "sys.exit(41)"
    )
    result, memory = python(shell, code, stdin=b"abc")
    assert (result.stdout, result.stderr, result.exit_code) == (
        b"cba",
        b"no line end",
        41,
    )
    assert isinstance(memory, SampledMemory)


def test_arguments_pass_through_with_blanks_quotes_and_line_ends(shell: str):
    words = ["a b", "", "'", '"', "$HOME", "*", "line\nend", "\\n", "-n"]
    code = "import sys; print(sys.argv[1:])"
    result, _ = launch(shell, sys.executable, "-c", code, *words)
    assert result.stdout.decode() == f"{words}\n"
    assert result.stderr == b""


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM])
def test_a_signal_that_ends_the_program_is_its_own_end(shell: str, number: int):
    code = f"import os, time; time.sleep(.15); os.kill(os.getpid(), {int(number)})"
    result, memory = python(shell, code)
    assert result.exit_code == -number
    assert isinstance(memory, SampledMemory)


def test_the_program_has_the_pid_that_was_started(shell: str):
    token = new_token()
    code = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"
    command = wrap(Command(argv=(sys.executable, "-c", code)), token=token, shell=shell)
    process = subprocess.Popen(
        command.argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert int(process.stdout.readline()) == process.pid
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGINT
    assert b"KeyboardInterrupt" in stderr


def test_a_program_that_is_not_there_is_reported_as_the_shell_reports_it(shell: str):
    result, memory = launch(shell, "/nonexistent/program")
    assert result.exit_code == 127
    assert b"/nonexistent/program" in result.stderr
    assert isinstance(memory, Missing)


def test_a_program_shorter_than_the_interval_gives_the_reason(shell: str):
    result, memory = launch(shell, "/bin/true", interval_s=0.5)
    assert result.exit_code == 0
    assert memory == Missing(
        reason="the program ended before the first look, after 0.5 s"
    )


def test_it_ends_when_its_program_ends_and_not_at_the_next_look(shell: str):
    began = time.monotonic()
    result, memory = python(shell, "import time; time.sleep(.2)", interval_s=30)
    assert time.monotonic() - began < 15
    assert result.exit_code == 0
    assert isinstance(memory, Missing)


def test_the_program_has_no_child_that_it_does_not_know(shell: str):
    code = "import os\ntry: print(os.wait())\nexcept ChildProcessError: print('none')"
    result, _ = python(shell, code)
    assert result.stdout == b"none\n"


def test_without_a_place_for_its_pipe_it_looks_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    for shell in filter(None, map(shutil.which, SHELLS)):
        result, memory = python(shell, "import time; time.sleep(.3)")
        assert (result.exit_code, result.stderr) == (0, b"")
        assert isinstance(memory, SampledMemory)


def test_nothing_stays_behind(shell: str):
    token = new_token()
    code = "import time; time.sleep(.2)"
    command = wrap(Command(argv=(sys.executable, "-c", code)), token=token, shell=shell)
    done = subprocess.run(command.argv, capture_output=True, timeout=60)
    assert token.encode() in done.stderr
    assert not [line for line in command_lines() if token.encode() in line]


def command_lines() -> list[bytes]:
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            lines.append((folder / "cmdline").read_bytes())
    return lines


@pytest.mark.parametrize(
    "name", [pytest.param("mksh", marks=pytest.mark.needs("mksh")), "bash"]
)
def test_androids_shell_and_bash_look_without_starting_a_process_each_time(name):
    shell = shutil.which(name)
    assert shell
    _, memory = python(shell, "import time; time.sleep(1)", interval_s=0.02)
    assert isinstance(memory, SampledMemory)
    assert memory.count >= 20
    assert memory.cost_ns is not None
    assert memory.cost_ns < 0.2e9
    assert "$(sleep" not in script()


def test_without_a_report_the_result_is_left_as_it_is():
    result = CommandResult(stdout=b"", stderr=b"Killed\n", exit_code=137)
    own, memory = unwrap(result, token="@@x")
    assert own == result
    assert isinstance(memory, Missing)


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_any_report_is_taken_or_refused_and_never_raises(report: bytes, own: bytes):
    token = "@@0123456789abcdef"
    good = f"7\n{token} 12.5 100 90 5\n{token} times\n0m0.01s 0m0.02s\n0m0s".encode()
    for text in (report, good[: len(report)] + report, good + report):
        stderr = own + f"\n{token} count ".encode() + text
        result, memory = unwrap(
            CommandResult(stdout=b"", stderr=stderr, exit_code=0), token=token
        )
        assert result.stderr == own
        if isinstance(memory, SampledMemory):
            assert 0 < memory.peak_bytes <= 2**45


def test_the_report_adds_resident_and_swapped_memory():
    token = "@@t"
    report = (
        f"own\n{token} count 3\n{token} 1.00 1000 900 0\n{token} 2.00 1000 400 800\n"
        f"{token} times\n0m0.01s 0m0.02s\n0m0.30s 1m0.00s\n"
    )
    own, memory = unwrap(
        CommandResult(stdout=b"", stderr=report.encode(), exit_code=0), token=token
    )
    assert own.stderr == b"own"
    assert isinstance(memory, SampledMemory)
    assert memory.peak_bytes == 1200 * 1024
    assert max(sample.swap_bytes for sample in memory.samples) == 800 * 1024
    assert memory.cost_ns == 60_330_000_000
    exact = report.replace(f"{token} times", f"{token} ran 7000\n{token} times")
    _, memory = unwrap(
        CommandResult(stdout=b"", stderr=exact.encode(), exit_code=0), token=token
    )
    assert isinstance(memory, SampledMemory)
    assert memory.cost_ns == 60_300_007_000
