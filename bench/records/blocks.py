"""Which blocks are whole: from the records alone, for measuring and judging alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Failure, Launch

TRIES = 3
"""How often a block is begun at most; the last two are repetitions."""

CERTAIN = frozenset(
    {
        FailureReason.DISK_FULL,
        FailureReason.NO_PERMISSION,
        FailureReason.WRONG_ABI,
        FailureReason.WRONG_PAGE_SIZE,
        FailureReason.ANDROID_TOO_OLD,
        FailureReason.LINKER,
        FailureReason.MISSING_LIBRARY,
        FailureReason.MISSING_LOADER,
        FailureReason.EXECUTION_DENIED,
        FailureReason.KERNEL_TOO_OLD,
        FailureReason.BLOCKED_SYSTEM_CALL,
        FailureReason.NOT_FOUND,
        FailureReason.NOT_LOADABLE,
        FailureReason.FULL_JIT_FILE,
        FailureReason.TRUNCATED_FILE,
        FailureReason.BYTECODE_TOO_NEW,
        FailureReason.BYTECODE_TOO_OLD,
        FailureReason.MISSING_OPERATOR,
        FailureReason.MISSING_BACKEND,
        FailureReason.NO_QUANTIZED_ENGINE,
        FailureReason.MODEL_RAISED,
        FailureReason.BAD_FLAGS,
        FailureReason.EXPORT_FAILED,
    }
)
"""Reasons that come again at the next launch, so one of them ends a variant."""

_OF_THE_DEVICE = frozenset(
    {
        FailureReason.DEVICE_LOST,
        FailureReason.DEVICE_BUSY,
        FailureReason.UNAUTHORIZED,
        FailureReason.OFFLINE,
        FailureReason.ADB_SERVER_REPLACED,
        FailureReason.QUARANTINED,
        FailureReason.LEASE_LOST,
    }
)


def ended_variants(
    failures: Iterable[Failure], device_id: str, model: str
) -> frozenset[str]:
    """Variants that are tried no more on a device.

    One certain failure ends a variant, or a second of any kind; a lost device is no
    failure of the variant that was running on it.
    """
    counts: Counter[str] = Counter()
    for failure in failures:
        if (
            failure.device_id == device_id
            and failure.model == model
            and failure.variant_id is not None
            and failure.reason not in _OF_THE_DEVICE
        ):
            counts[failure.variant_id] += 2 if failure.reason in CERTAIN else 1
    return frozenset(variant for variant, count in counts.items() if count >= 2)


def whole_blocks(
    launches: Iterable[Launch],
    *,
    device_id: str,
    model: str,
    variant_ids: Iterable[str],
) -> dict[int, int]:
    """The blocks in which each of the variants has a launch: block -> the attempt.

    Of several whole attempts of a block the last untainted one counts, or else the
    last.
    """
    wanted = frozenset(variant_ids)
    seen: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    tainted: set[tuple[int, int]] = set()
    for launch in launches:
        if launch.device_id == device_id and launch.model == model:
            seen[launch.block, launch.attempt].add(launch.variant_id)
            if is_tainted(launch):
                tainted.add((launch.block, launch.attempt))
    whole: dict[int, int] = {}
    for (block, attempt), variants in sorted(seen.items()):
        if not (wanted and wanted <= variants):
            continue
        is_clean_before = block in whole and (block, whole[block]) not in tainted
        if not (is_clean_before and (block, attempt) in tainted):
            whole[block] = attempt
    return whole


def is_tainted(launch: Launch) -> bool:
    """Whether its block is worth doing again: it was throttled on a cool phone.

    A phone that did not settle in the time it was given would not at the next try.
    """
    return (
        Caveat.THROTTLED in launch.caveats
        and Caveat.THERMAL_UNSETTLED not in launch.caveats
    )


def tainted_attempts(
    launches: Iterable[Launch], *, device_id: str, model: str, block: int
) -> frozenset[int]:
    """The attempts of a block in which a launch was tainted."""
    return frozenset(
        launch.attempt
        for launch in launches
        if launch.device_id == device_id
        and launch.model == model
        and launch.block == block
        and is_tainted(launch)
    )


def next_attempt(
    launches: Iterable[Launch],
    failures: Iterable[Failure],
    *,
    device_id: str,
    model: str,
    block: int,
) -> int:
    """The number that the next attempt of a block gets; 0 for a block never begun."""
    records: list[Launch | Failure] = [*launches, *failures]
    used = [
        record.attempt
        for record in records
        if record.device_id == device_id
        and record.model == model
        and record.block == block
        and record.attempt is not None
    ]
    return max(used, default=-1) + 1
