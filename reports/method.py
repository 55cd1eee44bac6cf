"""How it was measured: what each figure is and which statistics made it."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from reports.lookup import Lookup


class Statistic(NamedTuple):
    """One thing done to the figures, and where it is described."""

    what: str
    source: str


STATISTICS = (
    Statistic(
        "The figure of a cell is the geometric mean over its launches, with a t "
        "interval on their logarithms.",
        "Student, Biometrika 6, 1908",
    ),
    Statistic(
        "The unit is the launch: one start of the program. Iterations inside a process "
        "agree with each other and disagree with the next process, so they are never "
        "pooled for a test.",
        "Kalibera and Jones, Rigorous benchmarking in reasonable time, ISMM 2013",
    ),
    Statistic(
        "Variants are launched in blocks, in balanced order, and compared block by "
        "block: paired t on the logarithm of each launch's value, turned back into a "
        "ratio with its 95 % interval.",
        "Bulej et al., Duet benchmarking, ICPE 2020, for pairing in time",
    ),
    Statistic(
        "Ratios between two devices are of launches measured apart: Welch's t on the "
        "same logarithms, for information only.",
        "Welch, Biometrika 34, 1947",
    ),
    Statistic(
        "The p-values of one run's verdicts are corrected together so that at most one "
        "in twenty of the changes found is expected to be false.",
        "Benjamini and Hochberg, J. R. Stat. Soc. B 57, 1995",
    ),
    Statistic(
        "Regression or improvement: significant after that correction, the whole "
        "interval on one side of 1, and at least the minimum effect. No change: the "
        "whole interval within the minimum effect. Anything else is inconclusive.",
        "Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987, for equivalence by interval",
    ),
    Statistic(
        "N % faster: takes N % less time. 2x faster: takes half the time.",
        "convention of this report",
    ),
)


def command_line(lookup: Lookup) -> str:
    """The command to repeat the run, quoted for a POSIX shell."""
    return shlex.join(lookup.summary.run.started.command)


def min_effect(lookup: Lookup) -> float | None:
    """The minimum effect that the verdicts were given with."""
    return next((c.min_effect for c in lookup.judged), None)
