"""Going from look to look, through real sessions on scripted devices."""

import itertools
import re
import threading
from collections import Counter

import pytest
from msgspec.structs import replace

from pocketbench.bench.commands.until_settled import measure_until_settled
from pocketbench.bench.errors import Cancelled, DeviceUnavailableError
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import Verdict
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.execute import noting_the_end
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.runner_binding import RunnerBinding
from pocketbench.bench.measure.store import Store
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.interim_analyses import LOOKS
from pocketbench.bench.records.launch import Measurement
from pocketbench.bench.records.plan import CooldownLimits
from pocketbench.bench.records.run import ArtifactReady
from tests import factories
from tests.bench.measure.test_session import PROGRAM, CountingRunner, ScriptedDriver

SAME = (1.0, 1.0)
FASTER = (1.0, 0.5)
UNDECIDED = (1.0, 1.012)
"""Factors of float32 and int8-static; the last lies where two launches of a spread of
6 % cannot tell in 20 blocks."""


class Looks(Observer):
    """Keeps what is said of the looks, and not what is said of a device."""

    def __init__(self):
        self.lines = []

    def note(self, subject, text):
        if subject.startswith("look"):
            self.lines.append(f"{subject}: {text}")


class Lab:
    """Two scripted devices, whose launches take what the test says."""

    def __init__(self, folder, records):
        self.folder = folder
        self.records = records
        self.factors = {}
        self.drivers = {name: ScriptedDriver() for name in ("host", "phone")}
        self.notes = Looks()
        self.cancel = threading.Event()

    def runner(self, device_id):
        count = itertools.count()
        lab = self

        class Runner(CountingRunner):
            def parse(self, result, artifact, request):
                number = next(count)
                factors = lab.factors[device_id, artifact.model]
                factor = factors[artifact.variant == "int8-static"]
                swing = (-0.03, 0.011, 0.03, -0.017, 0.023, -0.019, 0.004)[number % 7]
                spread = 2 * swing if factors is UNDECIDED else swing / 30
                return Measurement(
                    latencies_ns=(round(1e6 * factor * (1 + spread)),) * 3
                )

        return Runner()

    def run(self, plan, *, resume=False):
        artifacts = {
            (v.model, v.name): self.records.artifact(v.name, model=v.model)
            for v in plan.variants
        }
        jobs = [
            DeviceJob(
                SelectedDevice(driver, DeviceInfo(id=name, family="host", name=name)),
                [RunnerBinding(self.runner(name), PROGRAM)],
                models={m.name: plan.variants_of(m.name) for m in plan.models},
                artifacts=artifacts,
            )
            for name, driver in self.drivers.items()
        ]
        with Store(self.folder) as store:
            if not resume:
                store.append(self.records.started(plan))
                for artifact in artifacts.values():
                    store.append(ArtifactReady(artifact=artifact))
            lease = CpuLease(self.folder / "locks")
            run = RunContext(plan, store, lease, self.notes, self.cancel)
            with noting_the_end(store):
                measure_until_settled(run, jobs)
        return read_run(self.folder)

    def blocks(self):
        """How many blocks each device did of each model."""
        found = Counter()
        for launch in read_run(self.folder).launches:
            found[launch.device_id, launch.model] = launch.block + 1
        return dict(found)


class OfAnotherHost(ScriptedDriver):
    """Its phone is lost before the first launch, and a spare one takes over."""

    def __init__(self, lab):
        super().__init__()
        self._lab = lab

    def session(self, run, job, launches, failures, devices):
        return Spare(self._lab, run, job, launches)


class Spare:
    gave_up = False

    def __init__(self, lab, run, job, launches):
        self._run, self._job = run, job
        self._runner = lab.runner(job.selected.info.id)
        self._begun = max((x.block + 1 for x in launches), default=0)

    def run(self):
        info = DeviceInfo(id="spare", family="host", name="spare")
        ready = factories.device_ready(info, instead_of=self._job.selected.info.id)
        self._run.store.append(ready)
        for block in range(self._begun, self._run.plan.workload.blocks):
            for position, artifact in enumerate(self._job.artifacts.values()):
                launch = factories.launch(
                    artifact.variant,
                    model=artifact.model,
                    device_id=info.id,
                    block=block,
                    position=position,
                    artifact_sha256=artifact.sha256,
                )
                measured = self._runner.parse(None, artifact, None)
                self._run.store.append(replace(launch, measurement=measured))


@pytest.fixture
def lab(tmp_path, records):
    return Lab(tmp_path, records)


@pytest.fixture
def plan(records):
    """Two models, two variants each, to be settled."""
    plan = records.plan("float32", "int8-static", models=("one", "two"))
    workload = replace(plan.workload, blocks=LOOKS[-1], looks=LOOKS)
    return replace(plan, workload=workload, cooldown=CooldownLimits(is_on=False))


