"""`pocketbench history`, typed as a user types it, on runs stored by hand."""

import json
from xml.etree import ElementTree

import pytest

from pocketbench.bench.history.accepted import read_accepted
from tests.histories import HOST, PHONE, Runs

STEADY, SLOW = 20, 12


@pytest.fixture
def runs(user):
    return Runs(user.folder)


@pytest.fixture
def slowed(runs):
    """A history in which one cell of two became 8 % slower at run 20."""
    runs.steady(STEADY, devices=(HOST, PHONE))
    runs.steady(SLOW, first=STEADY, level_ns=1.08e6, devices=(PHONE,))
    runs.steady(SLOW, first=STEADY, devices=(HOST,))


def test_stored_runs_are_added_and_shown(user, runs):
    for number in range(3):
        runs.stored(runs.run(number, devices=(HOST, PHONE)))

    added = user.types("history", "add", "run-0000", "run-0001", "last")
    assert added.returncode == 0, added.stderr
    assert added.stdout.count("6 launches") == 6
    again = user.types("history", "add", "last")
    assert again.stdout.count("was there already") == 2

    shown = user.types("history", "show", "net")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("3 runs from 2026-01-01 to 2026-01-03") == 2
    assert " 1 model  run-0" in user.types("history", "list").stdout


def test_a_metric_has_the_same_name_here_as_for_a_gate(user, runs):
    runs.steady(3)

    named = user.types("history", "show", "net", "--metric", "peak_memory")
    stored = user.types("history", "show", "net", "--metric", "peak_rss_bytes")

    assert named.returncode == 0, named.stderr
    assert "KiB" in named.stdout
    assert named.stdout == stored.stdout


def test_a_confirmed_regression_fails_only_where_asked(user, slowed):
    reported = user.types("history", "changes", "net")
    assert reported.returncode == 0, reported.stderr
    assert reported.stdout.startswith(
        "1 confirmed regression, 0 other changes in 2 configurations"
    )

    failed = user.types("history", "changes", "--fail-on", "regression")
    assert failed.returncode == 1
    assert failed.stdout == reported.stdout


def test_an_accepted_change_fails_no_more(user, slowed):
    found = user.types("history", "changes", "--json")
    cells = json.loads(found.stdout)["cells"]
    (change,) = [change for cell in cells for change in cell["changes"]]

    done = user.types("history", "accept", change["id"], "--reason", "worth it")
    assert done.returncode == 0, done.stderr

    (entry,) = read_accepted(user.folder / "accepted-changes.toml")
    assert entry.reason == "worth it"
    assert entry.first_after == change["first_after"]
    after = user.types("history", "changes", "--fail-on", "regression")
    assert after.returncode == 0
    assert "accepted (worth it (until" in after.stdout
    twice = user.types("history", "accept", change["id"], "--reason", "again")
    assert twice.returncode == 2
    assert "is accepted" in twice.stderr


def test_a_site_begins_with_what_regressed_and_has_a_page_for_each_cell(user, slowed):
    made = user.types("history", "site", "history", "--output", "site")
    assert made.returncode == 0, made.stderr
    assert made.stdout == "site/index.html: 2 charts\n"

    site = user.folder / "site"
    first = (site / "index.html").read_text("utf-8")
    assert first.index("8 % slower") < first.index(">Models</h2>")
    pages = list((site / "configurations").iterdir())
    assert len(pages) == 2
    assert all((site / "data" / f"{page.stem}.js").exists() for page in pages)
    assert "MIT" in (site / "static" / "uplot" / "LICENSE").read_text("utf-8")
    assert (site / ".nojekyll").exists()


def test_a_site_of_nothing_says_so(user, slowed):
    none = user.types("history", "site", "elsewhere")
    assert none.returncode != 0
    assert "holds no history" in none.stderr
    wrong = user.types("history", "site", "--commit-url", "github.com")
    assert wrong.returncode == 2
    assert "--commit-url" in wrong.stderr


def test_the_runs_of_a_history_are_listed(user, slowed):
    listed = user.types("history", "list")
    assert listed.returncode == 0, listed.stderr
    assert f"Pixel 8 (pixel-8-9f3c01ab): {STEADY + SLOW} runs" in listed.stdout
    runs = json.loads(user.types("history", "list", "--json").stdout)["runs"]
    assert len(runs) == 2 * (STEADY + SLOW)
    assert {run["command"] for run in runs} == {"pocketbench run net"}


def test_compaction_changes_no_answer(user, slowed):
    before = user.types("history", "changes", "--json")
    done = user.types("history", "compact")
    assert done.returncode == 0, done.stderr

    assert user.types("history", "changes", "--json").stdout == before.stdout
    assert not list(user.folder.glob("history/*/*/*.jsonl"))
    assert user.types("history", "compact").stdout == "Nothing to compact.\n"


@pytest.mark.parametrize("name", ["chart.svg", "chart.png"])
def test_a_chart_is_written_with_the_same_bytes_each_time(user, slowed, name):
    drawn = []
    for _ in range(2):
        done = user.types("history", "plot", "net", "--output", name)
        assert done.returncode == 0, done.stderr
        drawn.append((user.folder / name).read_bytes())

    assert drawn[0] == drawn[1]
    if name.endswith(".svg"):
        assert ElementTree.fromstring(drawn[0]).tag.endswith("svg")


def test_a_runs_reports_show_its_history(user, runs, slowed):
    runs.stored(runs.run(40, 1.08e6, devices=(HOST, PHONE), variants=("float32", "b")))

    done = user.types(
        "report", "last", "--history", "history", "--format", "html",
        "--format", "markdown",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (page,) = user.runs.glob("*/report.html")
    (comment,) = user.runs.glob("*/report.md")
    assert "1 confirmed regression in 2 configurations." in page.read_text()
    assert "last 30 runs" in comment.read_text()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("show", "nett"), "unknown model in the history. Did you mean net?"),
        (("show", "net", "--metric", "latencyy"), "Did you mean latency"),
        (("accept", "0", "--reason", "x"), "unknown change"),
        (("plot", "net", "-o", "x.pdf"), "is neither .svg nor .png"),
        (("add", "last", "--history", "s3://bucket/x"), "no such run"),
    ],
)
def test_what_cannot_be_done_says_why(user, slowed, argv, words):
    done = user.types("history", *argv)

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reason_must_be_given(user, slowed):
    found = user.types("history", "changes", "--json")
    cells = json.loads(found.stdout)["cells"]
    (change,) = [change for cell in cells for change in cell["changes"]]

    done = user.types("history", "accept", change["id"], "--reason", " ")
    assert done.returncode == 2
    past = user.types(
        "history", "accept", change["id"], "--reason", "x", "--expires", "2020-01-01"
    )
    assert past.returncode == 2
    assert not (user.folder / "accepted-changes.toml").exists()
