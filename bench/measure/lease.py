"""The CPU lease: launches that run on this computer's cores never share one."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pocketbench.bench.errors import Cancelled

if TYPE_CHECKING:
    from pocketbench.bench.records.device import DeviceInfo
    from pocketbench.bench.records.runner import Runner

_POLL_S = 0.005
_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def physical_cores() -> tuple[int, ...]:
    """One logical CPU of each physical core that this process may use.

    Two hardware threads of one core slow each other down, so only one is lent.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
    else:
        allowed = list(range(os.cpu_count() or 1))
    cores: dict[str, int] = {}
    for cpu in allowed:
        try:
            siblings = Path(_TOPOLOGY.format(cpu)).read_text().strip()
        except OSError:
            siblings = str(cpu)
        cores.setdefault(siblings, cpu)
    return tuple(cores.values())


class CpuLease:
    """Lends cores to one launch at a time, across threads and pocketbench processes.

    One core is left to what makes launches (this program, adb, the shells of simulated
    phones), except to a launch that needs them all: on two cores, both lent, a float32
    MobileNetV2 on the host and two simulated phones had intervals of 5 to 8 %, and of
    1.5 to 3 % with one of them left alone.

    Locks are files, so that a process that is killed gives its cores back.
    """

    def __init__(self, folder: Path, cpus: tuple[int, ...] | None = None) -> None:
        """Keep the lock files in `folder`; lend `cpus` (all physical cores)."""
        folder.mkdir(parents=True, exist_ok=True)
        self.cpus = physical_cores() if cpus is None else cpus
        self._folder = folder

    @contextlib.contextmanager
    def cores(self, count: int, cancel: threading.Event) -> Iterator[tuple[int, ...]]:
        """Hold `count` cores, or all there are when `count` is larger.

        The first in line keeps its place, so that a launch that needs many cores is
        not overtaken for ever by those that need one.

        Raises:
            Cancelled: The event was set while waiting.
        """
        count = min(max(count, 1), len(self.cpus))
        lent = self.cpus if count == len(self.cpus) else self.cpus[1:]
        held: dict[int, FileLock] = {}
        try:
            with self._door(cancel):
                while len(held) < count:
                    for cpu in lent:
                        if cpu not in held and len(held) < count:
                            lock = self._lock(f"cpu-{cpu}")
                            with contextlib.suppress(Timeout):
                                lock.acquire(blocking=False)
                                held[cpu] = lock
                    if len(held) < count and cancel.wait(_POLL_S):
                        raise _cancelled()
            yield tuple(sorted(held))
        finally:
            for lock in held.values():
                lock.release()

    def for_program(
        self, runner: Runner, info: DeviceInfo, threads: int, cancel: threading.Event
    ) -> contextlib.AbstractContextManager[tuple[int, ...]]:
        """Cores for a program that computes on this computer's; none for others.

        Raises:
            Cancelled: The event was set while waiting.
        """
        if info.shares_host_cpu and runner.needs_cpu:
            return self.cores(threads, cancel)
        return contextlib.nullcontext(())

    @contextlib.contextmanager
    def _door(self, cancel: threading.Event) -> Iterator[None]:
        lock = self._lock("door")
        while True:
            try:
                lock.acquire(blocking=False)
                break
            except Timeout:
                if cancel.wait(_POLL_S):
                    raise _cancelled() from None
        try:
            yield
        finally:
            lock.release()

    def _lock(self, name: str) -> FileLock:
        # Not thread-local and not a singleton: each holder is an open file of its own,
        # so threads of one process exclude each other as processes do.
        return FileLock(
            self._folder / f"{name}.lock", thread_local=False, is_singleton=False
        )


def _cancelled() -> Cancelled:
    return Cancelled("run", "stopped while waiting for a free core", "")
