"""`pocketbench history confirm`: both commits around a change, in the same blocks."""

import json
import subprocess

import pytest
from msgspec.structs import replace

from pocketbench.bench.history.folder import add_run
from tests.generated_runs import generated_run
from tests.histories import Runs

NET = """
import torch

def net():
    layers = [torch.nn.Conv2d(16, 16, 3, padding=1) for _ in range({depth})]
    return torch.nn.Sequential(*layers).eval(), (torch.rand(1, 16, 32, 32),)
"""

DECODER = """
import torch
from pocketbench.bench.models.zoo.tiny_llama import with_sizes

def decoder():
    width = dict(dim=64, n_heads=2, n_kv_heads=1, n_layers=1, vocab_size=512)
    room = dict(max_context_len=256, max_seq_len=129)
    net = with_sizes(seed=0, hidden_dim=1024 * {depth} ** 2, **width, **room)
    return net, [(torch.tensor([[1]]), torch.tensor([0]))]
"""


@pytest.fixture
def repository(user):
    """A repository whose second commit makes both networks larger."""

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
        source = NET.format(depth=depth) + DECODER.format(depth=depth)
        (user.folder / "nets.py").write_text(source)
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
def test_a_change_is_measured_again_at_both_of_its_commits(user, changed, repository):
    asked = ("history", "confirm", changed, "--source", "nets:net", "--blocks", "6")
    done = user.types(*asked)

    assert done.returncode == 1, done.stderr
    assert "slower" in done.stdout
    before, after = (commit[:10] for commit in repository)
    commits = f"Baseline: commit {before}. Candidate: commit {after}."
    assert commits in " ".join(done.stdout.split())
    run = user.last_run()
    assert len(run.launches) == 2 * 6
    assert {launch.block for launch in run.launches} == set(range(6))
    trees = subprocess.run(
        ["git", "worktree", "list"], cwd=user.folder, capture_output=True, text=True
    )
    assert trees.stdout.count("\n") == 1


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.needs("executorch", "compiler")
def test_a_change_of_a_generation_is_generated_again(user, repository):
    runs = Runs(user.folder)
    for number in range(24):
        each_ms = {"float32+executorch": 12.0 if number < 12 else 30.0}
        run = generated_run(per_token_ms=each_ms, new_tokens=8, depths=(4,))
        started = replace(
            run.started,
            commit=repository[number >= 12],
            started_at=f"2026-01-{number + 1:02}T00:00:00Z",
            run_id=f"run-{number:02}",
        )
        add_run(replace(run, started=started), runs.history)
    found = json.loads(user.types("history", "changes", "--json").stdout)
    (change,) = found["cells"][0]["changes"]

    done = user.types(
        *("history", "confirm", change["id"], "--source", "nets:decoder"),
        *("--blocks", "6"),
        timeout_s=1000,
    )

    assert done.returncode == 1, done.stderr
    tokens = {x.measurement.generation.kv_depth for x in user.last_run().launches}
    assert tokens == {4}
    assert "tokens/s" in done.stdout


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
