"""`pocketbench runs` and `report --open` on runs stored by hand."""

import json
import sys

import pytest
from click.testing import CliRunner
from filelock import FileLock

from pocketbench.bench.commands.report import report
from pocketbench.bench.commands.runs import runs as command
from pocketbench.bench.errors import StoreError
from tests.histories import HOST, PHONE, Runs


@pytest.fixture
def folder(tmp_path):
    made = Runs(tmp_path)
    for number in range(3):
        made.stored(made.run(number, devices=(HOST, PHONE)))
    return made.runs


def typed(verb, folder, *words, given="", fails=False):
    done = CliRunner().invoke(
        verb, [*words, "--runs", str(folder)], input=given, catch_exceptions=False
    )
    assert (done.exit_code != 0) == fails, done.output
    return done


def test_runs_are_listed_with_what_they_measured(folder):
    (folder / "broken").mkdir()
    (folder / "broken" / "run.jsonl").write_text("nothing\n")
    killed = folder / "run-0001" / "run.jsonl"
    killed.write_text("".join(killed.read_text().splitlines(keepends=True)[:-1]))

    listed = typed(command, folder, "list")
    assert [x for x in listed.stdout.splitlines() if x[0] != " "] == [
        "run-0000",
        "run-0001",
        "run-0002",
    ]
    assert listed.stdout.count("finished, 12 launches") == 2
    assert "killed, 12 launches" in listed.stdout
    assert "broken" in listed.stderr
    found = json.loads(typed(command, folder, "list", "--json").stdout)["runs"]
    assert [run["outcome"] for run in found] == ["finished", "killed", "finished"]
    with FileLock(folder / "run-0001" / ".lock"):
        assert "running, 12 launches" in typed(command, folder, "list").stdout


def test_an_empty_folder_says_so(tmp_path):
    assert typed(command, tmp_path, "list").stdout == f"No runs in {tmp_path}.\n"


def test_a_run_is_deleted_only_when_sure_and_not_while_it_is_written(folder):
    typed(command, folder, "rm", "run-0000", given="n\n", fails=True)
    assert (folder / "run-0000" / "run.jsonl").exists()
    with (
        FileLock(folder / "run-0000" / ".lock"),
        pytest.raises(StoreError, match="is writing to it"),
    ):
        typed(command, folder, "rm", "--yes", "run-0000")
    assert (folder / "run-0000" / "run.jsonl").exists()

    typed(command, folder, "rm", "--yes", "run-0000", "last")
    assert [path.name for path in folder.iterdir()] == ["run-0001"]
    with pytest.raises(StoreError, match="no such run"):
        typed(command, folder, "rm", "--yes", "run-0000")


def test_a_report_is_opened_in_the_browser(folder, tmp_path):
    browser = tmp_path / "browser"
    opened = tmp_path / "opened"
    browser.write_text(
        f"#!{sys.executable}\nimport pathlib, sys\n"
        f"pathlib.Path({str(opened)!r}).write_text(sys.argv[1])\n"
    )
    browser.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        # Read by webbrowser when it is first asked.
        patch.setattr("webbrowser._tryorder", None)
        patch.setenv("BROWSER", f"{browser} %s")
        typed(report, folder, "run-0001", "--format", "markdown", "--open")

    page = folder / "run-0001" / "report.html"
    assert opened.read_text() == page.resolve().as_uri()
