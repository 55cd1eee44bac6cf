"""The record of what could not be measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.measure.store import utc_now
from pocketbench.bench.records.launch import Failure

if TYPE_CHECKING:
    from pocketbench.bench.errors import PocketbenchError
    from pocketbench.bench.records.device import CommandResult
    from pocketbench.bench.records.failure import FailureReason
    from pocketbench.bench.records.plan import Variant

_TAIL_CHARACTERS = 8000


class Place(NamedTuple):
    """Which launch it was; `None`: it was none."""

    block: int | None = None
    attempt: int | None = None
    position: int | None = None


def failure_of(
    error: PocketbenchError,
    *,
    device_id: str,
    reason: FailureReason,
    variant: Variant | None,
    place: Place,
    started_at: str | None,
    result: CommandResult | None,
    retry: int = 0,
) -> Failure:
    """Keep the error's words, and the ends of all that the program left."""
    return Failure(
        device_id=device_id,
        reason=reason,
        fact=error.fact,
        remedy=error.next_step,
        model=variant.model if variant else None,
        variant_id=variant.id if variant else None,
        block=place.block,
        attempt=place.attempt,
        position=place.position,
        started_at=started_at or utc_now(),
        retry=retry,
        exit_code=result.exit_code if result else None,
        signal=result.signal if result else None,
        stdout_tail=_tail(result.stdout) if result else "",
        stderr_tail=_tail(result.stderr) if result else "",
        log_tail=_tail(result.log) if result else "",
    )


def _tail(output: bytes) -> str:
    return output.decode("utf-8", "replace")[-_TAIL_CHARACTERS:]
