"""asv's and otava's detectors of steps, in environments of their own.

They are peers to be measured beside ours, not dependencies: otava pins old versions of
numpy and scipy. Their settings are their defaults; asv's regressions count from 5 %.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from judging.histories import Detector

_ASV = """
import json, sys
from asv.step_detect import detect_steps, detect_regressions
for line in sys.stdin:
    steps = detect_steps(json.loads(line))
    if sys.argv[1] == "steps":
        places = [left for left, *_ in steps[1:]]
    else:
        found = detect_regressions(steps, threshold=0.05)[2] or []
        places = [after for _, after, *_ in found]
    print(json.dumps(places))
"""
_OTAVA = """
import json, sys
from otava.analysis import compute_change_points
for line in sys.stdin:
    found, _ = compute_change_points(json.loads(line))
    print(json.dumps(sorted(int(point.index) for point in found)))
"""
_PACKAGES = {"asv": "asv==0.6.6", "otava": "apache-otava==0.8.0"}


def peers() -> dict[str, Detector]:
    """Detectors by name; makes their environments on first use.

    Raises:
        subprocess.CalledProcessError: pip could not install a peer.
    """
    asv, otava = (_environment(name) for name in ("asv", "otava"))
    return {
        "asv steps": partial(_ask, asv, _ASV, "steps"),
        "asv regressions 5 %": partial(_ask, asv, _ASV, "regressions"),
        "otava": partial(_ask, otava, _OTAVA, ""),
    }


def _environment(name: str) -> Path:
    """The Python of a peer's own virtual environment."""
    folder = Path(tempfile.gettempdir()) / "pocketbench-peers" / _PACKAGES[name]
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", _PACKAGES[name]], check=True
        )
        ready.touch()
    return python


def _ask(
    python: Path, program: str, what: str, series: list[list[float]]
) -> list[list[int]]:
    lines = "".join(json.dumps(values) + "\n" for values in series)
    done = subprocess.run(
        [python, "-c", program, what],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
