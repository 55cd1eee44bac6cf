"""`pocketbench history confirm`: both commits around a change, in the same blocks."""

import json
import subprocess

import pytest
from msgspec.structs import replace

from pocketbench.bench.history.folder import add_run
from tests.histories import Runs

NET = """
import torch

def net():
    layers = [torch.nn.Conv2d(16, 16, 3, padding=1) for _ in range({depth})]
    return torch.nn.Sequential(*layers).eval(), (torch.rand(1, 16, 32, 32),)
"""


@pytest.fixture
def repository(user):
    """A repository whose second commit makes the network six times deeper."""

    def git(*words):
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        return subprocess.run(
            ["git", *identity, *words],
            cwd=user.folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    git("init", "-q")
    commits = []
    for depth in (1, 6):
        (user.folder / "nets.py").write_text(NET.format(depth=depth))
        git("add", "nets.py")
        git("commit", "-q", "-m", f"Depth {depth}")
        commits.append(git("rev-parse", "HEAD"))
    return commits


@pytest.fixture
def changed(user, repository):
    """A history that changes its level from the first commit to the second."""
    runs = Runs(user.folder)
    for number in range(24):
        run = runs.run(number, 1e6 if number < 12 else 3e6)
        started = replace(run.started, commit=repository[number >= 12])
        add_run(replace(run, started=started), runs.history)
    found = json.loads(user.types("history", "changes", "--json").stdout)
    (change,) = found["cells"][0]["changes"]
    return change["id"]


@pytest.mark.slow
def test_a_change_is_measured_again_at_both_of_its_commits(user, changed):
    asked = ("history", "confirm", changed, "--source", "nets:net", "--blocks", "6")
    done = user.types(*asked)

    assert done.returncode == 1, done.stderr
    assert "slower" in done.stdout
    run = user.last_run()
    assert len(run.launches) == 2 * 6
    assert {launch.block for launch in run.launches} == set(range(6))
    trees = subprocess.run(
        ["git", "worktree", "list"], cwd=user.folder, capture_output=True, text=True
    )
    assert trees.stdout.count("\n") == 1


def test_a_change_between_runs_without_a_commit_cannot_be_made_again(user):
    runs = Runs(user.folder)
    for number in range(24):
        run = runs.run(number, 1e6 if number < 12 else 3e6)
        started = replace(run.started, commit=None)
        add_run(replace(run, started=started), runs.history)
    found = json.loads(user.types("history", "changes", "--json").stdout)
    (change,) = found["cells"][0]["changes"]

    done = user.types("history", "confirm", change["id"])

    assert done.returncode == 2
    assert "was not measured at a commit" in done.stderr
