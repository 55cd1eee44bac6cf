"""Which phone takes which models."""

import threading

import pytest

from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.spread import begun_on, shared_work
from pocketbench.bench.planning.selection import SelectedDevice
from tests.phones import wait_for

MODELS = ("one", "two", "three")


@pytest.fixture
def job(records):
    def make(name, model="Pixel 8"):
        info = records.device(f"android:{name}", family="android", model=model)
        models = dict.fromkeys(MODELS, ())
        return DeviceJob(SelectedDevice(None, info), (), models=models, artifacts={})

    return make


def launches(records, **models):
    """One launch of each model, by the phone it was on."""
    return [
        records.launch(device_id=f"android:{phone}", model=model)
        for model, phone in models.items()
    ]


def test_without_spread_every_phone_measures_all_models_together(job):
    jobs = [job("a"), job("b")]
    for one, work in shared_work(jobs, (), spread=False):
        assert work.take(one.selected.info.id) == MODELS
        work.finished()
        assert work.take(one.selected.info.id) is None


def test_a_model_that_was_begun_stays_on_its_phone(job, records):
    jobs = [job("a"), job("b")]
    begun = launches(records, two="b", three="b")
    (_, work), (_, same) = shared_work(jobs, begun, spread=True)

    assert work is same
    assert work.take("android:b") == ("two",)
    assert work.take("android:a") == ("one",)
    work.finished()
    assert work.take("android:b") == ("three",)


def test_a_phone_with_nothing_to_do_takes_over_what_another_gives_up(job, records):
    jobs = [job("a"), job("b")]
    begun = launches(records, one="a", two="a", three="b")
    (_, work), _ = shared_work(jobs, begun, spread=True)
    taken = []

    def all_of_b():
        while (part := work.take("android:b")) is not None:
            taken.extend(part)
            work.finished()

    assert work.take("android:a") == ("one",)
    other = threading.Thread(target=all_of_b)
    other.start()
    wait_for(lambda: taken == ["three"])
    work.given_up("android:a", ("one",))
    other.join(60)

    assert sorted(taken) == sorted(MODELS)


def test_phones_of_other_models_share_nothing(job, records):
    jobs = [job("a"), job("b"), job("c", model="Pixel 9"), job("d", model=None)]
    works = [work for _, work in shared_work(jobs, (), spread=True)]
    assert works[0] is works[1]
    assert len(set(map(id, works))) == 3

    begun = [*launches(records, one="a", two="b"), *launches(records, one="c")]
    assert [list(x.models) for x in begun_on(jobs, begun)] == [
        ["one"],
        ["two"],
        ["one"],
    ]
