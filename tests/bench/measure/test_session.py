"""One device's session, on a device that answers as each test scripts it."""

import contextlib
import itertools
import threading
from collections import Counter
from itertools import groupby

import msgspec
import pytest

from pocketbench.bench.errors import (
    Cancelled,
    DeviceLostError,
    DeviceUnavailableError,
    LaunchError,
)
from pocketbench.bench.measure import device_session, faults
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
    LocalFile,
)
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Measurement
from pocketbench.bench.records.runner import Command
from tests import factories


class ScriptedDevice:
    """A device whose every run is answered by a function of the variant."""

    def __init__(self, info, answer, read, cancel):
        self.info = info
        self.read = read
        self._answer = answer
        self._cancel = cancel

    def push(self, objects):
        return tuple(map(factories.device_file, objects))

    def run(self, argv, *, timeout_s, **_):
        if self._cancel.is_set():
            raise Cancelled("run", "stopped", "")
        self._answer(argv)
        return CommandResult(
            stdout=b"ok", stderr=b"", exit_code=0, duration_ns=1_000_000
        )

    def conditions(self):
        return self.read()


class ScriptedDriver:
    def __init__(self, answer=lambda argv: None):
        self.answer = answer
        self.read = Conditions
        self.opened = 0
        self.unavailable = None

    def discover(self):
        return ()

    @contextlib.contextmanager
    def open(self, info, *, cancel):
        self.opened += 1
        if self.unavailable:
            raise self.unavailable
        yield ScriptedDevice(info, self.answer, self.read, cancel)


class CountingRunner:
    name = "counting"
    formats = frozenset({"ptl"})
    needs_cpu = False

    def command(self, request):
        return Command(argv=("program", request.model_path))

    def parse(self, result, artifact, request):
        return Measurement(latencies_ns=(10, 11, 12))


PROGRAM = factories.program("counting")


class Bench:
    """Runs a plan on one scripted device and reads the stored run back."""

    def __init__(self, folder, records):
        self.folder = folder
        self.records = records
        self.driver = ScriptedDriver()
        self.cancel = threading.Event()
        self.observer = Observer()
        self.info = DeviceInfo(id="host", family="host", name="scripted")

    def run(
        self,
        plan,
        *,
        runner=None,
        bindings=None,
        formats=None,
        missing_artifacts=(),
        resume=False,
    ):
        formats = formats or {}
        artifacts = {
            (variant.model, variant.name): msgspec.structs.replace(
                self.records.artifact(variant.name, model=variant.model),
                format=formats.get(variant.name, "ptl"),
            )
            for variant in plan.variants
            if variant.name not in missing_artifacts
        }
        job = DeviceJob(
            SelectedDevice(self.driver, self.info),
            bindings or [RunnerBinding(runner or CountingRunner(), PROGRAM)],
            models={m.name: plan.variants_of(m.name) for m in plan.models},
            artifacts=artifacts,
        )
        before = read_run(self.folder) if resume else None
        with Store(self.folder) as store:
            if not resume:
                store.append(self.records.started(plan))
            lease = CpuLease(self.folder / "locks")
            run = RunContext(plan, store, lease, self.observer, self.cancel)
            with noting_the_end(store):
                measure(
                    run,
                    [job],
                    launches=before.launches if before else (),
                    failures=before.failures if before else (),
                )
        return read_run(self.folder)


@pytest.fixture
def bench(tmp_path, records, monkeypatch):
    monkeypatch.setattr(faults, "BACK_OFF_S", 0.0)
    return Bench(tmp_path, records)


def test_every_variant_is_launched_once_in_each_block(bench, records):
    run = bench.run(records.plan("float32", "int8-static", blocks=5))

    counts = Counter(launch.variant_id for launch in run.launches)
    assert counts == {"float32": 5, "int8-static": 5}
    for _, block in groupby(run.launches, key=lambda launch: launch.block):
        assert {launch.variant_id for launch in block} == {"float32", "int8-static"}
    assert run.outcome == "finished"


def test_models_take_turns_block_by_block(bench, records):
    run = bench.run(records.plan("float32", blocks=2, models=("one", "two")))

    assert [(launch.block, launch.model) for launch in run.launches] == [
        (0, "one"),
        (0, "two"),
        (1, "one"),
        (1, "two"),
    ]


def test_a_variant_that_cannot_be_loaded_is_tried_once_and_the_other_goes_on(
    bench, records
):
    class Refusing(CountingRunner):
        def parse(self, result, artifact, request):
            if artifact.variant == "int8-static":
                raise LaunchError(FailureReason.MISSING_OPERATOR, "host", "no op")
            return super().parse(result, artifact, request)

    plan = records.plan("float32", "int8-static", blocks=3)
    run = bench.run(plan, runner=Refusing())

    assert len(run.failures) == 1
    whole = whole_blocks(
        run.launches, device_id="host", model="net", variant_ids=["float32"]
    )
    assert sorted(whole) == [0, 1, 2]


