"""The part of a sustained run that is done on a device, on one that is scripted."""

from __future__ import annotations

import contextlib
import threading

import msgspec
import pytest

from pocketbench.bench.errors import Cancelled, DeviceLostError, LaunchError
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.execute import measure, noting_the_end
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.runner_binding import RunnerBinding
from pocketbench.bench.measure.store import Store
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.blocks import whole_blocks
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.device import (
    CommandResult,
    DeviceInfo,
)
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Measurement
from pocketbench.bench.records.runner import Command
from pocketbench.bench.records.sustained import Sustained
from tests import factories


class Phone:
    """Runs a program for as long as it is looked at so often."""

    def __init__(self, info, cancel):
        self.info = info
        self.cancel = cancel
        self.looks_until_end = 3
        self.ends_when_asked = True
        self.asked = []
        self.on_look = lambda number: None
        self._looks = 0
        self._looked = threading.Condition()
        self.is_running = False

    def push(self, objects):
        return tuple(map(factories.device_file, objects))

    def run(self, argv, *, timeout_s, grace_s=0.0, **_):
        if grace_s == 0:
            return CommandResult(stdout=b"short", stderr=b"", exit_code=0)
        self.asked.append((tuple(argv), timeout_s, grace_s))
        with self._looked:
            self.is_running, self._looks = True, 0
            enough = lambda: (  # noqa: E731
                self._looks >= self.looks_until_end or self.cancel.is_set()
            )
            assert self._looked.wait_for(enough, timeout=60)
            self.is_running = False
        if self.cancel.is_set() and not self.ends_when_asked:
            raise Cancelled(self.info.id, "stopped", "")
        said = b"stopped" if self.cancel.is_set() else b"whole"
        return CommandResult(stdout=said, stderr=b"", exit_code=0, duration_ns=1)

    def conditions(self):
        with self._looked:
            if self.cancel.is_set():
                raise Cancelled(self.info.id, "stopped", "")
            if self.is_running:
                self._looks += 1
                try:
                    self.on_look(self._looks)
                finally:
                    self._looked.notify_all()
        return Conditions(uptime_s=float(self._looks))


class Runner:
    name = "counting"
    formats = frozenset({"ptl"})
    needs_cpu = False
    can_last = True

    def __init__(self):
        self.requests = []
        self.fails = set()

    def command(self, request):
        self.requests.append(request)
        return Command(argv=("program", request.model_path))

    def parse(self, result, artifact, request):
        if artifact.variant in self.fails:
            raise LaunchError(FailureReason.MISSING_OPERATOR, "phone", "no op")
        return Measurement(
            latencies_ns=(10, 11),
            gaps_ns=(1, 1),
            was_stopped=result.stdout == b"stopped",
        )


PROGRAM = factories.program("counting")


class Bench:
    """Runs a sustained plan on one phone and reads the stored run back."""

    def __init__(self, folder, records):
        self.folder = folder
        self.records = records
        self.cancel = threading.Event()
        self.info = DeviceInfo(id="android:1", family="android", name="scripted")
        self.phone = Phone(self.info, self.cancel)
        self.runner = Runner()
        plan = records.plan("float32", "int8-static", blocks=1)
        self.plan = msgspec.structs.replace(
            plan,
            sustained=Sustained(duration_s=600, interval_s=0.01),
            cooldown=msgspec.structs.replace(plan.cooldown, is_on=False),
        )

    @contextlib.contextmanager
    def open(self, info, *, cancel):
        yield self.phone

    def run(self, *, resume=False):
        before = read_run(self.folder) if resume else None
        artifacts = {
            (v.model, v.name): self.records.artifact(v.name, model=v.model)
            for v in self.plan.variants
        }
        job = DeviceJob(
            SelectedDevice(self, self.info),
            [RunnerBinding(self.runner, PROGRAM)],
            models={m.name: self.plan.variants_of(m.name) for m in self.plan.models},
            artifacts=artifacts,
        )
        launches = (x.launch for x in before.sustained) if before else ()
        with Store(self.folder) as store:
            if not resume:
                store.append(self.records.started(self.plan))
            lease = CpuLease(self.folder / "locks")
            run = RunContext(self.plan, store, lease, Observer(), self.cancel)
            with noting_the_end(store):
                measure(
                    run,
                    [job],
                    launches=tuple(launches),
                    failures=before.failures if before else (),
                )
        return read_run(self.folder)


