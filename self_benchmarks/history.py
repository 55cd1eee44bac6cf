"""How long `pocketbench history changes` takes over a million stored launches.

1,000 cells, 100 runs of 10 launches each with 50 iterations, compacted. Aims: at most
10 s and 1 GiB. Beside it, in turn, the bare query that any answer must begin with: each
run's median from the same Parquet files. Run: python self_benchmarks/history.py
"""

from __future__ import annotations

import datetime
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from pocketbench.bench.history.compact import compact
from pocketbench.bench.history.stored import StoredLaunch

PROGRAM = Path(sys.executable).with_name("pocketbench")
DEVICES, MODELS, VARIANTS, RUNS, LAUNCHES, ITERATIONS = 10, 25, 4, 100, 10, 50
MOST_SECONDS, MOST_BYTES = 10.0, 2**30
TIMES = 3

BARE_QUERY = """
import duckdb, sys
duckdb.sql("SELECT model, variant, device, run_id, median(latency_ns) "
           f"FROM read_parquet('{sys.argv[1]}/*/*/*.parquet') GROUP BY ALL").fetchall()
"""


class Spent(NamedTuple):
    """What one process took."""

    seconds: float
    peak_bytes: int


def main() -> None:
    """Print both, and fail beyond the aims."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "history"
        begin = time.perf_counter()
        launches = _fill(folder)
        print(f"{launches:,} launches written in {time.perf_counter() - begin:.0f} s")
        begin = time.perf_counter()
        compact(folder)
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        seconds = time.perf_counter() - begin
        print(f"compacted in {seconds:.0f} s to {size / 2**20:.0f} MiB")
        ours, bare = [], []
        for _ in range(TIMES):
            ours.append(
                _spent(str(PROGRAM), "history", "changes", "--history", str(folder))
            )
            bare.append(_spent(sys.executable, "-c", BARE_QUERY, str(folder)))
    print(f"{'':<28}{'median s':>10}{'worst s':>10}{'peak MiB':>10}")
    for title, spent in (("history changes", ours), ("bare query", bare)):
        seconds = sorted(one.seconds for one in spent)
        peak = max(one.peak_bytes for one in spent)
        print(
            f"{title:<28}{seconds[len(seconds) // 2]:>10.2f}{seconds[-1]:>10.2f}"
            f"{peak / 2**20:>10.0f}"
        )
    if (
        min(one.seconds for one in ours) > MOST_SECONDS
        or max(one.peak_bytes for one in ours) > MOST_BYTES
    ):
        sys.exit(f"more than {MOST_SECONDS:g} s or {MOST_BYTES / 2**30:g} GiB")


def _spent(*argv: str) -> Spent:
    """Run to the end and take the kernel's account of it."""
    begin = time.perf_counter()
    process = os.posix_spawn(
        argv[0],
        argv,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"{argv[0]} failed with {os.waitstatus_to_exitcode(status)}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Spent(seconds, usage.ru_maxrss * unit)


def _fill(folder: Path) -> int:
    """Write the runs as `history add` does: one file per run and device."""
    random = np.random.default_rng(1)
    encoder = msgspec.json.Encoder()
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    written = 0
    for run in range(RUNS):
        began = (start + datetime.timedelta(days=run)).isoformat()
        for device in range(DEVICES):
            path = folder / f"phone-{device}" / began[:7] / f"run-{run:04}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [
                encoder.encode(launch)
                for launch in _launches(random, f"run-{run:04}", began, device, run)
            ]
            written += len(lines)
            path.write_bytes(b"\n".join(lines) + b"\n")
    return written


def _launches(
    random: np.random.Generator, run_id: str, began: str, device: int, run: int
) -> list[StoredLaunch]:
    cells = [(m, v) for m in range(MODELS) for v in range(VARIANTS)]
    levels = np.array([1e6 * (1 + m) * (1 + v / 4) for m, v in cells])
    # In every twentieth cell of the middle a step of 8 %.
    slowed = (np.arange(len(cells)) % 20 == 0) & (run >= RUNS // 2)
    levels = levels * np.where(slowed, 1.08, 1.0)
    of_launch = levels[:, None] * random.normal(1, 0.03, (len(cells), LAUNCHES))
    noise = np.abs(random.normal(1, 0.05, (len(cells), LAUNCHES, ITERATIONS)))
    latencies = (of_launch[:, :, None] * noise).astype(np.int64)
    medians = np.median(latencies, axis=2)
    tails = np.percentile(latencies, 90, axis=2)
    return [
        StoredLaunch(
            run_id=run_id,
            run_started_at=began,
            commit=f"{run:040x}",
            device=f"phone-{device}",
            device_name=f"Phone {device}",
            imitation=None,
            os_build="Android 15",
            runtime="lite torch 2.13.0",
            torch="2.13.0",
            model=f"model-{model}",
            variant=f"variant-{variant}",
            threads=1,
            artifact_sha256="0" * 64,
            block=block,
            position=variant,
            started_at=began,
            shape="flat",
            latency_ns=float(medians[place, block]),
            p90_latency_ns=float(tails[place, block]),
            p99_latency_ns=None,
            throughput_per_s=1e9 / float(medians[place, block]),
            load_ns=4e7,
            first_latency_ns=3 * float(medians[place, block]),
            peak_rss_bytes=1e8,
            model_rss_bytes=2e7,
            warmup_latencies_ns=(),
            latencies_ns=tuple(latencies[place, block].tolist()),
        )
        for place, (model, variant) in enumerate(cells)
        for block in range(LAUNCHES)
    ]


if __name__ == "__main__":
    main()
