"""`pocketbench compare`, typed as a user types it, on runs stored by hand."""

import json

import msgspec
import pytest

from tests.histories import HOST, PHONE, Runs


@pytest.fixture
def runs(user):
    return Runs(user.folder)


@pytest.fixture
def two(runs):
    """A run, and one 10 % slower on the host alone."""
    runs.stored(runs.run(1, launches=10, devices=(HOST,)))
    runs.stored(runs.run(2, 1.1e6, launches=10, devices=(HOST,)))


def test_a_slower_run_is_a_regression_of_which_drift_is_not_controlled(user, two):
    done = user.types("compare", "run-0001", "run-0002")

    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert "1 regression, 0 improvements, 0 unchanged, 0 inconclusive" in words
    assert "drift is not controlled" in " ".join(done.stdout.split())


def test_the_other_way_round_it_is_an_improvement(user, two):
    done = user.types("compare", "run-0002", "run-0001", "--json")

    document = json.loads(done.stdout)
    (judged,) = [c for c in document["comparisons"] if c["verdict"]]
    assert judged["verdict"] == "improvement"
    assert judged["kind"] == "run"
    assert judged["design"] == "sequential"
    assert judged["baseline"] == "run-0002"
    assert judged["candidate_over_baseline"]["point"] == pytest.approx(0.91, abs=0.02)


def test_a_gate_on_two_runs_must_accept_drift(user, two):
    refused = user.types("compare", "run-0001", "run-0002", "--fail-on", "regression")
    assert refused.returncode == 2
    assert "no gate" in refused.stderr

    failed = user.types(
        "compare", "run-0001", "run-0002", "--fail-on", "regression", "--accept-drift"
    )
    assert failed.returncode == 1
    assert "1 regression" in " ".join(failed.stdout.split())


def test_every_form_goes_beside_the_later_run(user, two):
    done = user.types(
        "compare", "run-0001", "run-0002", "--format", "html", "--format", "markdown",
        "--format", "json", "--format", "junit",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    written = {path.name for path in user.runs.glob("run-0002/compared-with-*")}
    assert written == {
        "compared-with-run-0001.html",
        "compared-with-run-0001.md",
        "compared-with-run-0001.json",
        "compared-with-run-0001.junit.xml",
    }
    page = user.runs / "run-0002" / "compared-with-run-0001.html"
    assert "drift is not controlled" in page.read_text()


def test_what_else_changed_is_said(user, runs):
    runs.stored(runs.run(1))
    runs.stored(runs.run(2, runtime="torch 2.14.0", torch="2.14.0"))

    done = user.types("compare", "run-0001", "run-0002")
    words = " ".join(done.stdout.split())
    assert "runner lite torch 2.13.0 against lite torch 2.14.0" in words
    assert "torch was 2.13.0, is 2.14.0" in done.stderr


def test_what_only_one_of_the_runs_has_is_said(user, runs):
    runs.stored(runs.run(1, devices=(HOST, PHONE)))
    runs.stored(runs.run(2, variants=("float32", "int8")))

    done = user.types("compare", "run-0001", "run-0002")

    assert f"only run-0001 has net float32 on {PHONE.id}: not compared" in done.stderr
    assert f"only run-0002 has net int8 on {HOST.id}: not compared" in done.stderr


def test_memory_is_judged_where_asked(user, two):
    done = user.types(
        "compare", "run-0001", "run-0002", "--gate-on", "peak_memory", "--json"
    )

    judged = [c for c in json.loads(done.stdout)["comparisons"] if c["verdict"]]
    assert [(c["metric"], c["verdict"]) for c in judged] == [
        ("peak_rss_bytes", "no_change")
    ]


def test_runs_without_a_common_cell_are_refused(user, runs):
    runs.stored(runs.run(1))
    runs.stored(runs.run(2, devices=(PHONE,)))

    done = user.types("compare", "run-0001", "run-0002")
    assert done.returncode == 2
    assert "have no model, variant and device in common" in done.stderr
    wrong = user.types("compare", "run-0001", "run-0002", "--gate-on", "memory")
    assert "Did you mean peak_memory" in wrong.stderr


@pytest.fixture
def updated(runs):
    """A phone's run, and one 10 % slower after an update of its system."""
    update = msgspec.structs.replace(PHONE, build_fingerprint="google/husky/2")
    runs.stored(runs.run(1, launches=10, devices=(PHONE,)))
    runs.stored(runs.run(2, 1.1e6, launches=10, devices=(update,)))


def test_unlike_conditions_are_listed_and_give_no_verdict(user, updated):
    done = user.types("compare", "run-0001", "run-0002")

    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert "No verdict on 1 comparison under different conditions: OS build" in words
    assert "OS build 14 google/husky/1 against 14 google/husky/2" in words


def test_a_verdict_across_unlike_conditions_takes_allow_mismatch(user, updated):
    done = user.types("compare", "run-0001", "run-0002", "--allow-mismatch")

    assert done.returncode == 0, done.stderr
    assert "1 regression, 0 improvements" in " ".join(done.stdout.split())
    words = " ".join(done.stdout.split())
    assert "OS build 14 google/husky/1 against 14 google/husky/2" in words


def test_unlike_conditions_do_not_pass_a_gate_in_silence(user, updated):
    gate = ("--fail-on", "regression", "--accept-drift")

    withheld = user.types("compare", "run-0001", "run-0002", *gate)
    assert withheld.returncode == 3
    assert "have no verdict to fail on" in withheld.stderr
    assert "--allow-mismatch" in withheld.stderr

    allowed = user.types("compare", "run-0001", "run-0002", *gate, "--allow-mismatch")
    assert allowed.returncode == 1


@pytest.mark.parametrize("form", ["html", "markdown", "json", "junit"])
def test_every_form_says_what_was_unlike(user, updated, form):
    done = user.types("compare", "run-0001", "run-0002", "--format", form, "-o", "-")

    assert done.returncode == 0, done.stderr
    said = "google/husky/2" if form != "junit" else "none: different OS build"
    assert said in done.stdout
    assert "--allow-mismatch" in done.stdout or form in ("json", "junit")
