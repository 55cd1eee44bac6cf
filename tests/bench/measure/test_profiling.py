"""What is observed after the launches that count, on a scripted device."""

import contextlib
import threading

import pytest
from msgspec.structs import replace

from pocketbench.bench.errors import Cancelled, DeviceLostError, LaunchError
from pocketbench.bench.measure import faults
from pocketbench.bench.measure.auxiliary.profiling import profile_operators
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.runner_binding import RunnerBinding
from pocketbench.bench.measure.store import Store
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.device import (
    CommandResult,
    DeviceInfo,
)
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.operator_times import (
    OperatorProfile,
    OperatorTime,
    OperatorTimes,
    ProfileFailure,
)
from pocketbench.bench.records.runner import Command
from tests import factories

TIMES = OperatorTimes(
    operators=(OperatorTime(name="aten::add", calls=3, self_ns=30),), inferences=3
)
PROGRAM = factories.program("observing")


class Runner:
    name = "observing"
    formats = frozenset({"ptl"})
    needs_cpu = False

    def profile_command(self, request):
        return Command(argv=("program", request.model_path))

    def parse_profile(self, result, artifact, request):
        if result.exit_code:
            raise LaunchError(
                Reason.NO_OPERATOR_TIMES, artifact.model, "it reports none"
            )
        return TIMES


class SilentRunner:
    name = "silent"
    formats = frozenset({"ptl"})
    needs_cpu = False


class Phone:
    """Opens, holds everything, and answers as configured."""

    def __init__(self):
        self.info = DeviceInfo(id="phone", family="host", name="phone")
        self.opened = 0
        self.ran = []
        self.answer = lambda argv: 0

    @contextlib.contextmanager
    def open(self, info, *, cancel):
        self.opened += 1
        yield self

    def push(self, objects):
        return tuple(map(factories.device_file, objects))

    def run(self, argv, *, timeout_s, **_):
        self.ran.append(argv)
        answer = self.answer(argv)
        if isinstance(answer, Exception):
            raise answer
        return CommandResult(stdout=b"", stderr=b"", exit_code=answer)


class Notes(Observer):
    def __init__(self):
        self.texts = []

    def note(self, subject, text):
        self.texts.append(text)


def in_blocks(plan, blocks):
    return replace(plan, workload=replace(plan.workload, blocks=blocks))


class Bench:
    def __init__(self, folder, records):
        self.folder = folder
        self.records = records
        self.phone = Phone()
        self.notes = Notes()
        self.plan = in_blocks(records.plan("float32", "int8-static", "int8-dynamic"), 1)

    def measured(self, *variants):
        """A stored run in which these variants were measured."""
        with Store(self.folder) as store:
            store.append(self.records.started(self.plan))
            for name in variants:
                store.append(self.records.launch(name, device_id="phone"))

    def profiles(self, runner=None):
        artifacts = {
            (v.model, v.name): self.records.artifact(v.name) for v in self.plan.variants
        }
        job = DeviceJob(
            SelectedDevice(self.phone, self.phone.info),
            [RunnerBinding(runner or Runner(), PROGRAM)],
            models={"net": self.plan.variants_of("net")},
            artifacts=artifacts,
        )
        with Store(self.folder) as store:
            lease = CpuLease(self.folder / "locks")
            cancel = threading.Event()
            run = RunContext(self.plan, store, lease, self.notes, cancel)
            profile_operators(run, [job])
        return read_run(self.folder).profiles


@pytest.fixture
def bench(tmp_path, records):
    return Bench(tmp_path / "run", records)


def test_what_was_measured_is_observed_once_and_counts_as_no_launch(bench):
    bench.measured("float32", "int8-static")

    first, second = bench.profiles()

    assert isinstance(first, OperatorProfile)
    assert (first.variant_id, second.variant_id) == ("float32", "int8-static")
    assert first.times == TIMES
    run = read_run(bench.folder)
    assert len(run.launches) == 2
    assert run.failures == ()


