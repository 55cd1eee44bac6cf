"""The tables: what is measured, in which order, and how it is printed."""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import numpy as np
from judging.fleets import fleet_rates
from judging.histories import SETTINGS, Detector, kind_rates, ours
from judging.monitoring import (
    PASTS,
    any_look_rate,
    flagged_rate,
    several_levels,
    step_rate,
)
from judging.noise import PAIRED_KINDS, Array
from judging.pairs import (
    CELLS,
    Rates,
    Settled,
    family_rate,
    judged_rates,
    point_errors,
    rates,
    unpaired_alarms,
    until_settled,
)
from judging.peers import peers
from judging.recorded import (
    dealt,
    family_alarms,
    recorded_cells,
    recorded_generations,
)
from judging.unsteady import HISTORY_KINDS, TWO_SPEEDS, WANDERING

from pocketbench.bench.records.interim_analyses import LOOKS

EFFECTS = (0.0, 0.02, 0.05, 0.10)
BLOCKS = (6, 10, 20)
PHONES = (3, 5, 8)
VARIATIONS = (0.005, 0.01, 0.02, 0.05, 0.10)
PEER_TRIALS = 100
FAMILIES = 200


def main() -> int:
    """Print every table."""
    parser = argparse.ArgumentParser(description="Error rates of the verdicts.")
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--runs", type=Path, help="folder with stored runs")
    parser.add_argument(
        "--peers", action="store_true", help="detectors of other projects, too"
    )
    parser.add_argument(
        "--only", action="append", choices=TABLES, help="may be given again"
    )
    asked = parser.parse_args()
    began = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        print(
            f"Shares of {asked.trials} trials; standard error at 5 %: {_error(asked)}"
        )
        for name in asked.only or TABLES:
            TABLES[name](pool, asked.trials)
        if asked.peers:
            _peers(pool, asked.trials)
    if asked.runs:
        _recorded(asked.runs, asked.trials)
        _generated(asked.runs)
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0


def _error(asked: argparse.Namespace) -> str:
    return f"{(0.05 * 0.95 / asked.trials) ** 0.5:.4f}"


def _pairs(pool: Executor, trials: int) -> None:
    """False alarms, power and coverage, by kind and effect, at 10 blocks."""
    _pairs_of(pool, trials, (10,))


def _other_blocks(pool: Executor, trials: int) -> None:
    """The same at other numbers of blocks."""
    _pairs_of(pool, trials, (6, 20))


def _pairs_of(pool: Executor, trials: int, counts: Sequence[int]) -> None:
    for blocks in counts:
        asked = list(itertools.product(PAIRED_KINDS, EFFECTS))
        found = pool.map(
            rates,
            [kind for kind, _ in asked],
            [blocks] * len(asked),
            [effect for _, effect in asked],
            [trials] * len(asked),
        )
        _print_rates(
            f"{blocks} blocks: called slower at a true +0 / +2 / +5 / +10 %",
            dict(zip(asked, found, strict=True)),
        )


def _print_rates(title: str, found: dict[tuple[str, float], Rates]) -> None:
    kinds = list(dict.fromkeys(kind for kind, _ in found))
    tests = list(next(iter(found.values())).called)
    rows = []
    for kind in kinds:
        of_kind = [found[kind, effect] for effect in EFFECTS]
        row = [" ".join(_share(r.called[test]) for r in of_kind) for test in tests]
        rows.append([kind, *row, " ".join(_share(r.covered) for r in of_kind)])
    _print(title, ["noise", *tests, "our 95 % covers"], rows)


def _families(pool: Executor, trials: int) -> None:
    """Families of cells in which nothing differs."""
    asked = list(itertools.product(PAIRED_KINDS, (10,)))
    found = pool.map(
        family_rate,
        [kind for kind, _ in asked],
        [blocks for _, blocks in asked],
        [trials] * len(asked),
    )
    _print(
        f"Families of {CELLS} unchanged cells with a confirmed regression, 10 blocks",
        ["noise", "corrected together", "each alone"],
        [
            [kind, *map(_share, shares)]
            for (kind, _), shares in zip(asked, found, strict=True)
        ],
    )