def test_a_crash_breaks_its_block_which_is_repeated_whole(bench, records):
    class CrashingOnce(CountingRunner):
        crashed = False

        def parse(self, result, artifact, request):
            if artifact.variant == "int8-static" and not self.crashed:
                self.crashed = True
                raise LaunchError(FailureReason.CRASHED, "host", "SIGSEGV")
            return super().parse(result, artifact, request)

    run = bench.run(records.plan("float32", "int8-static"), runner=CrashingOnce())

    whole = whole_blocks(
        run.launches,
        device_id="host",
        model="net",
        variant_ids=["float32", "int8-static"],
    )
    assert whole == {0: 1, 1: 0}


def test_a_device_that_comes_back_goes_on_and_repeats_the_broken_block(bench, records):
    runs = []

    def answer(argv):
        runs.append(argv)
        if len(runs) == 2:
            raise DeviceLostError(
                "host", "gone", "look", reason=FailureReason.DEVICE_LOST
            )

    bench.driver.answer = answer
    run = bench.run(records.plan("float32", "int8-static", blocks=2))

    assert bench.driver.opened == 2
    assert [failure.reason for failure in run.failures] == [FailureReason.DEVICE_LOST]
    whole = whole_blocks(
        run.launches,
        device_id="host",
        model="net",
        variant_ids=["float32", "int8-static"],
    )
    assert whole == {0: 1, 1: 0}


def test_a_device_that_keeps_going_away_is_quarantined(bench, records):
    def answer(argv):
        raise lost()

    bench.driver.answer = answer
    run = bench.run(records.plan(blocks=4))

    assert bench.driver.opened == 3
    assert run.launches == ()
    assert [failure.retry for failure in run.failures] == [1, 2, 0, 0]
    last = run.failures[-1]
    assert (last.reason, last.model) == (FailureReason.QUARANTINED, None)
    assert "3 failures in a row (last: device lost: gone)" in last.fact


def test_a_device_may_go_away_often_as_long_as_it_gets_on(bench, records):
    runs = itertools.count(1)

    def answer(argv):
        if next(runs) % 3 == 0:
            raise lost()

    bench.driver.answer = answer
    run = bench.run(records.plan("float32", "int8-static", blocks=8))

    whole = whole_blocks(
        run.launches,
        device_id="host",
        model="net",
        variant_ids=["float32", "int8-static"],
    )
    assert sorted(whole) == list(range(8))
    assert {failure.retry for failure in run.failures} == {1}


def test_what_crashes_after_it_was_measured_counts_against_the_device(bench, records):
    class CrashingLater(CountingRunner):
        parsed = 0

        def parse(self, result, artifact, request):
            self.parsed += 1
            if self.parsed > 4:
                raise LaunchError(FailureReason.CRASHED, "host", "SIGBUS")
            return super().parse(result, artifact, request)

    models = ("one", "two", "three")
    plan = records.plan("float32", blocks=3, models=models)
    run = bench.run(plan, runner=CrashingLater())

    assert len(run.launches) == 4
    assert [x.reason for x in run.failures] == [
        *[FailureReason.CRASHED] * 3,
        FailureReason.QUARANTINED,
    ]


def test_models_that_never_ran_do_not_count_against_the_device(bench, records):
    class CrashingAlways(CountingRunner):
        def parse(self, result, artifact, request):
            raise LaunchError(FailureReason.CRASHED, "host", "SIGSEGV")

    models = ("one", "two", "three")
    plan = records.plan("float32", models=models)
    run = bench.run(plan, runner=CrashingAlways())

    assert {x.model for x in run.failures} == set(models)
    assert {x.reason for x in run.failures} == {FailureReason.CRASHED}


class NotingObserver(Observer):
    """Keeps the notes."""

    def __init__(self):
        self.notes = []

    def note(self, subject, text):
        self.notes.append(text)


def test_each_retry_in_a_row_waits_twice_as_long_as_the_one_before(
    bench, records, monkeypatch
):
    def answer(argv):
        raise lost()

    monkeypatch.setattr(faults, "BACK_OFF_S", 0.001)
    bench.driver.answer = answer
    bench.observer = NotingObserver()
    bench.run(records.plan())

    retries = [text for text in bench.observer.notes if "again" in text]
    assert retries == ["trying again in 0.001 s", "trying again in 0.002 s"]


def lost():
    return DeviceLostError("host", "gone", "look", reason=FailureReason.DEVICE_LOST)


