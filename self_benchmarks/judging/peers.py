"""Other detectors of steps, in environments of their own.

They are peers to be measured beside ours, not dependencies: otava pins old versions of
numpy and scipy. Their settings are their defaults; asv's regressions count from 5 %.
PELT is ruptures' with the penalty of the Bayesian information criterion three times,
for it leaves that to its users; perfherder's rule is written out, for it is part of a
web application: t above 7 between the 12 to 24 values before and the 12 after, weighted
by nearness, where that is largest.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
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
_PELT = """
import json, sys
import numpy as np
import ruptures
for line in sys.stdin:
    values = np.array(json.loads(line))
    if values.min() > 0:
        values = np.log(values)
    scale = 1.4826 / 2**0.5 * np.median(np.abs(np.diff(values))) or 1.0
    if len(values) < 8:
        print([])
        continue
    search = ruptures.KernelCPD(kernel="linear", min_size=4).fit(values / scale)
    found = search.predict(pen=3 * 2 * np.log(len(values)))[:-1]
    print(json.dumps([int(place) for place in found]))
"""
_PACKAGES = {
    "asv": "asv==0.6.6",
    "otava": "apache-otava==0.8.0",
    "ruptures": "ruptures==1.1.10",
}
_FEWEST_BACK, _MOST_BACK, _FORWARD, _LEAST_T = 12, 24, 12, 7.0


def peers() -> dict[str, Detector]:
    """Detectors by name; makes their environments on first use.

    Raises:
        subprocess.CalledProcessError: pip could not install a peer.
    """
    asv, otava, ruptures = map(_environment, _PACKAGES)
    return {
        "asv steps": partial(_ask, asv, _ASV, "steps"),
        "asv regressions 5 %": partial(_ask, asv, _ASV, "regressions"),
        "otava": partial(_ask, otava, _OTAVA, ""),
        "PELT": partial(_ask, ruptures, _PELT, ""),
        "perfherder's rule": perfherder,
    }


def perfherder(series: list[list[float]]) -> list[list[int]]:
    """Mozilla perfherder's rule: the largest weighted t above 7, then the next."""
    return [_by_perfherder(np.array(values)) for values in series]


def _by_perfherder(values: npt.NDArray[np.float64]) -> list[int]:
    strength = np.zeros(len(values))
    for place in range(_FEWEST_BACK, len(values) - _FORWARD + 1):
        back = values[max(0, place - _MOST_BACK) : place][::-1]
        strength[place] = _weighted_t(back, values[place : place + _FORWARD])
    found = []
    for place in np.argsort(-strength):
        if strength[place] <= _LEAST_T:
            break
        if all(abs(place - other) >= _FORWARD for other in found):
            found.append(int(place))
    return sorted(found)


def _weighted_t(back: npt.NDArray[np.float64], ahead: npt.NDArray[np.float64]) -> float:
    """Welch's t of two windows, of which the nearest values weigh most."""
    parts = []
    for side in (back, ahead):
        weights = np.arange(len(side), 0, -1) / len(side)
        mean = float(np.average(side, weights=weights))
        variance = float(np.average((side - mean) ** 2, weights=weights))
        parts.append((mean, variance / (len(side) - 1)))
    (before, first), (after, second) = parts
    return abs(after - before) / max((first + second) ** 0.5, 1e-12)


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
