"""Jobs that other hosts measure, on a lab that answers as each test scripts it."""

import contextlib
import queue
import threading
from collections import Counter
from types import SimpleNamespace

import msgspec
import pytest

from pocketbench.bench.lab.session import LabSession
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.execute import measure
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.store import Store
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.device import Claim
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.plan import CooldownLimits

MODELS = ("one", "two", "three")


class ScriptedLab:
    """A lab whose hosts are always there and answer a part with records.

    Where a phone's answer is `None`, another run measures on it and does not end.
    """

    is_connected = True

    def __init__(self, answers):
        self.answers = answers

    def send_files(self, part, worker):
        return 0

    def is_alive(self, worker):
        return True

    def part_on(self, phone):
        return f"the-other-run-{phone.info.serial_hash}-abcdef"

    @contextlib.contextmanager
    def measuring(self, part, phone, key):
        records = self.answers[phone.id](part)
        if records is None:
            yield SimpleNamespace(done=lambda: False), queue.SimpleQueue()
            return
        lines = [msgspec.json.encode(record).decode() for record in records]
        done = SimpleNamespace(
            done=lambda: True, status="finished", result=lambda: lines
        )
        yield done, queue.SimpleQueue()


class ScriptedLabDriver:
    """Phones of the lab, as a run finds them."""

    def __init__(self, lab):
        self.lab = lab
        self.claim = Claim(wait_s=0.01)

    def discover(self):
        return ()

    def open(self, info, *, cancel):
        raise AssertionError("a lab's phone is opened by its own host")

    def session(self, run, job, launches, failures, devices):
        info = job.selected.info
        phone = SimpleNamespace(id=info.id, info=info, worker=info.id, host=info.name)
        return LabSession(
            self.lab, phone, run, job, launches, failures, claim=self.claim
        )


@pytest.fixture
def lab_run(tmp_path, records):
    """Measure a plan on phones of a lab, each answering its parts by a function."""

    def measured(plan, **answers):
        lab = ScriptedLab({f"android:{name}": each for name, each in answers.items()})
        jobs = [
            DeviceJob(
                SelectedDevice(
                    ScriptedLabDriver(lab),
                    records.device(f"android:{name}", model="Pixel 8"),
                ),
                (),
                models={x.name: plan.variants_of(x.name) for x in plan.models},
                artifacts={
                    (x.model, x.name): records.artifact(x.name, model=x.model)
                    for x in plan.variants
                },
            )
            for name in answers
        ]
        with Store(tmp_path) as store:
            store.append(records.started(plan))
            lease = CpuLease(tmp_path / "locks")
            cancel = threading.Event()
            measure(RunContext(plan, store, lease, Observer(), cancel), jobs)
        return read_run(tmp_path)

    return measured


@pytest.fixture
def whole(records):
    """Answer a part with every launch that it wants; `caveats` are each launch's."""

    def answer(part, *, attempts=1, caveats=()):
        return [
            records.launch(
                variant.id,
                device_id=part.info.id,
                model=model,
                block=block,
                attempt=attempt,
                caveats=caveats,
            )
            for model, variants in part.models.items()
            for block in range(part.plan.workload.blocks)
            for attempt in range(attempts)
            for variant in variants
        ]

    return answer


def quarantined(records, part):
    """What a phone's host sends of a phone that is lost again and again."""
    lost = {"variant_id": None, "model": None, "block": None, "attempt": None}
    return [
        records.failure(**lost, position=None, device_id=part.info.id, reason=reason)
        for reason in (FailureReason.DEVICE_LOST, FailureReason.QUARANTINED)
    ]


def spread(records, **changes):
    plan = records.plan(models=MODELS, selectors=("android:*",))
    return msgspec.structs.replace(plan, spread=True, **changes)


def test_the_models_of_a_quarantined_phone_go_to_a_free_one(lab_run, whole, records):
    asked = []
    is_lost = threading.Event()

    def bad(part):
        asked.extend(part.models)
        is_lost.set()
        return quarantined(records, part)

    def good(part):
        assert is_lost.wait(60)
        return whole(part)

    run = lab_run(spread(records), bad=bad, good=good)

    assert len(asked) == 1
    assert {x.device_id for x in run.launches} == {"android:good"}
    launches_of_each = Counter(x.model for x in run.launches)
    assert launches_of_each == dict.fromkeys(MODELS, 2 * 2)
    assert [x.device_id for x in run.failures] == ["android:bad"] * 2


def test_a_phone_that_stays_in_use_is_busy_and_leaves_its_models_to_a_free_one(
    lab_run, whole, records
):
    is_asked = threading.Event()

    def good(part):
        assert is_asked.wait(60)
        return whole(part)

    run = lab_run(spread(records), used=lambda part: is_asked.set(), good=good)

    (failure,) = run.failures
    assert (failure.device_id, failure.reason) == (
        "android:used",
        FailureReason.DEVICE_BUSY,
    )
    assert failure.fact == "in use by run the-other-run of the lab, also after 0 s"
    assert Counter(x.model for x in run.launches) == dict.fromkeys(MODELS, 2 * 2)


@pytest.mark.parametrize(
    ("attempts", "parts"), [(3, len(MODELS)), (2, 1)], ids=["all redone", "one redo"]
)
def test_a_block_that_throttled_is_pending_until_it_was_done_again_often_enough(
    lab_run, whole, records, attempts, parts
):
    asked = []

    def hot(part):
        asked.append(part)
        return whole(part, attempts=attempts, caveats=(Caveat.THROTTLED,))

    lab_run(spread(records, cooldown=CooldownLimits(redos=2)), hot=hot)

    assert len(asked) == parts
