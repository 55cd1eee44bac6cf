"""A whole run: every device at once, each in a thread of its own."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pocketbench.bench.errors import Cancelled
from pocketbench.bench.measure.auxiliary.sustained import SustainedSession
from pocketbench.bench.measure.device_session import Session, Task, utc_now
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.store import Store
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.plan import Plan
from pocketbench.bench.records.run import RunEnded


def execute(
    plan: Plan,
    tasks: Sequence[Task],
    *,
    store: Store,
    lease: CpuLease,
    observer: Observer,
    cancel: threading.Event,
    launches: tuple[Launch, ...] = (),
    failures: tuple[Failure, ...] = (),
) -> None:
    """Measure all tasks and append what comes of them, and their end, to the store.

    `launches` and `failures` are those an earlier part of the same run stored: what
    they cover is not measured again.

    Raises:
        Cancelled: `cancel` was set; what was running on every device has been ended,
            and the store holds every finished launch.
    """
    with noting_the_end(store):
        measure(
            plan,
            tasks,
            store=store,
            lease=lease,
            observer=observer,
            cancel=cancel,
            launches=launches,
            failures=failures,
        )


@contextmanager
def noting_the_end(store: Store) -> Iterator[None]:
    """Store how a run ended, which it does of its own or because the user asked."""
    try:
        yield
    except Cancelled:
        store.append(RunEnded(ended_at=utc_now(), outcome="interrupted"))
        raise
    store.append(RunEnded(ended_at=utc_now(), outcome="finished"))


def measure(
    plan: Plan,
    tasks: Sequence[Task],
    *,
    store: Store,
    lease: CpuLease,
    observer: Observer,
    cancel: threading.Event,
    launches: tuple[Launch, ...] = (),
    failures: tuple[Failure, ...] = (),
) -> None:
    """Measure all tasks, without noting the end: more may come of the same run.

    Raises:
        Cancelled: As `execute` does.
    """
    kind = Session if plan.sustained is None else SustainedSession
    sessions = [
        kind(
            task,
            plan,
            store=store,
            lease=lease,
            observer=observer,
            cancel=cancel,
            launches=launches,
            failures=failures,
        )
        for task in tasks
    ]
    cancelled = False
    with concurrent.futures.ThreadPoolExecutor(
        max_workers=max(1, len(sessions)), thread_name_prefix="device"
    ) as pool:
        futures = [pool.submit(session.run) for session in sessions]
        try:
            for future in concurrent.futures.as_completed(futures):
                try:
                    future.result()
                except Cancelled:
                    cancelled = True
        except BaseException:
            cancel.set()
            raise
    if cancelled:
        raise Cancelled(
            "run", "stopped by the user", f"Go on with --resume {store.folder}"
        )
