"""Are equal builds called different, by how memory happens to be placed?

Measures six of them (placed/equal_builds.py, MobileNetV2 in float32) in the same blocks
on this computer, once with tensors where the C library puts them (--heap system) and
once with the runner's own placement (--heap steady), and prints each build's latency
and peak memory over those of the first, as in the reports.

Aim: no verdict but "no change" or "inconclusive" with --heap steady.
Run: python self_benchmarks/placement.py [--blocks 12]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

BUILDS = [f"equal_builds:build_{number}" for number in range(6)]
PROGRAM = Path(sys.executable).with_name("pocketbench")


def measured(heap: str, blocks: int) -> list[dict[str, Any]]:
    """What the report says of each build beside the first, both metrics."""
    baseline, *candidates = BUILDS
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(PROGRAM, "run", "--baseline", baseline),
                *(word for name in candidates for word in ("--candidate", name)),
                *("--input", "1x3x224x224", "--device", "host", "--heap", heap),
                *("--blocks", str(blocks), "--gate-on", "latency,peak_memory"),
                *("--fail-on", "never", "--json"),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent / "placed")},
            stdout=subprocess.PIPE,
            check=True,
        )
    document = json.loads(done.stdout)
    return [c for c in document["comparisons"] if c["verdict"] is not None]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, default=12)
    blocks = parser.parse_args().blocks
    for heap in ("system", "steady"):
        comparisons = measured(heap, blocks)
        print(f"--heap {heap}, {blocks} blocks")
        for found in comparisons:
            ratio = found["candidate_over_baseline"]
            print(
                f"  {found['metric']:<15} {found['candidate']:<12} "
                f"{ratio['point']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}] "
                f"{found['verdict']}"
            )
        wrong = [
            c for c in comparisons if c["verdict"] in ("regression", "improvement")
        ]
        print(f"  {len(wrong)} of {len(comparisons)} distinguished")


if __name__ == "__main__":
    main()
