import datetime

import pytest
from msgspec.structs import replace

from pocketbench.bench.errors import UsageError
from pocketbench.bench.history.accepted import Accepted, accept, read_accepted
from pocketbench.bench.history.changes import with_changes
from pocketbench.bench.history.folder import add_run
from pocketbench.bench.history.histories_for_run import histories_of
from pocketbench.bench.history.queries import read_series
from pocketbench.bench.records.plan import BuildOrigin
from tests.generated_runs import generated_run
from tests.histories import HOST, PHONE, commit_of

TODAY = datetime.date(2026, 6, 1)
TOMORROW = TODAY + datetime.timedelta(days=1)


def find(runs, *, accepted=(), **more):
    (series,) = read_series(runs.history)
    return with_changes(series, accepted=accepted, today=TODAY, **more)


def test_a_lasting_slowdown_is_an_alarm_with_its_commits(runs):
    runs.steady(20)
    runs.steady(12, first=20, level_ns=1.08e6)

    (change,) = find(runs).changes
    assert change.is_raised
    assert change.state == "confirmed"
    assert change.last_before == commit_of(19)
    assert change.first_after == commit_of(20)
    assert change.after_over_before == pytest.approx(1.08, abs=0.01)


def test_an_unchanged_history_has_no_change(runs):
    runs.steady(40)

    assert find(runs).changes == ()


def test_the_newest_runs_are_only_a_suspect(runs):
    runs.steady(20)
    runs.steady(2, first=20, level_ns=1.10e6)

    (change,) = find(runs).changes
    assert change.state == "suspect"
    assert not change.is_raised


def test_an_improvement_is_no_alarm(runs):
    runs.steady(16)
    runs.steady(16, first=16, level_ns=0.9e6)

    (change,) = find(runs).changes
    assert change.state == "confirmed"
    assert not change.is_worse
    assert not change.is_raised


@pytest.mark.parametrize(
    "changed", [{"runtime": "torch 2.14.0"}, {"torch": "2.14.0"}], ids=str
)
def test_a_new_runtime_or_torch_is_no_change(runs, changed):
    runs.steady(16)
    runs.steady(16, first=16, level_ns=1.2e6, **changed)

    assert find(runs).changes == ()


def test_a_regression_that_was_taken_back_is_no_alarm_any_more(runs):
    runs.steady(14)
    runs.steady(14, first=14, level_ns=1.1e6)
    runs.steady(14, first=28)

    up, down = find(runs).changes
    assert up.state == "undone"
    assert not up.is_raised
    assert down.state == "confirmed"


def test_what_is_taken_back_in_part_stays_an_alarm(runs):
    runs.steady(14)
    runs.steady(14, first=14, level_ns=1.2e6)
    runs.steady(14, first=28, level_ns=1.08e6)

    up, _ = find(runs).changes
    assert up.is_raised


def test_an_accepted_change_is_no_alarm_until_it_expires(runs, tmp_path):
    runs.steady(20)
    runs.steady(12, first=20, level_ns=1.08e6)
    history = find(runs)
    path = tmp_path / "accepted.toml"
    accept(
        path,
        history.series,
        history.changes[0],
        reason='the new "head"\nis worth it',
        expires=TODAY,
    )

    (change,) = find(runs, accepted=read_accepted(path)).changes
    assert change.state == "accepted"
    assert change.note == f'the new "head" is worth it (until {TODAY})'
    assert not change.is_raised
    (series,) = read_series(runs.history)
    (change,) = with_changes(
        series, accepted=read_accepted(path), today=TOMORROW
    ).changes
    assert change.is_raised
    assert "accepted until" in change.note


def test_further_runs_do_not_raise_an_accepted_change_again(runs, tmp_path):
    path = tmp_path / "accepted.toml"
    runs.steady(20)
    runs.steady(8, first=20, level_ns=1.06e6)
    history = find(runs)
    accept(path, history.series, history.changes[0], reason="known", expires=TODAY)

    for first in range(28, 40):
        runs.steady(1, first=first, level_ns=1.06e6)
        found = find(runs, accepted=read_accepted(path))
        assert not any(change.is_raised for change in found.changes)


def test_a_second_regression_elsewhere_is_an_alarm_of_its_own(runs, tmp_path):
    path = tmp_path / "accepted.toml"
    runs.steady(20)
    runs.steady(15, first=20, level_ns=1.08e6)
    history = find(runs)
    accept(path, history.series, history.changes[0], reason="known", expires=TODAY)
    runs.steady(15, first=35, level_ns=1.2e6)

    first, second = find(runs, accepted=read_accepted(path)).changes
    assert first.state == "accepted"
    assert second.is_raised


