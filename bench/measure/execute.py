"""A whole run: every device at once, each in a thread of its own."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pocketbench.bench.errors import Cancelled
from pocketbench.bench.measure.auxiliary.sustained import SustainedSession
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import (
    DeviceJob,
    JobSession,
    SupportsSession,
)
from pocketbench.bench.measure.device_session import DeviceSession
from pocketbench.bench.measure.spread import SharedWork, shared_work
from pocketbench.bench.measure.store import Store, utc_now
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.run import DeviceReady, RunEnded


@contextmanager
def noting_the_end(store: Store) -> Iterator[None]:
    """Store how a run ended: complete, or stopped by the user."""
    try:
        yield
    except Cancelled:
        store.append(RunEnded(ended_at=utc_now(), outcome="interrupted"))
        raise
    store.append(RunEnded(ended_at=utc_now(), outcome="finished"))


def measure(
    run: RunContext,
    jobs: Sequence[DeviceJob],
    *,
    launches: tuple[Launch, ...] = (),
    failures: tuple[Failure, ...] = (),
    devices: tuple[DeviceReady, ...] = (),
) -> None:
    """Measure all jobs, without noting the end: more may come of the same run.

    `launches`, `failures` and `devices` are those an earlier part of the same run
    stored: what they cover is not measured again.

    Raises:
        Cancelled: The run was stopped; what was running on every device has been
            ended, and the store holds every finished launch.
    """
    kind = DeviceSession if run.plan.sustained is None else SustainedSession

    def work_through(job: DeviceJob, work: SharedWork) -> None:
        device_id = job.selected.info.id
        while (models := work.take(device_id)) is not None:
            part = job.limited(models, job.deadline)
            session: JobSession = (
                driver.session(run, part, launches, failures, devices)
                if isinstance(driver := part.selected.driver, SupportsSession)
                else kind(run, part, launches=launches, failures=failures)
            )
            gave_up = True
            try:
                session.run()
                gave_up = session.gave_up
            finally:
                if gave_up:
                    work.given_up(device_id, models)
                else:
                    work.finished()
            if gave_up:
                return

    cancelled = False
    with concurrent.futures.ThreadPoolExecutor(
        max_workers=max(1, len(jobs)), thread_name_prefix="device"
    ) as pool:
        futures = [
            pool.submit(work_through, *shared)
            for shared in shared_work(jobs, launches, spread=run.plan.spread)
        ]
        try:
            for future in concurrent.futures.as_completed(futures):
                try:
                    future.result()
                except Cancelled:
                    cancelled = True
        except BaseException:
            run.cancel.set()
            raise
    if cancelled:
        raise Cancelled(
            "run", "stopped by the user", f"Go on with --resume {run.store.folder}"
        )
