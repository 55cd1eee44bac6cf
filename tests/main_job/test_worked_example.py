"""examples/catch-five-percent, as the README shows it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("pocketbench")
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
@pytest.mark.needs("compiler", "namespaces", "bubblewrap")
@pytest.mark.timeout(3600)
def test_five_percent_are_caught_and_no_change_is_left_alone(private_adb, user):
    done = subprocess.run(
        [EXAMPLES / "catch-five-percent", "--report", "json"],
        cwd=user.folder,
        env={**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=3000,
    )

    assert done.returncode == 0, (done.stdout, done.stderr)
    unchanged, slower = (
        json.loads(path.read_text()) for path in sorted(user.runs.glob("*/report.json"))
    )
    by_device = {
        c["device_id"]: c for c in slower["comparisons"] if c["verdict"] is not None
    }
    assert set(by_device) == {"host", "simulated:pixel-8"}
    for comparison in by_device.values():
        assert comparison["verdict"] == "regression"
        assert 1.02 < comparison["candidate_over_baseline"]["point"] < 1.09
    assert unchanged["verdicts"]["regression"] == 0
