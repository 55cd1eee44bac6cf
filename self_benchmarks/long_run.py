"""How time and memory of a report grow with the launches of one run.

Stored runs of one model in two variants on one phone, with up to 1,000,000 launches of
three iterations each. Counted is the processor time of `pocketbench report RUN`.
Aims: ten times the launches take at most twelve times as long, and a million at most
2 GiB.
Run: python self_benchmarks/long_run.py [LAUNCHES ...]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np
from report import artifact, ready

from pocketbench.bench.measure.store import Store
from pocketbench.bench.records.launch import Launch, Measurement
from pocketbench.bench.records.plan import ModelRequest, Plan, Variant, Workload
from pocketbench.bench.records.run import ArtifactReady, RunEnded, RunStarted

PROGRAM = Path(sys.executable).with_name("pocketbench")
DEVICE, MODEL, VARIANTS = "android:phone", "net", ("float32", "int8-static")
SIZES = (10_000, 100_000, 1_000_000)
MOST_GROWTH, MOST_BYTES = 12.0, 2 << 30


def main() -> None:
    """Print each size, and fail beyond the aims."""
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    spent = [_spent(launches) for launches in sizes]
    for launches, (seconds, peak_bytes) in zip(sizes, spent, strict=True):
        print(
            f"{launches:>9,} launches: {seconds:7.1f} s of CPU, "
            f"{peak_bytes / 2**20:5.0f} MiB"
        )
    growth = [
        (after[0] / before[0]) / (large / small) * 10
        for small, large, before, after in zip(
            sizes, sizes[1:], spent, spent[1:], strict=False
        )
    ]
    if max(growth, default=0) > MOST_GROWTH or spent[-1][1] > MOST_BYTES:
        sys.exit("beyond the aims")


def _spent(launches: int) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as name:
        _write(Path(name), launches)
        child = subprocess.Popen([PROGRAM, "report", name], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"the report of {launches} launches failed")
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _write(folder: Path, launches: int) -> None:
    blocks = launches // len(VARIANTS)
    plan = Plan(
        models=(ModelRequest(name=MODEL, source="nets:net", variants=VARIANTS),),
        variants=tuple(
            Variant(id=x, model=MODEL, name=x, is_baseline=x == VARIANTS[0])
            for x in VARIANTS
        ),
        device_selectors=(DEVICE,),
        workload=Workload(blocks=blocks, iterations=3, warmup_iterations=1),
    )
    random = np.random.default_rng(0)
    with Store(folder) as store:
        store.append(
            RunStarted(
                run_id=folder.name,
                started_at="2026-01-01T00:00:00.000+00:00",
                plan=plan,
                command=(),
                versions={"pocketbench": "generated"},
            )
        )
        for variant in VARIANTS:
            store.append(ArtifactReady(artifact=artifact(MODEL, variant)))
        store.append(ready(DEVICE))
    encode = msgspec.json.Encoder().encode
    # As of an earlier version, without a checksum: a million appends take minutes.
    with (folder / "run.jsonl").open("ab") as file:
        for block in range(blocks):
            for position, variant in enumerate(VARIANTS):
                times_ns = (random.normal(5e6, 1e5, 3) * (1 - position / 50)).tolist()
                file.write(encode(_launch(variant, block, position, times_ns)) + b"\n")
        file.write(
            encode(RunEnded(ended_at="2026-01-02T00:00:00+00:00", outcome="finished"))
        )


def _launch(variant: str, block: int, position: int, times_ns: list[float]) -> Launch:
    seconds = block * 2 + position
    clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return Launch(
        device_id=DEVICE,
        model=MODEL,
        variant_id=variant,
        artifact_sha256="ab12" * 16,
        runner="lite",
        block=block,
        attempt=0,
        position=position,
        started_at=f"2026-01-{1 + seconds // 86400 % 28:02}T{clock}.000+00:00",
        wall_ns=1_000_000_000,
        measurement=Measurement(latencies_ns=tuple(round(x) for x in times_ns)),
    )


if __name__ == "__main__":
    main()
