"""How it was measured: what each figure is and which statistics made it."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from pocketbench.reports.text.phrases import counted, listed
from pocketbench.reports.view import View


class Statistic(NamedTuple):
    """One thing done to the figures, and where it is described."""

    what: str
    source: str


_ALWAYS = (
    Statistic(
        "The figure of a configuration is the geometric mean over its launches, with a "
        "t interval on their logarithms.",
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
        "block, on the logarithm of each launch's value: a paired t test and a rank "
        "test of aligned launches, joined; the interval holds the ratios that they do "
        "not reject, and the ratio is the median of all aligned pairs of launches. "
        "Where a launch's place in its block makes a difference, it is removed.",
        "Bulej et al., Duet benchmarking, ICPE 2020, for pairing in time; Hodges and "
        "Lehmann, Ann. Math. Stat. 33, 1962, and 34, 1963, for aligned ranks and their "
        "estimator; Liu and Xie, JASA 115, 2020, for joining",
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
        "interval on one side of 1, and at least the minimum effect. No change: two "
        "one-sided tests at 5 % each reject the minimum effect either way, so that the "
        "90 % interval lies within it. Anything else is inconclusive.",
        "Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987, for two one-sided tests",
    ),
    Statistic(
        "N % slower: takes N % more time. N % faster: the baseline takes N % more "
        "time. 2x faster: takes half the time.",
        "convention of this report",
    ),
)


_AT_LOOKS = Statistic(
    "What was settled got no more blocks. The launches were judged at {looks} blocks, "
    "each time at a level so strict that all the looks together are wrong as seldom as "
    "one would be; the interval is where those of all looks overlap.",
    "Wang and Tsiatis, Biometrics 43, 1987, with shape 0.25; Jennison and Turnbull, "
    "J. R. Stat. Soc. B 51, 1989",
)


_FLEET = Statistic(
    "Over phones of one kind: each phone has a ratio of its own around that of all; "
    "the interval allows for the spread between them and for their small number. I² "
    "is the share of that spread that is not noise.",
    "Paule and Mandel, J. Res. Natl. Bur. Stand. 87, 1982; Hartung and Knapp, Stat. "
    "Med. 20, 2001, never narrower than phones that agree; Higgins and Thompson, Stat. "
    "Med. 21, 2002",
)


_GENERATION = Statistic(
    "Of the stamps t1 ... tn of n tokens, since the prefill began, and p tokens of "
    "prompt: time to first token = t1, prefill speed = p / t1, decode speed = "
    "(n - 1) / (tn - t1). The first token is no part of the decode speed; tokenizing "
    "is part of none.",
    "docs/generate.md",
)


_WITHOUT_STAMPS = Statistic(
    "{programs} printed no stamp per token: the figures are converted from the times "
    "of its own tests or of whole generations. Sampling and tokenizing are in the "
    "figures of some programs and not of others: between programs a difference of a "
    "few percent may be that.",
    "docs/generate.md, Third-party programs",
)


_STEADY_HEAP = Statistic(
    "Our lite runner on Linux kept freed memory, and put tensors at other random "
    "places in each launch: where they happen to lie is noise that launches show, and "
    "favours no build.",
    "Curtsinger and Berger, Stabilizer, ASPLOS 2013",
)


def statistics(view: View) -> tuple[Statistic, ...]:
    """What was done to the figures of this run."""
    done = list(_ALWAYS)
    run = view.summary.run
    if looks := run.started.plan.workload.looks:
        words = listed([str(look) for look in looks])
        done.append(_AT_LOOKS._replace(what=_AT_LOOKS.what.format(looks=words)))
    if view.generation:
        done.append(_GENERATION)
        programs = {
            launch.runner
            for launch in run.launches
            if (made := launch.measurement.generation) and not made.token_ns
        }
        if programs:
            words = _WITHOUT_STAMPS.what.format(programs=listed(sorted(programs)))
            done.append(_WITHOUT_STAMPS._replace(what=words))
    if view.summary.fleet:
        done.append(_FLEET)
    if run.heap == "steady":
        done.append(_STEADY_HEAP)
    return tuple(done)


def generated(view: View) -> str:
    """`a prompt of 128 tokens and 64 new ones ...`; empty for forward calls."""
    asked = view.generation
    if asked is None:
        return ""
    depths = listed([str(depth) for depth in asked.kv_depths])
    prompt = "given ids" if asked.prompt_ids else "seeded random ids"
    return (
        f"a prompt of {counted(asked.prompt_tokens, 'token')} ({prompt}) and "
        f"{asked.new_tokens} new ones, greedily, after "
        f"{counted(asked.warmup_generations, 'warm-up generation')}, with {depths} "
        "tokens in the KV cache"
    )


def blocks(view: View) -> str:
    """`10 blocks`, or how many it took of the most there could be."""
    workload = view.summary.run.started.plan.workload
    if not workload.looks:
        return counted(workload.blocks, "block")
    found = [len(cell.launches) for cell in view.summary.cells]
    fewest, most = min(found, default=0), max(found, default=0)
    span = f"{fewest} to {most}" if fewest != most else f"{most}"
    return f"{span} blocks of {workload.blocks} at most, until settled"


def command_line(view: View) -> str:
    """The command to repeat the run, quoted for a POSIX shell."""
    return shlex.join(view.summary.run.started.command)


def min_effect(view: View) -> float | None:
    """The minimum effect that the verdicts were given with."""
    return next((c.min_effect for c in view.judged), None)
