"""Trials made of real launches that pocketbench recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from judging.noise import Array, Dealt

from pocketbench.bench.judge.valid_launches import counted_launches
from pocketbench.bench.measure.store import FILE_NAME, read_run


def recorded_cells(folder: Path, fewest: int) -> Iterator[tuple[str, Array]]:
    """Latencies of every cell with that many launches of one length, in time."""
    for path in sorted(folder.rglob(FILE_NAME)):
        run = read_run(path.parent)
        for key, launches in counted_launches(run).items():
            rows = [launch.measurement.latencies_ns for launch in launches]
            if len(rows) >= fewest and len({len(row) for row in rows}) == 1 and rows[0]:
                name = f"{run.started.run_id}: {key.model} {key.variant_id} on "
                yield name + key.device_id, np.array(rows, dtype=np.float64)


def dealt(launches: Array, blocks: int, trials: int) -> Dealt:
    """Deal stretches of launches, in order of time, to a and b in random AB/BA blocks.

    All launches are of one program, so nothing differs. Trials share launches: their
    rates are less sure than as many independent ones.
    """
    random = np.random.default_rng(len(launches))
    starts = random.integers(0, len(launches) - 2 * blocks + 1, trials)
    swapped = random.integers(0, 2, (trials, blocks))
    first = starts[:, None] + 2 * np.arange(blocks)
    return Dealt(launches[first + swapped], launches[first + 1 - swapped], 1 - swapped)
