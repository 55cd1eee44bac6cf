"""A run killed at any instant is resumed with nothing lost, done twice or left."""

import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 10


@pytest.mark.slow
@pytest.mark.needs("compiler", "namespaces", "mksh", "toybox")
def test_a_run_of_two_phones_survives_being_killed_at_seeded_instants():
    done = subprocess.run(
        [sys.executable, "-m", "tests.main_job.kill_anywhere", str(KILLS)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(": 0 with faults")