def test_an_unauthorized_device_is_a_row_and_not_a_crash(bench, records):
    bench.driver.unavailable = DeviceUnavailableError(
        "host", "unauthorized", "accept", reason=FailureReason.UNAUTHORIZED
    )

    run = bench.run(records.plan())

    assert bench.driver.opened == 1
    assert [failure.reason for failure in run.failures] == [FailureReason.UNAUTHORIZED]
    assert run.outcome == "finished"


def test_an_unexpected_error_is_kept_as_a_failure_of_its_device(bench, records):
    def answer(argv):
        raise ZeroDivisionError("surprise")

    bench.driver.answer = answer
    run = bench.run(records.plan())

    assert run.failures[0].reason is FailureReason.INTERNAL
    assert "ZeroDivisionError: surprise" in run.failures[0].fact


def test_a_cancelled_run_keeps_its_finished_launches_and_resumes_in_whole_blocks(
    bench, records
):
    plan = records.plan("float32", "int8-static", blocks=3)
    runs = []

    def answer(argv):
        runs.append(argv)
        if len(runs) == 4:
            bench.cancel.set()
            raise Cancelled("run", "stopped", "")

    bench.driver.answer = answer
    with pytest.raises(Cancelled, match="--resume"):
        bench.run(plan)
    stopped = read_run(bench.folder)
    assert stopped.outcome == "interrupted"
    assert len(stopped.launches) == 3

    bench.cancel.clear()
    bench.driver.answer = lambda argv: None
    resumed = bench.run(plan, resume=True)

    assert len(resumed.launches) == 3 + 4
    assert whole_blocks(
        resumed.launches,
        device_id="host",
        model="net",
        variant_ids=["float32", "int8-static"],
    ) == {0: 0, 1: 1, 2: 0}


def test_a_finished_run_resumed_does_nothing(bench, records):
    plan = records.plan(blocks=2)
    bench.run(plan)
    opened = bench.driver.opened

    run = bench.run(plan, resume=True)

    assert bench.driver.opened == opened
    assert len(run.launches) == 4


def test_a_variant_without_an_artifact_is_left_out(bench, records):
    run = bench.run(
        records.plan("float32", "int8-static"), missing_artifacts=("int8-static",)
    )

    assert {launch.variant_id for launch in run.launches} == {"float32"}


def test_conditions_right_after_a_launch_are_those_right_before_the_next(
    bench, records
):
    reported = itertools.count()
    bench.driver.read = lambda: Conditions(uptime_s=float(next(reported)))

    run = bench.run(records.plan("float32", blocks=2))

    assert [
        (launch.conditions_before.uptime_s, launch.conditions_after.uptime_s)
        for launch in run.launches
    ] == [(0, 1), (1, 2)]


def test_conditions_are_read_again_where_the_last_ones_have_grown_old(
    bench, records, monkeypatch
):
    monkeypatch.setattr(device_session, "_AS_NOW_S", 0.0)
    reported = itertools.count()
    bench.driver.read = lambda: Conditions(uptime_s=float(next(reported)))

    run = bench.run(records.plan("float32", blocks=2))

    assert [launch.conditions_before.uptime_s for launch in run.launches] == [0, 2]


def test_what_a_device_measured_before_it_went_away_stands(bench, records):
    reported = itertools.count()

    def read():
        if next(reported) == 1:
            raise DeviceLostError(
                "host", "gone", "look", reason=FailureReason.DEVICE_LOST
            )
        return Conditions()

    bench.driver.read = read
    run = bench.run(records.plan("float32", blocks=1))

    (launch,) = run.launches
    assert launch.conditions_after is None
    assert [failure.reason for failure in run.failures] == [FailureReason.DEVICE_LOST]


def test_each_variant_is_measured_by_the_program_that_loads_its_file(bench, records):
    class OtherRunner(CountingRunner):
        name = "other"
        formats = frozenset({"pte"})

        def command(self, request):
            return Command(argv=("other program", request.model_path))

    started = []
    bench.driver.answer = lambda argv: started.append(argv[0])
    other = msgspec.structs.replace(
        PROGRAM,
        runner="other",
        executable=LocalFile(path="/o", name="o", sha256="e" * 64, size_bytes=1),
    )
    bindings = [
        RunnerBinding(CountingRunner(), PROGRAM),
        RunnerBinding(OtherRunner(), other),
    ]
    plan = records.plan("float32", "float32+executorch", blocks=2)
    run = bench.run(plan, bindings=bindings, formats={"float32+executorch": "pte"})

    runners = {(launch.variant_id, launch.runner) for launch in run.launches}
    assert runners == {("float32", "counting"), ("float32+executorch", "other")}
    assert sorted(started) == ["other program"] * 2 + ["program"] * 2
    (ready,) = run.devices
    assert ready.runner == "counting"
    assert [program.runner for program in ready.other_programs] == ["other"]
    assert {"p", "o"} <= {item.name for item in ready.objects}