def test_what_has_a_profile_is_not_observed_again_and_opens_no_device(bench):
    bench.measured("float32", "int8-static")
    bench.profiles()
    ran = list(bench.phone.ran)

    bench.profiles()

    assert bench.phone.ran == ran
    assert bench.phone.opened == 1


def test_what_could_not_be_observed_is_a_note_and_is_tried_again(bench):
    bench.measured("float32", "int8-static")
    bench.phone.answer = lambda argv: 1 if len(bench.phone.ran) == 1 else 0

    failed, observed = bench.profiles()
    assert isinstance(failed, ProfileFailure)
    assert isinstance(observed, OperatorProfile)
    assert failed.reason is Reason.NO_OPERATOR_TIMES
    assert "net float32: no operator times: it reports none" in bench.notes.texts
    assert read_run(bench.folder).failures == ()

    assert all(isinstance(each, OperatorProfile) for each in bench.profiles())
    assert len(bench.phone.ran) == 3


def test_a_program_that_cannot_observe_is_reported_without_opening_a_device(bench):
    bench.measured("float32")

    (failed,) = bench.profiles(SilentRunner())

    assert failed.fact == "silent does not report single operators"
    assert "EVENT_TRACER" in failed.remedy
    assert bench.phone.opened == 0


LOST = DeviceLostError("phone", "it went away", "Look", Reason.DEVICE_LOST)


def test_a_device_that_is_lost_for_a_moment_is_opened_again(bench, monkeypatch):
    monkeypatch.setattr(faults, "BACK_OFF_S", 0.0)
    bench.measured("float32", "int8-static", "int8-dynamic")
    bench.phone.answer = lambda argv: LOST if len(bench.phone.ran) == 2 else 0

    found = bench.profiles()

    assert len(found) == 3
    assert all(isinstance(x, OperatorProfile) for x in found)
    assert bench.phone.opened == 2


def test_a_device_that_is_lost_takes_the_profiles_that_are_missing_with_it(
    bench, monkeypatch
):
    monkeypatch.setattr(faults, "BACK_OFF_S", 0.0)
    bench.measured("float32", "int8-static", "int8-dynamic")
    bench.phone.answer = lambda argv: LOST if len(bench.phone.ran) >= 2 else 0

    observed, *failed = bench.profiles()

    assert isinstance(observed, OperatorProfile)
    assert [each.reason for each in failed] == [Reason.DEVICE_LOST] * 2


def test_a_user_who_stops_leaves_what_was_observed(bench):
    bench.measured("float32", "int8-static")
    stop = Cancelled("run", "stopped by the user", "Go on")
    bench.phone.answer = lambda argv: stop if len(bench.phone.ran) == 2 else 0

    with pytest.raises(Cancelled):
        bench.profiles()

    (observed,) = read_run(bench.folder).profiles
    assert observed.variant_id == "float32"


def test_variants_are_observed_in_turn_in_blocks_as_they_are_timed(bench):
    bench.plan = in_blocks(bench.plan, 3)
    bench.measured("float32", "int8-static")

    found = bench.profiles()

    assert [(x.block, x.variant_id) for x in found] == [
        (0, "float32"), (0, "int8-static"),
        (1, "int8-static"), (1, "float32"),
        (2, "float32"), (2, "int8-static"),
    ]  # fmt: skip


def test_what_cannot_be_observed_is_tried_in_one_block_and_reported_once(bench):
    bench.plan = in_blocks(bench.plan, 3)
    bench.measured("float32", "int8-static")
    bench.phone.answer = lambda argv: 1 if len(bench.phone.ran) == 1 else 0

    found = bench.profiles()

    failed = [x for x in found if isinstance(x, ProfileFailure)]
    assert [x.variant_id for x in failed] == ["float32"]
    assert len(bench.phone.ran) == 1 + 3
