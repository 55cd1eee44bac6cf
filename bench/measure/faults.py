"""Store the failures of one device, and retry where that may help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.errors import (
    Cancelled,
    DeviceLostError,
    DeviceUnavailableError,
)
from pocketbench.bench.measure.failure_records import Place, failure_of
from pocketbench.bench.records.blocks import CERTAIN
from pocketbench.bench.records.failure import FailureReason

if TYPE_CHECKING:
    from pocketbench.bench.errors import PocketbenchError
    from pocketbench.bench.measure.context import RunContext
    from pocketbench.bench.measure.ledger import Ledger
    from pocketbench.bench.records.device import CommandResult, DeviceInfo
    from pocketbench.bench.records.plan import Variant

BACK_OFF_S = 0.5
"""Before the first retry; doubled before each further one in a row."""
MOST_IN_A_ROW = 3
"""After so many failures without a whole block between them a device is given up."""

_TRANSIENT = frozenset(
    {
        FailureReason.OFFLINE,
        FailureReason.DEVICE_LOST,
        FailureReason.ADB_SERVER_REPLACED,
        FailureReason.PUSH_FAILED,
    }
)


_NO_PLACE = Place()


def is_transient(error: PocketbenchError) -> bool:
    """Whether opening the device again may help."""
    return isinstance(error, DeviceLostError) or _reason_of(error) in _TRANSIENT


def wait_before_retry(run: RunContext, info: DeviceInfo, number: int) -> None:
    """Wait before a device is opened again: the first of several retries is number 1.

    Raises:
        Cancelled: The user asked to stop.
    """
    wait_s = BACK_OFF_S * 2 ** (number - 1)
    run.observer.note(info.id, f"trying again in {wait_s:g} s")
    if run.cancel.wait(wait_s):
        raise Cancelled(info.id, "stopped", "It was to be opened again")


class DeviceFaults:
    """Stores the failures of one device in one run, and counts those in a row."""

    def __init__(self, run: RunContext, info: DeviceInfo, ledger: Ledger) -> None:
        """Begin with none in a row."""
        self._run = run
        self._info = info
        self._ledger = ledger
        self._in_a_row = 0
        self._last: PocketbenchError | None = None
        self._stored: PocketbenchError | None = None

    @property
    def is_over(self) -> bool:
        """Whether the device is given up."""
        return self._in_a_row >= MOST_IN_A_ROW

    def progressed(self) -> None:
        """Begin to count again: a whole block was measured."""
        self._in_a_row = 0

    def check(self) -> None:
        """See that the device is not given up.

        Raises:
            DeviceUnavailableError: It is quarantined; names the last failure.
        """
        if self.is_over:
            raise self._quarantine()

    def can_retry(self, error: PocketbenchError) -> bool:
        """Store what ended the work on an open device; wait before opening it again.

        Returns False, without waiting, where that would not help.

        Raises:
            Cancelled: The user asked to stop.
        """
        if error is not self._stored:
            self.store(error)
        # A driver may raise the same error again, which then counts again.
        self._stored = None
        if not is_transient(error):
            return False
        if self.is_over:
            self.store(self._quarantine())
            return False
        wait_before_retry(self._run, self._info, self._in_a_row)
        return True

    def store(
        self,
        error: PocketbenchError,
        *,
        variant: Variant | None = None,
        place: Place = _NO_PLACE,
        started_at: str | None = None,
        result: CommandResult | None = None,
    ) -> None:
        """Store a failure: the error's words, and the ends of what its program left."""
        failure = failure_of(
            error,
            device_id=self._info.id,
            reason=_reason_of(error),
            variant=variant,
            place=place,
            started_at=started_at,
            result=result,
            retry=self._counted(error, variant),
        )
        self._stored = error
        self._run.store.append(failure)
        self._ledger.failures.append(failure)
        self._run.observer.launch_failed(self._info, failure)

    def _counted(self, error: PocketbenchError, variant: Variant | None) -> int:
        """Count a failure; return the number of the retry that follows, 0 for none.

        A program's failure counts against the device only where the same variant was
        measured there before: otherwise the model is as likely the cause.
        """
        transient = is_transient(error)
        has_measured = variant is not None and any(
            (launch.model, launch.variant_id) == (variant.model, variant.id)
            for launch in self._ledger.launches
        )
        if not transient and (not has_measured or _reason_of(error) in CERTAIN):
            return 0
        self._last = error
        self._in_a_row += 1
        return self._in_a_row if transient and not self.is_over else 0

    def _quarantine(self) -> DeviceUnavailableError:
        reason, last = FailureReason.QUARANTINED, ""
        if self._last is not None:
            words = _reason_of(self._last).replace("_", " ")
            last = f" (last: {words}: {self._last.fact})"
        return DeviceUnavailableError(
            self._info.id,
            f"quarantined for this run after {MOST_IN_A_ROW} failures in a row{last}",
            reason.remedy,
            reason,
        )


def _reason_of(error: PocketbenchError) -> FailureReason:
    reason: FailureReason = getattr(error, "reason", FailureReason.INTERNAL)
    return reason
