"""Which launches of a run count, and which failures stand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from pocketbench.bench.judge.summary import Retried
from pocketbench.bench.records.blocks import ended_variants, is_tainted, whole_blocks
from pocketbench.bench.records.device_kind import interchangeable
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.run import Run


class CellKey(NamedTuple):
    """What names a cell of one run."""

    device_id: str
    model: str
    variant_id: str


def counted_launches(run: Run) -> dict[CellKey, tuple[Launch, ...]]:
    """The launches that statistics are made of, by cell, in order of time.

    Of every block of a model on a device one attempt counts: the last in which every
    variant was launched that did not fail for good. A block without such an attempt
    was broken and is left out whole, so that pairs stay pairs. A launch of an artifact
    that a later export replaced does not count.
    """
    plan = run.started.plan
    current = {(a.model, a.variant): a.sha256 for a in run.artifacts}
    artifacts = {(v.model, v.id): current.get((v.model, v.name)) for v in plan.variants}
    groups: defaultdict[tuple[str, str], list[Launch]] = defaultdict(list)
    for launch in run.launches:
        name = launch.model, launch.variant_id
        if artifacts.get(name) == launch.artifact_sha256:
            groups[launch.device_id, launch.model].append(launch)
    found: defaultdict[CellKey, list[Launch]] = defaultdict(list)
    for (device_id, model), launches in groups.items():
        ended = ended_variants(run.failures, device_id, model)
        planned = {v.id for v in plan.variants_of(model)}
        exported = {v for v in planned if artifacts[model, v] is not None}
        # Where every variant failed in the end, blocks from before are still whole.
        wanted = (exported - ended) or exported
        whole = whole_blocks(
            launches, device_id=device_id, model=model, variant_ids=wanted
        )
        for launch in launches:
            if whole.get(launch.block) == launch.attempt:
                found[CellKey(device_id, model, launch.variant_id)].append(launch)
    return {key: tuple(sorted(found[key], key=_in_time)) for key in found}


def redone_launches(
    run: Run, counted: dict[CellKey, tuple[Launch, ...]]
) -> Counter[CellKey]:
    """How many launches of each cell were throttled and measured again instead.

    Reported because leaving them out favours the variant that heats the phone more.
    """
    taken = {
        (launch.device_id, launch.model, launch.variant_id, launch.block): launch
        for launches in counted.values()
        for launch in launches
    }
    found: Counter[CellKey] = Counter()
    for launch in run.launches:
        key = CellKey(launch.device_id, launch.model, launch.variant_id)
        instead = taken.get((*key, launch.block))
        if is_tainted(launch) and instead and instead.attempt != launch.attempt:
            found[key] += 1
    return found


def standing_failures(run: Run) -> tuple[Failure, ...]:
    """Failures that no later launch made good; of the same kind, the last one.

    Where phones share the models, a launch on another phone of the kind does too.
    """
    standing: dict[tuple[object, ...], Failure] = {}
    for failure, is_good in _made_good(run):
        if is_good:
            continue
        kind = (failure.device_id, failure.model, failure.variant_id, failure.reason)
        standing.pop(kind, None)
        standing[kind] = failure
    return tuple(standing.values())


def retries(run: Run) -> tuple[Retried, ...]:
    """Failures after which the device was opened again and later launches succeeded."""
    found: dict[tuple[str, FailureReason], Retried] = {}
    for failure, is_good in _made_good(run):
        if not (is_good and failure.retry):
            continue
        key = failure.device_id, failure.reason
        times = found[key].times if key in found else 0
        found[key] = Retried(
            device_id=failure.device_id,
            reason=failure.reason,
            times=times + 1,
            fact=failure.fact,
        )
    return tuple(found.values())


def _made_good(run: Run) -> Iterator[tuple[Failure, bool]]:
    """Every failure, and whether a launch did later what had failed."""
    if not run.failures:
        return
    shares = run.devices if run.started.plan.spread else ()
    kinds = {ready.device.id: interchangeable(ready.device) for ready in shares}
    launches: defaultdict[object, list[Launch]] = defaultdict(list)
    for launch in run.every_launch:
        launches[kinds.get(launch.device_id, launch.device_id)].append(launch)
    for failure in run.failures:
        able = launches[kinds.get(failure.device_id, failure.device_id)]
        yield failure, any(_makes_good(launch, failure) for launch in able)


def _makes_good(launch: Launch, failure: Failure) -> bool:
    """Whether a launch did later what had failed."""
    if failure.model not in (None, launch.model):
        return False
    if failure.variant_id not in (None, launch.variant_id):
        return False
    if failure.block is None or failure.attempt is None:
        return launch.started_at > failure.started_at
    if launch.device_id != failure.device_id:
        is_later = launch.started_at > failure.started_at
        return is_later and launch.block == failure.block
    return launch.block == failure.block and launch.attempt > failure.attempt


def _in_time(launch: Launch) -> tuple[str, int, int, int]:
    return launch.started_at, launch.block, launch.attempt, launch.position