@pytest.fixture
def bench(tmp_path, records):
    return Bench(tmp_path, records)


def test_each_variant_runs_once_and_is_watched_meanwhile(bench):
    run = bench.run()

    assert run.launches == ()
    assert {x.launch.variant_id for x in run.sustained} == {"float32", "int8-static"}
    for record in run.sustained:
        assert record.asked == bench.plan.sustained
        assert len(record.readings) >= 3
        assert [r.conditions.uptime_s for r in record.readings[:3]] == [1, 2, 3]
        times = [reading.at_ns for reading in record.readings]
        assert times == sorted(times)
        assert all(reading.took_ns > 0 for reading in record.readings)
        assert record.launch.conditions_before is not None
    for request in bench.runner.requests:
        assert (request.min_duration_s, request.reports_gaps) == (600, True)
    for _, timeout_s, grace_s in bench.phone.asked:
        assert timeout_s == 600 + bench.plan.workload.timeout_s
        assert grace_s > 0


def test_no_launch_of_it_is_one_of_a_block(bench):
    run = bench.run()

    whole = whole_blocks(
        run.launches, device_id="android:1", model="net", variant_ids=["float32"]
    )
    assert whole == {}


def test_stopped_it_keeps_what_there_is_and_resume_does_the_rest(bench):
    bench.phone.on_look = lambda number: number == 2 and bench.cancel.set()

    with pytest.raises(Cancelled):
        bench.run()
    run = read_run(bench.folder)
    assert run.outcome == "interrupted"
    (stopped,) = run.sustained
    assert stopped.launch.measurement.was_stopped
    assert stopped.launch.measurement.latencies_ns == (10, 11)
    assert len(stopped.readings) == 2

    bench.cancel.clear()
    bench.phone.on_look = lambda number: None
    run = bench.run(resume=True)
    whole = [x for x in run.sustained if not x.launch.measurement.was_stopped]
    assert {x.launch.variant_id for x in whole} == {"float32", "int8-static"}
    assert len(run.sustained) == 3
    assert bench.run(resume=True).sustained == run.sustained


def test_a_program_that_does_not_end_when_asked_leaves_nothing(bench):
    bench.phone.ends_when_asked = False
    bench.phone.on_look = lambda number: bench.cancel.set()

    with pytest.raises(Cancelled):
        bench.run()

    assert read_run(bench.folder).sustained == ()
    assert read_run(bench.folder).failures == ()


def test_a_look_that_fails_ends_the_looking_and_not_the_launch(bench):
    def lose(number):
        if number == 3:
            raise DeviceLostError(
                "phone", "gone", "replug it", FailureReason.DEVICE_LOST
            )

    bench.phone.on_look = lose

    run = bench.run()

    assert {len(record.readings) for record in run.sustained} == {2}


def test_a_variant_that_cannot_be_loaded_is_a_failure_and_the_other_goes_on(bench):
    bench.runner.fails.add("int8-static")

    run = bench.run()

    assert [x.launch.variant_id for x in run.sustained] == ["float32"]
    (failure,) = run.failures
    assert failure.variant_id == "int8-static"


def test_a_device_that_cannot_be_watched_is_measured_all_the_same(bench):
    class Plain:
        info = bench.info
        push, conditions = bench.phone.push, staticmethod(lambda: None)

        def run(self, argv, **_):
            return CommandResult(stdout=b"whole", stderr=b"", exit_code=0)

    bench.phone = Plain()

    run = bench.run()

    assert len(run.sustained) == 2
    assert all(record.readings == () for record in run.sustained)