def test_what_is_settled_stops_and_the_rest_goes_on(lab, plan):
    lab.factors = {
        ("host", "one"): FASTER,
        ("host", "two"): UNDECIDED,
        ("phone", "one"): SAME,
        ("phone", "two"): FASTER,
    }

    run = lab.run(plan)

    assert lab.blocks() == {
        ("host", "one"): 6,
        ("host", "two"): 20,
        ("phone", "one"): 6,
        ("phone", "two"): 6,
    }
    assert run.outcome == "finished"
    assert lab.notes.lines[0] == (
        "look 1 of 5: 3 of 4 comparisons settled, going on to 8 blocks"
    )
    assert (
        lab.notes.lines[-1] == "look 5 of 5: 3 of 4 comparisons settled after 20 blocks"
    )
    assert lab.drivers["phone"].opened == 1
    verdicts = {
        (c.device_id, c.model): c.verdict
        for c in summarize(run).comparisons
        if c.verdict
    }
    assert verdicts == {
        ("host", "one"): Verdict.IMPROVEMENT,
        ("host", "two"): Verdict.INCONCLUSIVE,
        ("phone", "one"): Verdict.NO_CHANGE,
        ("phone", "two"): Verdict.IMPROVEMENT,
    }


def test_all_settled_at_the_first_look_is_the_end(lab, plan):
    lab.factors = dict.fromkeys(
        itertools.product(("host", "phone"), ("one", "two")), FASTER
    )

    lab.run(plan)

    assert set(lab.blocks().values()) == {6}
    assert lab.notes.lines == ["look 1 of 5: 4 of 4 comparisons settled after 6 blocks"]


def test_a_look_that_the_budget_does_not_reach_is_not_begun(lab, plan, monkeypatch):
    lab.factors = dict.fromkeys(
        itertools.product(("host", "phone"), ("one", "two")), UNDECIDED
    )
    monkeypatch.setattr(
        "pocketbench.bench.commands.until_settled.seconds_per_launch",
        lambda launches: 1000.0,
    )
    plan = replace(plan, workload=replace(plan.workload, budget_s=5000.0))

    run = lab.run(plan)

    assert set(lab.blocks().values()) == {6}
    assert run.outcome == "finished"
    (line,) = lab.notes.lines
    assert re.fullmatch(
        "look 1 of 5: 0 of 4 comparisons settled; "
        "8 blocks would take about 2.22 h more, "
        "and 8[0-3] min of the budget are left",
        line,
    )


def test_a_budget_that_ends_before_the_first_look_says_so(lab, plan):
    plan = replace(plan, workload=replace(plan.workload, budget_s=1e-9))

    run = lab.run(plan)

    assert run.launches == ()
    assert lab.notes.lines == [
        "look 1 of 5: 0 of 0 comparisons settled; "
        "the budget of 0 s was spent on the way to "
        "6 blocks"
    ]


def test_a_stopped_run_goes_on_to_the_same_looks(lab, plan):
    lab.factors = dict.fromkeys(
        itertools.product(("host", "phone"), ("one", "two")), FASTER
    )
    lab.factors["host", "two"] = UNDECIDED
    launched = itertools.count()

    def stop_later(argv):
        if next(launched) == 30:
            lab.cancel.set()

    lab.drivers["host"].answer = stop_later
    with pytest.raises(Cancelled):
        lab.run(plan)
    assert read_run(lab.folder).outcome == "interrupted"
    lab.cancel.clear()

    run = lab.run(plan, resume=True)

    assert run.outcome == "finished"
    assert lab.blocks()["host", "two"] == 20
    assert lab.blocks()["host", "one"] == 6


def test_a_device_that_is_lost_does_not_hold_up_the_end(lab, plan):
    lab.factors = dict.fromkeys(
        itertools.product(("host", "phone"), ("one", "two")), UNDECIDED
    )
    launched = itertools.count()

    def lose(argv):
        if next(launched) == 26:
            lab.drivers["phone"].unavailable = error
            raise error

    error = DeviceUnavailableError(
        "phone", "is gone", "Plug it in", FailureReason.OFFLINE
    )
    lab.drivers["phone"].answer = lose

    run = lab.run(plan)

    assert lab.blocks()["host", "one"] == 20
    assert lab.blocks()["phone", "one"] == 7
    assert run.failures[-1].reason is FailureReason.QUARANTINED


def test_a_spare_device_goes_on_with_what_is_not_settled(lab, plan):
    lab.drivers["phone"] = OfAnotherHost(lab)
    lab.factors = {
        ("host", "one"): FASTER,
        ("host", "two"): FASTER,
        ("phone", "one"): UNDECIDED,
        ("phone", "two"): UNDECIDED,
    }

    lab.run(plan)

    assert lab.blocks() == {
        ("host", "one"): 6,
        ("host", "two"): 6,
        ("spare", "one"): 20,
        ("spare", "two"): 20,
    }
