"""A phone that grows hot while it is measured, as its session sees it."""

import threading
from collections import Counter

import msgspec
import pytest

from pocketbench.bench.judge.valid_launches import counted_launches, redone_launches
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.execute import measure
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.runner_binding import RunnerBinding
from pocketbench.bench.measure.store import Store
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.blocks import whole_blocks
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.conditions import Conditions, Thermal
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.launch import Measurement
from pocketbench.bench.records.plan import CooldownLimits
from tests.bench.measure.test_session import (
    PROGRAM,
    Bench,
    CountingRunner,
    ScriptedDriver,
)

QUICK = CooldownLimits(first_wait_s=0.02, step_s=0.01, max_wait_s=0.2)


class HotPhone:
    """Hot during some of its launches, counted from 0; it cools while it is waited for.

    A launch on the hot phone takes three times as long.
    """

    def __init__(self, hot_launches):
        self.hot_launches = set(hot_launches)
        self.launches = 0
        self.status = 0

    def answer(self, argv):
        self.status = 2 if self.launches in self.hot_launches else 0
        self.launches += 1

    def read(self):
        reported, self.status = self.status, 0
        return Conditions(thermal=Thermal(status=reported))

    def runner(self):
        phone = self

        class Runner(CountingRunner):
            def parse(self, result, artifact, request):
                hot = phone.launches - 1 in phone.hot_launches
                return Measurement(latencies_ns=(300,) if hot else (100,))

        return Runner()


@pytest.fixture
def measured(tmp_path, records):
    """Measure a plan on a phone that is hot in these launches."""

    def measure(
        hot_launches, *, cooldown=QUICK, blocks=3, resume=False, family="android"
    ):
        bench = Bench(tmp_path, records)
        bench.info = DeviceInfo(id="host", family=family, name="phone")
        phone = HotPhone(hot_launches)
        bench.driver.answer = phone.answer
        bench.driver.read = phone.read
        plan = msgspec.structs.replace(
            records.plan("float32", "int8-static", blocks=blocks), cooldown=cooldown
        )
        run = bench.run(plan, runner=phone.runner(), resume=resume)
        artifacts = (records.artifact("float32"), records.artifact("int8-static"))
        return msgspec.structs.replace(run, artifacts=artifacts), phone

    return measure


def latencies(run):
    return {
        x.measurement.latencies_ns[0]
        for launches in counted_launches(run).values()
        for x in launches
    }


def test_a_warm_up_block_is_launched_and_not_kept(measured):
    run, phone = measured(())
    assert phone.launches == 2 + 6
    assert len(run.launches) == 6


def test_a_throttled_block_is_marked_and_done_again_whole(measured):
    run, _ = measured({4})

    tainted = [x for x in run.launches if Caveat.THROTTLED in x.caveats]
    assert [(x.block, x.attempt) for x in tainted] == [(1, 0)]
    assert whole_blocks(
        run.launches,
        device_id="host",
        model="net",
        variant_ids=["float32", "int8-static"],
    ) == {0: 0, 1: 1, 2: 0}
    assert latencies(run) == {100}


def test_what_was_done_again_is_counted_by_variant(measured):
    run, _ = measured({4})
    (slow,) = [x for x in run.launches if Caveat.THROTTLED in x.caveats]

    redone = redone_launches(run, counted_launches(run))

    assert {key.variant_id: n for key, n in redone.items()} == {slow.variant_id: 1}


def test_a_block_is_done_again_twice_at_most_and_then_stands_with_its_caveat(measured):
    run, _ = measured(range(2, 100), blocks=1)

    assert Counter(x.attempt for x in run.launches) == {0: 2, 1: 2, 2: 2}
    assert latencies(run) == {300}
    assert all(Caveat.THROTTLED in x.caveats for x in run.launches)


def test_a_resumed_run_does_no_throttled_block_a_fourth_time(measured):
    first, _ = measured(range(2, 100), blocks=1)
    again, phone = measured((), blocks=1, resume=True)

    assert phone.launches == 0
    assert again.launches == first.launches


def test_with_the_gate_off_nothing_is_warmed_or_done_again_but_marked(measured):
    run, phone = measured({2}, cooldown=CooldownLimits(is_on=False))

    assert phone.launches == 6
    assert latencies(run) == {100, 300}
    assert sum(Caveat.THROTTLED in x.caveats for x in run.launches) == 1


def test_a_computer_is_neither_warmed_nor_judged_by_heat(measured):
    run, phone = measured({2}, family="host")

    assert phone.launches == 6
    assert not any(x.caveats for x in run.launches)


class CountingObserver(Observer):
    """Sets an event when a device has stored so many launches."""

    def __init__(self, device_id, launches):
        self.device_id, self.missing = device_id, launches
        self.is_done = threading.Event()

    def launch_finished(self, info, launch):
        if info.id == self.device_id:
            self.missing -= 1
            if not self.missing:
                self.is_done.set()


def test_a_phone_that_cools_down_holds_no_other(tmp_path, records):
    limits = msgspec.structs.replace(QUICK, max_wait_s=600.0)
    plan = msgspec.structs.replace(records.plan(blocks=3), cooldown=limits)
    observer = CountingObserver("cool", 6)

    def job(name, status):
        driver = ScriptedDriver()
        driver.read = lambda: Conditions(thermal=Thermal(status=status()))
        return DeviceJob(
            SelectedDevice(driver, DeviceInfo(id=name, family="android", name=name)),
            [RunnerBinding(CountingRunner(), PROGRAM)],
            models={"net": plan.variants},
            artifacts={
                ("net", x.name): records.artifact(x.name) for x in plan.variants
            },
        )

    hot = job("hot", lambda: 0 if observer.is_done.is_set() else 3)
    cool = job("cool", lambda: 0)
    with Store(tmp_path) as store:
        store.append(records.started(plan))
        lease, cancel = CpuLease(tmp_path / "locks"), threading.Event()
        measure(RunContext(plan, store, lease, observer, cancel), [hot, cool])

    launches = read_run(tmp_path).launches
    assert [x.device_id for x in launches] == ["cool"] * 6 + ["hot"] * 6
    assert not any(x.caveats for x in launches)
    for name in ("hot", "cool"):
        whole = whole_blocks(
            launches,
            device_id=name,
            model="net",
            variant_ids=["float32", "int8-static"],
        )
        assert whole == {0: 0, 1: 0, 2: 0}


def test_a_phone_that_never_settles_is_measured_once_with_its_caveat(tmp_path, records):
    bench = Bench(tmp_path, records)
    bench.info = DeviceInfo(id="host", family="android", name="phone")
    bench.driver.read = lambda: Conditions(thermal=Thermal(status=3))
    plan = msgspec.structs.replace(records.plan(blocks=2), cooldown=QUICK)

    run = bench.run(plan)

    assert len(run.launches) == 4
    assert all(x.caveats == (Caveat.THERMAL_UNSETTLED,) for x in run.launches)
