"""Trials made of real launches that pocketbench recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from judging.noise import Array, Dealt
from judging.pairs import ALPHA, MIN_EFFECT, evidences

from pocketbench.bench.judge.generation import generation_values
from pocketbench.bench.judge.summary import Verdict
from pocketbench.bench.judge.valid_launches import counted_launches
from pocketbench.bench.judge.verdicts import corrected, verdict
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.store import FILE_NAME


def recorded_cells(folder: Path, fewest: int) -> Iterator[tuple[str, Array]]:
    """Latencies of every cell with that many launches of one length, in time."""
    for path in sorted(folder.rglob(FILE_NAME)):
        run = read_run(path.parent)
        for key, launches in counted_launches(run).items():
            rows = [launch.measurement.latencies_ns for launch in launches]
            if len(rows) >= fewest and len({len(row) for row in rows}) == 1 and rows[0]:
                name = f"{run.started.run_id}: {key.model} {key.variant_id} on "
                yield name + key.device_id, np.array(rows, dtype=np.float64)


def recorded_generations(folder: Path, fewest: int) -> Iterator[tuple[str, Array]]:
    """Times of every cell with that many generations: by decoded token, to the first.

    Each is (launches, 1), in order of time.
    """
    for path in sorted(folder.rglob(FILE_NAME)):
        run = read_run(path.parent)
        for key, launches in counted_launches(run).items():
            made = [generation_values(x.measurement.generation) for x in launches]
            if len(made) < fewest or not all("inter_token_ns" in x for x in made):
                continue
            for what, values in (
                ("decode", [1e9 / x["decode_tokens_per_s"] for x in made]),
                ("first token", [x["time_to_first_token_ns"] for x in made]),
            ):
                name = f"{run.started.run_id}: {key.model} {key.variant_id} {what}"
                yield name, np.array(values)[:, None]


def family_alarms(cells: list[Array], blocks: int, families: int) -> float:
    """Share of A/A runs of all the cells together in which any verdict says a change.

    In one family the cells have the same stretch of launches and the same order, as
    metrics of one run have.
    """
    deals = [dealt(cell, blocks, families) for cell in cells]
    found = [
        list(evidences(each._replace(a=each.a[..., 0], b=each.b[..., 0])))
        for each in deals
    ]
    alarms = 0
    for family in zip(*found, strict=True):
        q_values = corrected([evidence.p_value for evidence in family])
        alarms += any(
            verdict(evidence, q, min_effect=MIN_EFFECT, alpha=ALPHA)
            in (Verdict.REGRESSION, Verdict.IMPROVEMENT)
            for evidence, q in zip(family, q_values, strict=True)
        )
    return alarms / families


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