def test_an_acceptance_of_another_cell_or_direction_does_not_count(runs):
    runs.steady(20)
    runs.steady(12, first=20, level_ns=1.08e6)
    right = {
        "device": "host-ryzen-7-8-cores",
        "model": "net",
        "variant": "float32",
        "metric": "latency_ns",
        "last_before": commit_of(19),
        "first_after": commit_of(20),
        "direction": "up",
        "reason": "known",
        "expires": TODAY,
    }
    for wrong in (
        {},
        {"device": "pixel-8-9f3c01ab"},
        {"variant": "int8-static"},
        {"threads": 4},
        {"metric": "load_ns"},
        {"direction": "down"},
        {"last_before": commit_of(3), "first_after": commit_of(4)},
        {"last_before": "gone", "first_after": "gone"},
    ):
        (change,) = find(runs, accepted=(Accepted(**{**right, **wrong}),)).changes
        assert change.is_raised == bool(wrong), wrong


def test_entries_are_appended_and_comments_stay(runs, tmp_path):
    path = tmp_path / "sub" / "accepted.toml"
    runs.steady(20)
    runs.steady(12, first=20, level_ns=1.08e6)
    history = find(runs)
    accept(path, history.series, history.changes[0], reason="one", expires=TODAY)
    path.write_text("# looked at weekly\n" + path.read_text().rstrip("\n"))
    accept(
        path,
        history.series,
        history.changes[0],
        reason="two \\ \x7f \U0001f600",
        expires=TOMORROW,
    )

    assert path.read_text().startswith("# looked at weekly\n")
    one, two = read_accepted(path)
    assert (one.reason, two.reason) == ("one", "two \\ \x7f \U0001f600")
    assert two.cell == history.series.cell


@pytest.mark.parametrize(
    "text", ["[[accepted]]\ndevice = 1", "[[acepted]]", "no toml", "[[accepted]]"]
)
def test_a_file_that_is_not_as_it_must_be_is_named(tmp_path, text):
    path = tmp_path / "accepted.toml"
    path.write_text(text)

    with pytest.raises(UsageError, match="is no file of accepted changes"):
        read_accepted(path)


def test_no_file_accepts_nothing(tmp_path):
    assert read_accepted(tmp_path / "none.toml") == ()


def test_a_runs_cells_find_their_histories(runs):
    for number in range(10):
        runs.add(number, devices=(HOST, PHONE), variants=("float32", "int8-static"))
    run = runs.run(11, devices=(PHONE,), variants=("int8-static", "float32", "new"))

    found = histories_of(run, runs.history, today=TODAY)

    assert set(found) == {
        (PHONE.id, "net", "int8-static"),
        (PHONE.id, "net", "float32"),
    }
    assert len(found[PHONE.id, "net", "float32"].series.points) == 10


def two_builds(run, **build):
    """The run as one of a baseline file and a candidate file of one model."""
    plan = run.started.plan
    origin = BuildOrigin(**build)
    (request,) = plan.models
    builds = dict.fromkeys((v.name for v in plan.variants), origin)
    plan = replace(plan, models=(replace(request, builds=builds),))
    return replace(run, started=replace(run.started, plan=plan))


def test_of_two_files_the_candidate_has_the_history_of_what_it_was_exported_as(runs):
    for number in range(10):
        runs.add(number, variants=("float32", "int8-static"))
    names = ("baseline", "candidate", "candidate-2")
    run = runs.run(11, model="net-float32", variants=names)
    of_net = two_builds(run, model="net", variant="float32")

    found = histories_of(of_net, runs.history, today=TODAY)

    ((key, history),) = found.items()
    assert key == (HOST.id, "net-float32", "candidate")
    assert (history.series.cell.model, history.series.cell.variant) == (
        "net",
        "float32",
    )
    assert len(history.series.points) == 10
    assert histories_of(run, runs.history, today=TODAY) == {}
    only_commits = two_builds(run, commit="0a1b2c3d4e")
    assert histories_of(only_commits, runs.history, today=TODAY) == {}


def test_a_generation_finds_the_history_of_as_many_tokens(tmp_path):
    for number in range(4):
        run = generated_run(new_tokens=8, depths=(0, 4))
        started = replace(
            run.started,
            started_at=f"2026-01-{number + 1:02}T00:00:00Z",
            run_id=f"run-{number:02}",
        )
        add_run(replace(run, started=started), tmp_path)

    found = histories_of(run, tmp_path, today=TODAY)

    assert {key[2] for key in found} == {v.id for v in run.started.plan.variants}
    other = generated_run(new_tokens=9, depths=(0, 4))
    assert histories_of(other, tmp_path, today=TODAY) == {}


def test_a_history_of_two_speeds_is_reported_as_that_and_raises_nothing(runs):
    for number in range(40):
        runs.add(number, 1.6e6 if number % 5 in (1, 4) else 1e6)

    found = find(runs)

    assert found.changes == ()
    assert found.two_speeds.low == pytest.approx(1e6, rel=0.02)
    assert found.two_speeds.high == pytest.approx(1.6e6, rel=0.02)
    assert found.two_speeds.high_share == pytest.approx(0.4)
