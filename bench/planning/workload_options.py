"""Check the options about blocks, interim analyses, budget and gate."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pocketbench.bench.errors import UsageError
from pocketbench.bench.planning.durations import parse_duration
from pocketbench.bench.records.interim_analyses import LOOKS, looks_up_to
from pocketbench.bench.records.metrics import (
    FEWEST_ITERATIONS,
    GENERATION_GATE,
    USUAL_GATE,
    parse_gates,
)
from pocketbench.bench.records.plan import Plan, Workload


def check_workload(workload: Workload) -> None:
    """Refuse counts below one.

    Raises:
        UsageError: One is too small.
    """
    for option, value, least in (
        ("--blocks", workload.blocks, 1),
        ("--iterations", workload.iterations, 1),
        ("--warmup", workload.warmup_iterations, 0),
        ("--min-duration", workload.min_duration_s, 0),
        ("--timeout", workload.timeout_s, 0.001),
    ):
        if value < least:
            raise UsageError(option, f"must be {least} or more", "Give a larger number")


def until_settled(
    workload: Workload, *, is_asked: bool, most: int | None, budget: str | None
) -> Workload:
    """Looks up to the most blocks, where the run is to go on until it is settled.

    Where the most is not given there are 20, or the workload's own number if larger.

    Raises:
        UsageError: Fewer blocks than the first look, or a budget of nothing.
    """
    if not is_asked:
        if budget is not None:
            raise UsageError(
                "--budget", "bounds only --until-settled", "Give that, too"
            )
        return workload
    most = most or max(LOOKS[-1], workload.blocks)
    if most < LOOKS[0]:
        raise UsageError(
            f"--until-settled --blocks {most}",
            f"ends before the first look, at {LOOKS[0]} blocks",
            f"Give {LOOKS[0]} or more",
        )
    return msgspec.structs.replace(
        workload,
        blocks=most,
        looks=looks_up_to(most),
        budget_s=None if budget is None else _budget_s(budget),
    )


def with_budget(plan: Plan, budget: str | None) -> Plan:
    """A stopped run's plan with the budget of its next part, if one was given.

    Raises:
        UsageError: The run does not go on until it is settled.
    """
    if budget is None:
        return plan
    if not plan.workload.looks:
        raise UsageError(
            "--budget",
            "bounds only --until-settled",
            "Leave it out, or start a new run",
        )
    workload = msgspec.structs.replace(plan.workload, budget_s=_budget_s(budget))
    return msgspec.structs.replace(plan, workload=workload)


def _budget_s(text: str) -> float:
    seconds = parse_duration(text, "--budget")
    if seconds <= 0:
        raise UsageError(f"--budget {text}", "is no time at all", "Give 20m, say")
    return seconds


def gates(asked: Sequence[str], workload: Workload) -> tuple[str, ...]:
    """The metrics that get verdicts.

    Raises:
        UnknownNameError: No such metric.
        UsageError: A launch has too few iterations to have it.
    """
    found, generation = parse_gates(asked), workload.generation
    for name in found:
        fewest = FEWEST_ITERATIONS.get(name, 0)
        if generation and generation.new_tokens <= fewest:
            raise UsageError(
                f"--gate-on {name}",
                f"a launch of {generation.new_tokens} new tokens does not show it",
                f"Give --new-tokens {fewest + 1} or more",
            )
        if not generation and workload.iterations < fewest:
            raise UsageError(
                f"--gate-on {name}",
                f"a launch of {workload.iterations} iterations does not show it",
                f"Give --iterations {fewest} or more",
            )
    return found or (GENERATION_GATE if generation else USUAL_GATE)
