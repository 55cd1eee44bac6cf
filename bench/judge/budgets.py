"""What each configuration's figures say about the suite's budgets; pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from pocketbench.bench.judge.summary import (
    BudgetVerdict,
    Cell,
    Estimate,
    JudgedBudget,
)
from pocketbench.bench.records.plan import Budget
from pocketbench.bench.records.run import Run


def judged_budgets(run: Run, cells: Iterable[Cell]) -> tuple[JudgedBudget, ...]:
    """Each budget on each configuration it is about, in the order of the suite.

    One that no configuration fits stands by itself, as not measured.
    """
    names = {ready.device.id: ready.device.name for ready in run.devices}
    every = tuple(cells)
    found = []
    for budget in run.started.plan.budgets:
        hit = [cell for cell in every if _is_about(budget, cell, names)]
        found += [
            JudgedBudget(
                budget=budget,
                device_id=cell.device_id,
                model=cell.model,
                variant_id=cell.variant_id,
                estimate=(estimate := cell.estimates.get(budget.metric)),
                verdict=_verdict(budget.at_most, estimate),
            )
            for cell in hit
        ]
        if not hit:
            found.append(
                JudgedBudget(budget=budget, verdict=BudgetVerdict.NOT_MEASURED)
            )
    return tuple(found)


def _verdict(at_most: float, estimate: Estimate | None) -> BudgetVerdict:
    """Over or within where the whole 95 % interval is."""
    if estimate is None:
        return BudgetVerdict.NOT_MEASURED
    if estimate.low is None or estimate.high is None:
        return BudgetVerdict.UNDECIDED
    if estimate.low > at_most:
        return BudgetVerdict.OVER
    return BudgetVerdict.WITHIN if estimate.high <= at_most else BudgetVerdict.UNDECIDED


def _is_about(budget: Budget, cell: Cell, names: dict[str, str]) -> bool:
    pairs = (
        (budget.model, (cell.model,)),
        (budget.variant, (cell.variant_id,)),
        (budget.device, (cell.device_id, names.get(cell.device_id, ""))),
    )
    return all(
        pattern is None
        or any(
            fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) for name in given
        )
        for pattern, given in pairs
    )
