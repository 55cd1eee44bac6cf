"""Phones that go away and come back, and phones that do not get on."""

import json

import pytest

from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.reports.formats import console_details, markdown
from pocketbench.reports.formats import json as document
from pocketbench.reports.formats.html import page
from pocketbench.reports.text.retries import TITLE
from pocketbench.reports.view import View
from tests.main_job.on_a_phone import PhoneJob, model_file, script
from tests.main_job.test_every_failure import PRINTS_A_RESULT, RUNNER

pytestmark = pytest.mark.needs("namespaces", "mksh", "toybox")

DURING = {
    "the push": {"contains": "renice -n 10"},
    "the reading of conditions": {"contains": "thermalservice"},
    "the reading of a result": {"contains": "--model", "after_s": 0.2},
}


@pytest.fixture
def job(tmp_path, adb):
    (tmp_path / "run").mkdir()
    return PhoneJob(tmp_path / "run", adb.port)


@pytest.fixture
def measured(tmp_path, job):
    """Measure a model, by a program that takes half a second, in two blocks."""
    program = script(tmp_path / "program", "sleep 0.5", *PRINTS_A_RESULT)
    net = model_file(tmp_path / "net.ptl", b"a model")

    def measure(phone, *more, **how):
        models = (net, *more)
        return job.measures(phone, *models, blocks=2, **{RUNNER: program}, **how)

    return measure


@pytest.fixture
def nets(tmp_path):
    return [
        model_file(tmp_path / f"{name}.ptl", name.encode(), name=name)
        for name in ("two", "three", "four")
    ]


@pytest.mark.parametrize("rule", DURING.values(), ids=DURING.keys())
def test_a_phone_unplugged_for_a_moment_is_opened_again(phone_factory, measured, rule):
    rule = {**rule, "action": "unplug", "times": 1}
    run = measured(phone_factory(behaviour={"rules": [rule], "replug_s": 0.2}))

    assert {launch.block for launch in run.launches} == {0, 1}
    (failure,) = run.failures
    assert failure.retry == 1
    assert failure.reason in (Reason.DEVICE_LOST, Reason.OFFLINE)


def test_retries_that_succeeded_are_in_every_report_for_people_and_json(
    phone_factory, measured
):
    rule = {"contains": "--model", "after_s": 0.2, "action": "unplug", "times": 1}
    run = measured(phone_factory(behaviour={"rules": [rule], "replug_s": 0.2}))
    view = View(summarize(run))

    (retried,) = view.summary.retries
    assert retried.times == 1
    assert view.summary.failures == ()
    name = retried.reason.value.replace("_", " ")
    line = f"Pixel 8 [SIMULATED]: 1 retry: {name} (1)"
    assert f"{TITLE}\n{line}\n" in console_details.render(view)
    assert f"<li>{line}</li>" in page.render(view)
    assert line in markdown.render(view).replace("\\", "")
    assert json.loads(document.render(view))["retries"] == [
        {
            "device_id": view.summary.devices[0].device.id,
            "reason": retried.reason.value,
            "times": 1,
            "fact": retried.fact,
        }
    ]


def test_a_phone_that_is_lost_three_times_in_a_row_is_quarantined(
    phone_factory, measured
):
    rule = {"contains": "--model", "action": "unplug"}
    run = measured(phone_factory(behaviour={"rules": [rule], "replug_s": 0.1}))

    assert run.launches == ()
    *before, last = run.failures
    assert [failure.retry for failure in before] == [1, 2, 0]
    assert last.reason is Reason.QUARANTINED
    assert last.remedy == Reason.QUARANTINED.remedy


def test_a_phone_that_takes_too_long_for_each_command_is_offline(
    phone_factory, measured, monkeypatch
):
    """As one that takes 30 s is, for the 20 s that a phone has to say who it is."""
    monkeypatch.setattr(
        "pocketbench.devices.android.identification.IDENTITY_TIMEOUT_S", 0.5
    )
    rule = {"contains": "", "action": "delay", "after_s": 2.0}

    run = measured(phone_factory(behaviour={"rules": [rule]}))

    (failure,) = run.failures
    assert failure.reason is Reason.OFFLINE


@pytest.mark.slow
def test_a_phone_that_becomes_slow_is_measured_without_its_conditions(
    phone_factory, measured, monkeypatch
):
    monkeypatch.setattr("pocketbench.devices.android.device._CONDITIONS_TIMEOUT_S", 0.5)
    rules = [
        {"contains": "thermalservice", "action": "delay", "after_s": 1.0},
        {"contains": "--model", "action": "delay", "after_s": 1.0},
    ]

    run = measured(phone_factory(behaviour={"rules": rules}))

    assert [launch.block for launch in run.launches] == [0, 1]
    assert run.launches[0].conditions_before.missing


def models_by_phone(run, phones):
    """The models of the launches on each phone, sorted."""
    return [
        sorted(x.model for x in run.launches if x.device_id.endswith(phone.serial))
        for phone in phones
    ]


@pytest.mark.slow
def test_phones_of_one_model_share_the_models(phone_factory, measured, nets):
    phones = [phone_factory(x) for x in ("pixel-8", "pixel-8", "vivo-x100")]

    run = measured(phones[0], *nets, others=phones[1:], spread=True)

    first, second, other = models_by_phone(run, phones)
    assert other == sorted(["net", "two", "three", "four"] * 2)
    assert sorted([*first, *second]) == other
    assert first
    assert second
    assert not set(first) & set(second)
    assert summarize(run).jobs_wanted == 2 * 4


@pytest.mark.slow
def test_the_work_of_a_quarantined_phone_goes_to_another_of_its_model(
    phone_factory, measured, nets
):
    rule = {"contains": "--model", "action": "unplug"}
    failing = phone_factory(behaviour={"rules": [rule], "replug_s": 0.1})
    working = phone_factory()

    run = measured(failing, *nets, others=[working], spread=True)

    assert Reason.QUARANTINED in {failure.reason for failure in run.failures}
    every_model = sorted(["net", "two", "three", "four"] * 2)
    assert models_by_phone(run, (failing, working)) == [[], every_model]
    assert summarize(run).failures == ()
