"""A user's folder with a tiny model in it, and the real command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest

from bench.measure.store import read_run

PROGRAM = Path(sys.executable).with_name("pocketbench")

TINY_NET = """
    import torch
    from torch import nn

    def net():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
        )
"""


class User:
    """Types pocketbench commands in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.runs = folder / "runs"

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def types(self, *argv, timeout_s=240, **environment):
        """Run to the end; the result has returncode, stdout, stderr."""
        return subprocess.run(
            [str(PROGRAM), *argv],
            cwd=self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def starts(self, *argv, **environment):
        """Start in a process group of its own, for killing and Ctrl-C."""
        return subprocess.Popen(
            [str(PROGRAM), *argv],
            cwd=self.folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def measures(self, *argv, **more):
        """`pocketbench run` of a short job that must succeed; the stored run."""
        done = self.types("run", *argv, *SHORT, **more)
        assert done.returncode == 0, done.stderr
        return self.last_run()

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
    user.write("nets.py", TINY_NET)
    return user


@pytest.fixture
def ctrl_c():
    """Press Ctrl-C: the signal goes to the whole group, as from a terminal."""

    def press(process):
        os.killpg(process.pid, signal.SIGINT)

    return press
