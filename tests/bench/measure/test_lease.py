import multiprocessing
import os
import signal
import threading

import pytest

from pocketbench.bench.errors import Cancelled
from pocketbench.bench.measure.lease import CpuLease, physical_cores


def test_the_cores_lent_are_ones_this_process_may_use():
    assert set(physical_cores()) <= os.sched_getaffinity(0)


def test_two_holders_never_share_a_core(tmp_path):
    lease = CpuLease(tmp_path, cpus=(0, 1, 2))
    busy, clashes = [], []

    def hold():
        for _ in range(40):
            with lease.cores(1, threading.Event()) as cpus:
                clashes.extend(set(cpus) & set(busy))
                busy.extend(cpus)
                for cpu in cpus:
                    busy.remove(cpu)

    threads = [threading.Thread(target=hold) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert clashes == []
    assert busy == []


def test_more_cores_than_there_are_gets_all_of_them(tmp_path):
    with CpuLease(tmp_path, cpus=(4, 5)).cores(9, threading.Event()) as cpus:
        assert cpus == (4, 5)


def test_one_core_is_left_to_what_makes_the_launches(tmp_path):
    lease = CpuLease(tmp_path, cpus=(0, 1, 2))
    with (
        lease.cores(1, threading.Event()) as one,
        lease.cores(1, threading.Event()) as two,
    ):
        assert {*one, *two} == {1, 2}

        third = threading.Event()
        threading.Timer(0.05, third.set).start()
        with pytest.raises(Cancelled), lease.cores(1, third):
            pass

    with lease.cores(3, threading.Event()) as cpus:
        assert cpus == (0, 1, 2)


def test_whoever_waits_for_many_cores_is_not_overtaken(tmp_path):
    lease = CpuLease(tmp_path, cpus=(0, 1))
    order = []
    waiting = threading.Event()

    def wants_both():
        waiting.set()
        with lease.cores(2, threading.Event()):
            order.append("both")

    with lease.cores(1, threading.Event()):
        both = threading.Thread(target=wants_both)
        both.start()
        waiting.wait()
        while not _door_is_held(tmp_path):
            pass
        one = threading.Thread(
            target=lambda: _take(lease, order),
        )
        one.start()
    both.join()
    one.join()

    assert order == ["both", "one"]


def _take(lease, order):
    with lease.cores(1, threading.Event()):
        order.append("one")


def _door_is_held(folder):
    from filelock import FileLock, Timeout

    lock = FileLock(folder / "door.lock", thread_local=False, is_singleton=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False


def test_waiting_ends_when_the_run_is_cancelled(tmp_path):
    lease = CpuLease(tmp_path, cpus=(0,))
    cancel = threading.Event()

    with lease.cores(1, threading.Event()):
        threading.Timer(0.05, cancel.set).start()
        with pytest.raises(Cancelled), lease.cores(1, cancel):
            pass


def _hold_for_ever(folder, pipe):
    with CpuLease(folder, cpus=(0,)).cores(1, threading.Event()):
        pipe.send("held")
        signal.pause()


def test_a_killed_process_gives_its_cores_back(tmp_path):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hold_for_ever, args=(tmp_path, theirs))
    process.start()
    assert ours.recv() == "held"
    process.kill()
    process.join()

    with CpuLease(tmp_path, cpus=(0,)).cores(1, threading.Event()) as cpus:
        assert cpus == (0,)
