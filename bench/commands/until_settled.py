"""Measure, look, and go on only with what is not settled, within the budget."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec.structs import replace

from pocketbench.bench.measure.auxiliary.output_checking import check_outputs
from pocketbench.bench.measure.auxiliary.profiling import profile_operators
from pocketbench.bench.measure.eta import seconds_per_launch
from pocketbench.bench.measure.execute import measure, noting_the_end
from pocketbench.bench.measure.ledger import Ledger
from pocketbench.bench.measure.prepacking import with_prepacked
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.spread import begun_on
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.run import spares_of
from pocketbench.bench.units import format_span

if TYPE_CHECKING:
    from pocketbench.bench.judge.summary import Summary
    from pocketbench.bench.measure.context import RunContext
    from pocketbench.bench.measure.device_job import DeviceJob
    from pocketbench.bench.records.launch import Failure, Launch
    from pocketbench.bench.records.plan import Plan
    from pocketbench.bench.records.run import Run


_R = TypeVar("_R", "Launch", "Failure")


class _Look(NamedTuple):
    """What one look at the stored records found."""

    run: Run
    settled: int
    of: int
    unsettled: frozenset[tuple[str, str]]
    """(device, model) that more blocks could settle."""

    def __str__(self) -> str:
        return f"{self.settled} of {self.of} comparisons settled"


def measure_run(run: RunContext, jobs: Sequence[DeviceJob], before: Run | None) -> None:
    """Measure all blocks at once, or go from look to look where the plan says so.

    Before, what the devices answer is checked, where the plan asks for it; after, the
    operators are observed, where it asks for that; last, the end is noted.

    Raises:
        Cancelled: The user asked to stop.
    """
    plan = run.plan
    with noting_the_end(run.store):
        jobs = with_prepacked(run, jobs)
        if plan.outputs is not None:
            check_outputs(run, jobs, before.output_checks if before else ())
        if plan.workload.looks:
            measure_until_settled(run, jobs)
        else:
            measure(
                run,
                jobs,
                launches=before.every_launch if before else (),
                failures=worth_keeping(before, after_a_pause=True) if before else (),
                devices=before.devices if before else (),
            )
        if plan.profile == "ops":
            if plan.spread:
                jobs = begun_on(jobs, read_run(run.store.folder).launches)
            profile_operators(run, jobs)


def measure_until_settled(run: RunContext, jobs: Sequence[DeviceJob]) -> None:
    """Go from look to look of the plan until all is settled.

    A device goes on only with the models that have an inconclusive comparison on it,
    and all their variants, so that blocks stay whole. It stops where the next look
    would be later than the budget allows, for blocks between two looks decide nothing.

    Raises:
        Cancelled: As `measure` does.
    """
    plan, store, observer = run.plan, run.store, run.observer
    workload = plan.workload
    budget_s = workload.budget_s
    deadline = None if budget_s is None else time.monotonic() + budget_s
    going = [job.limited(job.models, deadline) for job in jobs]
    for number, blocks in enumerate(workload.looks, 1):
        until = replace(plan, workload=replace(workload, blocks=blocks))
        before = read_run(store.folder)
        observer.going_on_to(blocks)
        measure(
            dataclasses.replace(run, plan=until),
            going,
            launches=before.launches,
            failures=worth_keeping(before),
            devices=before.devices,
        )
        found = _look(read_run(store.folder))
        if plan.spread:
            going = begun_on(going, found.run.launches)
        title = f"look {number} of {len(workload.looks)}"
        if _is_cut_short(going, until, found, deadline):
            text = f"the budget of {format_span(budget_s or 0)} was spent on the way"
            observer.note(title, f"{found}; {text} to {blocks} blocks")
            return
        going = _going_on(going, until, found)
        if not going or number == len(workload.looks):
            observer.note(title, f"{found} after {_blocks(blocks)}")
            return
        target = workload.looks[number]
        further = replace(plan, workload=replace(workload, blocks=target))
        new = found.run.launches[len(before.launches) :]
        left = None if deadline is None else deadline - time.monotonic()
        going, late_s = _in_time(going, further, found, new=new, left=left)
        if not going:
            observer.note(
                title,
                f"{found}; {_blocks(target)} would take about "
                f"{format_span(late_s)} more, and {format_span(max(0, left or 0))} "
                "of the budget are left",
            )
            return
        of_budget = "" if left is None else f", {format_span(left)} of the budget left"
        observer.note(title, f"{found}, going on to {_blocks(target)}{of_budget}")


def worth_keeping(run: Run, *, after_a_pause: bool = False) -> tuple[Failure, ...]:
    """What failed before, except exports, which have just been tried again.

    Args:
        run: As stored.
        after_a_pause: What was refused before the push is looked at again,
            for a phone may have room now that it had not then.
    """
    return tuple(
        failure
        for failure in run.failures
        if failure.reason is not FailureReason.EXPORT_FAILED
        and not (
            after_a_pause and failure.variant_id is not None and failure.block is None
        )
    )


def _look(run: Run) -> _Look:
    """Judge what is stored now, as every later report will."""
    # Not before a look: measuring needs nothing of what judging loads.
    from pocketbench.bench.judge.sequential import unsettled
    from pocketbench.bench.judge.summarize import summarize

    summary: Summary = summarize(run)
    still = unsettled(summary)
    judged = sum(c.verdict is not None for c in summary.comparisons)
    return _Look(
        run,
        judged - len(still),
        judged,
        frozenset((device, model) for device, model, _ in still),
    )


def _is_cut_short(
    jobs: Sequence[DeviceJob], plan: Plan, found: _Look, deadline: float | None
) -> bool:
    """Whether the budget ended before the blocks of this look."""
    return (
        deadline is not None
        and time.monotonic() >= deadline
        and any(_missing(job, plan, found.run, job.models) for job in jobs)
    )


def _going_on(jobs: Sequence[DeviceJob], plan: Plan, found: _Look) -> list[DeviceJob]:
    """Tasks of the unsettled models, of devices that did what they were asked to."""
    going = []
    for job in jobs:
        # What another one has begun, which is lost, nothing can settle any more.
        ids = _devices_of(job, found.run)
        opened = [x.device.id for x in found.run.devices if x.device.id in ids]
        device_id = opened[-1] if opened else ids[0]
        models = [
            model
            for model in job.models
            if (device_id, model) in found.unsettled
            and not _missing(job, plan, found.run, [model])
        ]
        if models:
            going.append(job.limited(models, job.deadline))
    return going


def _in_time(
    jobs: Sequence[DeviceJob],
    plan: Plan,
    found: _Look,
    *,
    new: Sequence[Launch],
    left: float | None,
) -> tuple[list[DeviceJob], float]:
    """Tasks that can reach the plan's blocks in the time left; what the rest needs."""
    if left is None:
        return list(jobs), 0.0
    going: list[DeviceJob] = []
    late_s = 0.0
    for job in jobs:
        ids = _devices_of(job, found.run)
        mine = [x for x in new if x.device_id in ids]
        missing = _missing(job, plan, found.run, job.models)
        needed = missing * (seconds_per_launch(mine) or 0.0)
        if needed <= left:
            going.append(job)
        else:
            late_s = max(late_s, needed)
    return going, late_s


def _missing(job: DeviceJob, plan: Plan, run: Run, models: Collection[str]) -> int:
    """How many launches of some models the plan's blocks are short of.

    Those of another device that measured instead count.
    """
    device_id, *spares = _devices_of(job, run)
    ledger = Ledger(
        device_id,
        plan,
        models={name: job.models[name] for name in job.models if name in models},
        exported=job.artifacts,
        launches=[_of(device_id, x, spares) for x in run.launches],
        failures=[_of(device_id, x, spares) for x in worth_keeping(run)],
    )
    return ledger.pending_launches(redos=0)


def _devices_of(job: DeviceJob, run: Run) -> list[str]:
    """The job's device, and those that measured instead of it."""
    device_id = job.selected.info.id
    return [device_id, *spares_of(device_id, run.devices)]


def _of(device_id: str, record: _R, spares: Collection[str]) -> _R:
    return (
        replace(record, device_id=device_id) if record.device_id in spares else record
    )


def _blocks(count: int) -> str:
    return f"{count} block{'' if count == 1 else 's'}"
