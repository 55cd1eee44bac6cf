"""The moments at which launches on several devices begin."""

import itertools
import threading

import pytest

from pocketbench.bench.errors import Cancelled
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.execute import measure
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.runner_binding import RunnerBinding
from pocketbench.bench.measure.spacing import LaunchSpacing
from pocketbench.bench.measure.store import Store
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.device import DeviceInfo
from tests.bench.measure.test_session import (
    PROGRAM,
    CountingRunner,
    ScriptedDriver,
)


def test_phones_that_end_together_begin_apart():
    spacing = LaunchSpacing()
    for number in range(64):
        spacing.delay_s(f"phone-{number}", now=0.0)

    begins = [spacing.delay_s(f"phone-{n}", now=100.0) for n in range(64)]

    assert begins[0] == 0.0
    assert all(b - a > 0.005 for a, b in itertools.pairwise(begins))
    assert begins[-1] < 1.0


def test_more_phones_wait_no_longer():
    spacing = LaunchSpacing()
    for number in range(1000):
        spacing.delay_s(f"phone-{number}", now=0.0)

    assert max(spacing.delay_s(f"phone-{n}", now=100.0) for n in range(1000)) < 1.0


def test_phones_that_are_spread_out_do_not_wait():
    spacing = LaunchSpacing()
    spacing.delay_s("one", now=0.0)
    spacing.delay_s("two", now=0.5)

    assert spacing.delay_s("one", now=1.0) == 0.0
    assert spacing.delay_s("two", now=1.5) == 0.0


def test_a_device_alone_never_waits():
    spacing = LaunchSpacing()

    assert [spacing.delay_s("one", now=1.0) for _ in range(3)] == [0.0, 0.0, 0.0]


class FarApart(LaunchSpacing):
    """Gives a launch a moment that no test lives to see."""

    def __init__(self):
        super().__init__()
        self.asked = threading.Event()

    def delay_s(self, device_id, now):
        self.asked.set()
        return 3600.0


def test_a_launch_waits_for_its_moment_and_ctrl_c_ends_the_wait(tmp_path, records):
    plan = records.plan("float32", blocks=1)
    started = []
    spacing, cancel = FarApart(), threading.Event()
    job = DeviceJob(
        SelectedDevice(
            ScriptedDriver(started.append),
            DeviceInfo(id="host", family="host", name="scripted"),
        ),
        [RunnerBinding(CountingRunner(), PROGRAM)],
        models={"net": plan.variants},
        artifacts={("net", "float32"): records.artifact("float32")},
    )

    def stop():
        spacing.asked.wait()
        cancel.set()

    with Store(tmp_path) as store:
        lease = CpuLease(tmp_path / "locks")
        run = RunContext(plan, store, lease, Observer(), cancel, spacing)
        threading.Thread(target=stop, daemon=True).start()
        with pytest.raises(Cancelled):
            measure(run, [job])

    assert not started
