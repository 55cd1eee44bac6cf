"""A user's folder with a tiny model in it, and the real command line."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import msgspec
import pytest

from pocketbench.bench.measure.run_folder import read_run
from tests.main_job.warm_program import run_warm
from tests.phones import free_port

PROGRAM = Path(sys.executable).with_name("pocketbench")

LEASED_RUN = (
    *("run", "nets:net", "--input", "1x3x16x16", "--variant", "float32"),
    # Its program is small: 400 MB of torch take long on a busy computer, or a tunnel.
    *("--engine", "executorch"),
    *("--iterations", "3", "--warmup", "1", "--min-duration", "300ms"),
    *("--no-cooldown", "--blocks", "2", "--lab"),
)
"""A run on leased phones; the lab's address comes after it."""

MODELS = Path(__file__).parent / "models"
"""Importable by every user here. In one place, so that each is exported only once."""


class User:
    """Types pocketbench commands in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.runs = folder / "runs"
        self._started = []

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def types(self, *argv, timeout_s=500, **environment):
        """Run to the end; the result has returncode, stdout, stderr."""
        return run_warm(
            [PROGRAM, *argv],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(MODELS), **environment},
            timeout_s=timeout_s,
        )

    def starts(self, *argv, **environment):
        """Start in a process group of its own, for killing and Ctrl-C."""
        process = subprocess.Popen(
            [str(PROGRAM), *argv],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(MODELS), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def leaves(self):
        """End what still runs of what was started, politely first."""
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=120)
            with process:
                if process.poll() is None:
                    process.kill()

    def measures(self, *argv, **more):
        """`pocketbench run` of a short job that must succeed; the stored run."""
        done = self.types("run", *argv, *SHORT, **more)
        assert done.returncode == 0, done.stderr
        return self.last_run()

    def launches_so_far(self, device_id=""):
        """How many launches the run that goes on now has stored."""
        found = sorted(self.runs.glob("*/run.jsonl")) if self.runs.exists() else []
        lines = found[-1].read_bytes().splitlines() if found else []
        wanted = f'"device_id":"{device_id}'.encode()
        return sum(b'"record":"launch"' in x and wanted in x for x in lines)

    def waits_for_launches(self, process, count, device_id=""):
        """Wait until a run that was started has stored so many launches."""
        while self.launches_so_far(device_id) < count:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)

    def last_run(self):
        (*_, folder) = sorted(self.runs.iterdir())
        return read_run(folder)

    def records(self, kind):
        """Raw records of one kind in the last run's file, as they stand there."""
        (*_, folder) = sorted(self.runs.iterdir())
        lines = (folder / "run.jsonl").read_bytes().splitlines()
        found = [msgspec.json.decode(line) for line in lines]
        return [record for record in found if record["record"] == kind]


SHORT = ("--iterations", "3", "--warmup", "1", "--blocks", "2")


@pytest.fixture
def user(tmp_path):
    user = User(tmp_path)
    yield user
    user.leaves()


@pytest.fixture
def ctrl_c():
    """Press Ctrl-C: the signal goes to the whole group, as from a terminal."""

    def press(process):
        os.killpg(process.pid, signal.SIGINT)

    return press


@pytest.fixture
def private_adb(monkeypatch):
    """An adb server of the test's own, ended with it."""
    import adbutils

    port = str(free_port())
    for name, value in {
        "ANDROID_ADB_SERVER_PORT": port,
        "ADB_USB": "0",
        "ADB_EMU": "0",
    }.items():
        monkeypatch.setenv(name, value)
    yield
    subprocess.run(
        [adbutils.adb_path(), "-P", port, "kill-server"], capture_output=True
    )
