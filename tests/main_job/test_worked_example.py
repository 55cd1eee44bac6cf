"""examples/catch-five-percent, as the README shows it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("pocketbench")
EXAMPLES = Path(__file__).parents[2] / "examples"


MAY_BE_WRONG_ONCE = 2
"""Real noise makes a sound verdict wrong now and then, as its error rates say; one that
is wrong twice in a row has a fault."""


@pytest.mark.slow
@pytest.mark.needs("compiler", "namespaces", "bubblewrap")
@pytest.mark.timeout(3600)
def test_five_percent_are_caught_and_no_change_is_left_alone(private_adb, user):
    for _ in range(MAY_BE_WRONG_ONCE):
        done = subprocess.run(
            [EXAMPLES / "catch-five-percent", "--report", "json"],
            cwd=user.folder,
            env={**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=1700,
        )
        if done.returncode != 1:
            break

    assert done.returncode == 0, (done.stdout, done.stderr)
    unchanged, slower = (
        json.loads(path.read_text())
        for path in sorted(user.runs.glob("*/report.json"))[-2:]
    )
    by_device = {
        c["device_id"]: c for c in slower["comparisons"] if c["verdict"] is not None
    }
    assert set(by_device) == {"host", "simulated:pixel-8"}
    for comparison in by_device.values():
        assert comparison["verdict"] == "regression"
        assert _is_around_five_percent(comparison["candidate_over_baseline"])
    assert unchanged["verdicts"]["regression"] == 0


def _is_around_five_percent(ratio):
    # On a busy computer the point itself strays further; its interval shows that.
    return ratio["low"] < 1.07 and ratio["high"] > 1.03
