"""One device's part of a run, measured on another host and stored here."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from pocketbench.bench.errors import Cancelled
from pocketbench.bench.lab.part import Part, PartProgram, part_key
from pocketbench.bench.lab.turn import Turn
from pocketbench.bench.measure.auxiliary.sustained import missing_variants
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.cooldown_wait import redos_on
from pocketbench.bench.measure.device_job import DeviceJob, JobSession
from pocketbench.bench.measure.ledger import Ledger
from pocketbench.bench.measure.store import utc_now
from pocketbench.bench.records.device import Claim
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.run import DeviceReady, Record
from pocketbench.bench.records.sustained import SustainedLaunch
from pocketbench.bench.units import format_span

if TYPE_CHECKING:
    from pocketbench.bench.lab.client import Lab, Phone

_POLL_S = 0.2
_BACK_S = 30.0
"""How long a phone whose host went away is waited for, or another of its model."""
_MARK_S = 10.0

_NO_CLAIM = Claim()

_decoder = msgspec.json.Decoder(Record)


class LabSession(JobSession):
    """Follows one job from phone to phone until it is done."""

    def __init__(
        self,
        lab: Lab,
        phone: Phone,
        run: RunContext,
        job: DeviceJob,
        launches: tuple[Launch, ...],
        failures: tuple[Failure, ...],
        spares: Collection[str] = (),
        *,
        claim: Claim = _NO_CLAIM,
    ) -> None:
        """Begin with what an earlier part of the run stored.

        `spares` are the phones that have measured for this one, whose blocks count.
        The claim's wait is for a phone that another run uses; without one, the runs
        of a lab take turns, however long that takes.
        """
        super().__init__(run, job)
        self._claim = claim
        self._lab = lab
        self._phone = phone
        self._ahead = timedelta()
        """Of this computer's clock, compared with the phone's host's."""
        ids = {self._info.id, *spares}
        self._launches = [x for x in launches if x.device_id in ids]
        self._failures = [x for x in failures if x.device_id in ids]

    def _pending(self) -> int:
        # As the phone's host counts them.
        plan = self._run.plan
        ledger = Ledger(
            self._info.id,
            plan,
            models=self._job.models,
            exported=self._job.artifacts,
            launches=[replace(x, device_id=self._info.id) for x in self._launches],
            failures=[replace(x, device_id=self._info.id) for x in self._failures],
        )
        if plan.sustained is not None:
            return len(missing_variants(ledger, self._job.models, plan.workload.seed))
        return ledger.pending_launches(redos=redos_on(self._info, plan.cooldown))

    def _run_until_done(self) -> None:
        phone = self._phone
        while trouble := self._measure_on(phone):
            self._note(f"{trouble}; {len(self._launches)} launches are kept")
            found = (
                self._wait_for_replacement(phone) if self._lab.is_connected else None
            )
            if found is None:
                self._fail(
                    FailureReason.DEVICE_LOST,
                    trouble,
                    "Start `pocketbench lab worker` there again, then --resume",
                )
                return
            phone = found
            self._note(f"going on with {phone.info.name} ({phone.id}) at {phone.host}")

    def _wait_for_replacement(self, lost: Phone) -> Phone | None:
        """The same phone when it is back, or a free one of its model."""
        deadline = time.monotonic() + _BACK_S
        while self._lab.is_connected and time.monotonic() < deadline:
            # A scheduler that goes away meanwhile is found to be gone above.
            with contextlib.suppress(OSError):
                if (found := self._lab.replacement(lost)) is not None:
                    return found
            if self._run.cancel.wait(1.0):
                raise Cancelled(self._info.id, "stopped", "Its host was waited for")
        return None

    def _measure_on(self, phone: Phone) -> str | None:
        """Measure what is missing on a phone; `None`: done; else what happened."""
        part = self._part(phone)
        key = part_key(self._run.store.folder.name, phone.info)
        away = f"lab host {phone.host} went away"
        try:
            sent = self._lab.send_files(part, phone.worker)
        except (OSError, ValueError) as error:
            return f"{away} while files were sent ({error})"
        if sent:
            self._note(f"sent {sent / 1e6:.1f} MB to {phone.host}")
        taken: set[int] = set()
        turn = Turn(self._lab, phone, key, claim=self._claim, note=self._note)
        with self._lab.measuring(part, phone, key) as (future, waiting):
            while True:
                message = _next(waiting, _POLL_S)
                if message is not None:
                    turn.is_over |= "clock" in message
                    self._take(message, phone, taken)
                    continue
                if self._run.cancel.is_set():
                    raise Cancelled(self._info.id, "stopped", "It was measured on")
                if future.done():
                    break
                if not self._lab.is_connected:
                    return "the scheduler of the lab went away"
                if not self._lab.is_alive(phone.worker):
                    self._drain(waiting, key, phone, taken)
                    return away
                if (holder := turn.holder_after_wait()) is not None:
                    self._fail_busy(holder)
                    return None
            if future.status == "error":
                return f"{phone.host} cannot measure it: {future.exception()!r}"
            if future.status != "finished":
                return "the scheduler of the lab went away"
            # What the way here has lost.
            for number, line in enumerate(future.result()):
                if number not in taken:
                    self._keep(line, phone)
        return None

    def _part(self, phone: Phone) -> Part:
        job, deadline = self._job, self._job.deadline
        return Part(
            plan=self._run.plan,
            info=phone.info,
            models=dict(job.models),
            artifacts=tuple(job.artifacts.values()),
            programs=tuple(
                PartProgram(runner=x.runner.name, program=x.program)
                for x in job.bindings
            ),
            # Another phone's whole blocks count too: they need not be done again.
            launches=tuple(replace(x, device_id=phone.info.id) for x in self._launches),
            failures=tuple(replace(x, device_id=phone.info.id) for x in self._failures),
            left_s=None if deadline is None else deadline - time.monotonic(),
            run_id=self._claim.run_id,
            wait_s=self._claim.wait_s,
            pushes_per_hub=self._claim.pushes_per_hub,
        )

    def _take(self, message: Mapping[str, Any], phone: Phone, taken: set[int]) -> None:
        if "note" in message:
            self._note(str(message["note"]))
        elif "clock" in message:
            self._ahead = _instant(utc_now()) - _instant(message["clock"])
        elif "line" in message:
            taken.add(int(message["number"]))
            self._keep(str(message["line"]), phone)

    def _drain(
        self,
        waiting: queue.SimpleQueue[Mapping[str, Any]],
        key: str,
        phone: Phone,
        taken: set[int],
    ) -> None:
        """Take all that a host sent before it went away."""
        self._lab.send_mark(key)
        while (message := _next(waiting, _MARK_S)) and "mark" not in message:
            self._take(message, phone, taken)

    def _keep(self, line: str, phone: Phone) -> None:
        record = renamed(_decoder.decode(line), phone)
        if at := getattr(record, "started_at", None):
            # Hosts' clocks differ; what came later is known by one clock.
            own = (_instant(at) + self._ahead).isoformat(timespec="milliseconds")
            record = replace(record, started_at=own)
        if isinstance(record, DeviceReady) and phone.id != self._info.id:
            record = replace(record, instead_of=self._info.id)
        self._run.store.append(record)
        if isinstance(record, SustainedLaunch):
            record = record.launch
        if isinstance(record, Launch):
            self._launches.append(record)
            self._run.observer.launch_finished(self._info, record)
        elif isinstance(record, Failure):
            self._failures.append(record)
            self._run.observer.launch_failed(self._info, record)
        elif isinstance(record, DeviceReady):
            self._run.observer.device_ready(self._info, 0)

    def _fail_busy(self, holder: str) -> None:
        reason, waited = FailureReason.DEVICE_BUSY, format_span(self._claim.wait_s)
        self._fail(
            reason, f"in use by {holder} of the lab, also after {waited}", reason.remedy
        )

    def _fail(self, reason: FailureReason, fact: str, remedy: str) -> None:
        failure = Failure(
            device_id=self._info.id,
            reason=reason,
            fact=fact,
            remedy=remedy,
            started_at=utc_now(),
        )
        self._run.store.append(failure)
        self._run.observer.launch_failed(self._info, failure)

    def _note(self, text: str) -> None:
        self._run.observer.note(self._info.id, text)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _next(
    waiting: queue.SimpleQueue[Mapping[str, Any]], timeout_s: float
) -> Mapping[str, Any] | None:
    try:
        return waiting.get(timeout=timeout_s)
    except queue.Empty:
        return None


def renamed(record: Record, phone: Phone) -> Record:
    """A record under the id that the phone has in the whole lab."""
    if isinstance(record, DeviceReady):
        return replace(record, device=replace(record.device, id=phone.id))
    if isinstance(record, SustainedLaunch):
        return replace(record, launch=replace(record.launch, device_id=phone.id))
    if hasattr(record, "device_id"):
        return replace(record, device_id=phone.id)
    return record