def _settling(pool: Executor, trials: int) -> None:
    """Blocks until settled against a fixed number, and false alarms on the way."""
    asked = list(itertools.product(VARIATIONS, (*EFFECTS, 0.2)))
    found = pool.map(
        _settle_normal,
        [variation for variation, _ in asked],
        [effect for _, effect in asked],
        [trials] * len(asked),
    )
    rows = [
        [f"{variation:.1%}", f"{effect:.0%}", *_settled_row(settled)]
        for (variation, effect), settled in zip(asked, found, strict=True)
    ]
    head = ["blocks used", "regression", "p < 0.05", "no change"]
    _print(
        f"Until settled, looks at {LOOKS}; blocks as a share of a fixed {LOOKS[-1]}",
        ["launch variation", "true effect", *head],
        rows,
    )
    for effect in (0.0, 0.02):
        kinds = pool.map(
            _settle_kind,
            PAIRED_KINDS,
            [effect] * len(PAIRED_KINDS),
            [trials] * len(PAIRED_KINDS),
        )
        _print(
            f"Until settled at a true {effect:+.0%}",
            ["noise", *head],
            [
                [kind, *_settled_row(settled)]
                for kind, settled in zip(PAIRED_KINDS, kinds, strict=True)
            ],
        )


def _settle_normal(variation: float, effect: float, trials: int) -> Settled:
    random = np.random.default_rng([round(1e4 * variation), round(1e4 * effect)])
    return until_settled(random.normal(0, variation, (trials, 2 * LOOKS[-1])), effect)


def _settle_kind(kind: str, effect: float, trials: int) -> Settled:
    random = np.random.default_rng(len(kind))
    levels = PAIRED_KINDS[kind](random, (trials, 2 * LOOKS[-1]))
    return until_settled(levels, effect)


def _points(pool: Executor, trials: int) -> None:
    """Bias and error of estimators of the ratio."""
    for blocks in BLOCKS:
        found = list(
            pool.map(
                point_errors,
                PAIRED_KINDS,
                [blocks] * len(PAIRED_KINDS),
                [trials] * len(PAIRED_KINDS),
            )
        )
        names = list(found[0].bias)
        _print(
            f"Estimators of an unchanged ratio, {blocks} blocks: bias, root mean "
            "square error in percent",
            ["noise", *names],
            [
                [
                    kind,
                    *(f"{e.bias[n]:+.2f}, {e.root_mean_square[n]:.2f}" for n in names),
                ]
                for kind, e in zip(PAIRED_KINDS, found, strict=True)
            ],
        )


def _settled_row(settled: Settled) -> list[str]:
    return [f"{settled.blocks:.2f}", *map(_share, settled[1:])]


def _histories(pool: Executor, trials: int) -> None:
    """Change points of ours at one look."""
    kinds = list(HISTORY_KINDS)
    found = pool.map(kind_rates, [ours] * len(kinds), kinds, [trials] * len(kinds))
    rows = [[rates[0].kind, *(_share(rate.share) for rate in rates)] for rates in found]
    settings = [
        f"+{effect:.0%}, {after} after" if after else "alarms, nothing changed"
        for effect, after in SETTINGS
    ]
    _print("Histories of 60 points, ours", ["noise", *settings], rows)


def _looks(pool: Executor, trials: int) -> None:
    """Confirmed slowdowns of ours when every third run is followed by a look."""
    _monitoring(pool, {"ours": ours}, trials, every=3)
    flagged = pool.map(flagged_rate, HISTORY_KINDS, [trials] * len(HISTORY_KINDS))
    _print(
        "Reported as two speeds after 60 runs",
        ["noise", "share"],
        [[k, _share(s)] for k, s in zip(HISTORY_KINDS, flagged, strict=True)],
    )


def _every_look(pool: Executor, trials: int) -> None:
    """Confirmed slowdowns of ours when every run is followed by a look."""
    kinds = [*WANDERING, *TWO_SPEEDS, "waving"]
    count = len(kinds)
    found = pool.map(
        any_look_rate, [ours] * count, kinds, [trials] * count, [1] * count
    )
    _print(
        "Slowdown confirmed at any look, nothing changed, a look after every run",
        ["history", "ours"],
        [[kind, _share(share)] for kind, share in zip(kinds, found, strict=True)],
    )


def _peers(pool: Executor, trials: int) -> None:
    """Ours and the peers on the same histories; every fifth run is followed by a look.

    Makes the peers' environments on first use.
    """
    _monitoring(pool, {"ours": ours, **peers()}, min(trials, PEER_TRIALS), every=5)


