"""`--until-settled`, typed as a user types it, on this computer alone."""

import json

import pytest

NETS = """
    import torch
    from torch import nn

    def light():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten())

    def heavy():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 64, 3), nn.ReLU(), *[nn.Conv2d(64, 64, 3) for _ in range(4)],
            nn.Flatten(),
        )
"""
QUICK = ("--iterations", "5", "--warmup", "1", "--device", "host")


@pytest.mark.needs("compiler")
def test_a_plain_difference_takes_no_more_than_the_first_look(user):
    user.write("mine.py", NETS)
    builds = ("--baseline", "mine:light", "--candidate", "mine:heavy")

    done = user.types(
        "run", *builds, *QUICK, "--input", "1x3x32x32",
        "--until-settled", "--budget", "10m", "--fail-on", "regression", "--json",
    )  # fmt: skip

    assert done.returncode == 1, done.stderr
    assert "look 1 of 5: 1 of 1 comparisons settled after 6 blocks" in done.stderr
    run = user.last_run()
    assert len(run.launches) == 12
    assert run.outcome == "finished"
    assert run.started.plan.workload.looks == (6, 8, 10, 14, 20)
    assert run.started.plan.workload.budget_s == 600
    first = json.loads(done.stdout)
    assert first["run"]["looks"] == [6, 8, 10, 14, 20]

    user.types("report", "last", "--format", "json", "--format", "html")

    (folder,) = user.runs.iterdir()
    again = json.loads((folder / "report.json").read_text())
    assert again["comparisons"] == first["comparisons"]
    assert (
        "6 blocks of 20 at most, until settled" in (folder / "report.html").read_text()
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--budget", "5m"), "bounds only --until-settled"),
        (("--until-settled", "--blocks", "5"), "Give 6 or more"),
        (("--until-settled", "--budget", "soon"), "Write it as 10m, 90s or 1h"),
        (("--until-settled", "--variant", "float32"), "Give a second variant"),
    ],
)
def test_what_cannot_be_settled_says_why(user, argv, words):
    done = user.types("run", "mobilenet_v2", "--device", "host", *argv)

    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