def _monitoring(
    pool: Executor, detectors: dict[str, Detector], trials: int, every: int
) -> None:
    """Alarms at any look, steps behind several pasts, and series of several levels."""
    names = list(detectors)

    def table(
        title: str, of: Callable[..., float], rows: Iterable[str], *more: int | float
    ) -> None:
        asked = list(itertools.product(rows, names))
        found = [pool.submit(of, detectors[name], row, *more) for row, name in asked]
        cells = [_share(future.result()) for future in found]
        width = len(names)
        _print(
            title,
            ["history", *names],
            [
                [asked[at][0], *cells[at : at + width]]
                for at in range(0, len(asked), width)
            ],
        )

    table(
        f"Slowdown confirmed at any look, nothing changed, every {every} runs a look",
        any_look_rate, HISTORY_KINDS, trials, every,
    )  # fmt: skip
    for step in (0.08, 0.5):
        table(
            f"Steps of +{step:.0%} at 2 % noise found within 10 runs",
            step_rate, PASTS, step, trials,
        )  # fmt: skip
    found = [pool.submit(several_levels, detectors[name], trials) for name in names]
    _print(
        "Series of several levels",
        ["detector", "steps found", "false ones per series"],
        [
            [name, *map(_share, future.result())]
            for name, future in zip(names, found, strict=True)
        ],
    )


def _recorded(folder: Path, trials: int) -> None:
    """False alarms and power on real launches of one program, dealt to a and b."""
    found: dict[tuple[str, float], Rates] = {}
    blocks = 10
    for name, launches in recorded_cells(folder, 2 * blocks):
        same = dealt(launches, blocks, trials)
        for effect in EFFECTS:
            slower = same._replace(b=same.b * (1 + effect))
            found[name, effect] = judged_rates(slower, effect)
    if not found:
        print(f"\n{folder}: no cell with {2 * blocks} launches that count")
        return
    _print_rates(f"Recorded launches, {blocks} blocks, +0 / +2 / +5 / +10 %", found)


def _generated(folder: Path) -> None:
    """False alarms in A/A runs made of recorded generations, all cells of one run."""
    blocks = 10
    runs: dict[str, list[Array]] = {}
    for name, values in recorded_generations(folder, 2 * blocks):
        runs.setdefault(name.partition(":")[0], []).append(values)
    for run_id, cells in runs.items():
        share = family_alarms(cells, blocks, FAMILIES)
        print(
            f"\n{run_id}: {len(cells)} cells of {len(cells[0])} generations as "
            f"{FAMILIES} A/A runs of {blocks} blocks: a change in {share:.1%}"
        )


def _fleets(pool: Executor, trials: int) -> None:
    """Verdicts over phones beside those of each phone."""
    few = max(1, trials // 4)
    asked = list(
        itertools.product(PHONES, ((0.0, 0.0), (0.03, 0.0), (0.0, 0.01), (0.03, 0.03)))
    )
    found = pool.map(
        fleet_rates,
        [phones for phones, _ in asked],
        [effect for _, (effect, _) in asked],
        [between for _, (_, between) in asked],
        [few] * len(asked),
    )
    head = [
        "over phones: regression", "no change", "95 % covers", "a phone: regression",
        "most phones", "all phones: no change",
    ]  # fmt: skip
    _print(
        f"Several phones, 10 blocks each, launches vary by 2.5 %, {few} trials",
        ["phones", "true effect", "phones differ by", *head],
        [
            [str(phones), f"{effect:+.0%}", f"{between:.0%}", *map(_share, shares)]
            for (phones, (effect, between)), shares in zip(asked, found, strict=True)
        ],
    )
    kinds = list(PAIRED_KINDS)
    found = pool.map(
        fleet_rates,
        [8] * len(kinds),
        [0.0] * len(kinds),
        [0.0] * len(kinds),
        [few] * len(kinds),
        kinds,
    )
    _print(
        f"Eight phones on which nothing differs, {few} trials",
        ["noise", *head],
        [[k, *map(_share, shares)] for k, shares in zip(kinds, found, strict=True)],
    )


def _unpaired(pool: Executor, trials: int) -> None:
    """Runs measured apart, as `compare` judges them: where drift is not controlled."""
    asked = list(itertools.product((6, 10, 20), (0.0, 0.02, 0.05, 0.10)))
    found = pool.map(
        unpaired_alarms,
        [launches for launches, _ in asked],
        [warming for _, warming in asked],
        [trials] * len(asked),
    )
    _print(
        "Runs measured apart, unchanged, launches vary by 2 %: p < 0.05",
        ["launches", "the later run's device is slower by", "alarms"],
        [
            [str(launches), f"{warming:.0%}", _share(share)]
            for (launches, warming), share in zip(asked, found, strict=True)
        ],
    )


TABLES = {
    "pairs": _pairs,
    "pairs at 6 and 20 blocks": _other_blocks,
    "families": _families,
    "points": _points,
    "settling": _settling,
    "fleets": _fleets,
    "unpaired": _unpaired,
    "histories": _histories,
    "looks": _looks,
    "every look": _every_look,
}


def _share(share: float) -> str:
    return f"{share:.3f}"


def _print(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table whose columns stand under each other."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    print(f"\n### {title}\n", flush=True)
    for number, line in enumerate(lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("| " + " | ".join(cells) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
