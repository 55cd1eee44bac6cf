"""Two builds of one model in the same blocks: `--baseline FILE --candidate FILE`."""

import json
import shutil
from pathlib import Path

import pytest

from pocketbench.bench.records.blocks import whole_blocks
from tests.main_job.conftest import User

SHORT = ("--iterations", "3", "--warmup", "1", "--blocks", "2", "--device", "host")
GATED = ("--iterations", "10", "--blocks", "6", "--device", "host", "--fail-on")
FAILING = ("slower-than-baseline", "regression")
"""The name, and the older one."""
FILES = ("--baseline", "base/net-float32.ptl", "--candidate")
HEAVIER_NET = """
    import torch
    from torch import nn

    def net():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 64, 3), nn.ReLU(), *[nn.Conv2d(64, 64, 3) for _ in range(4)],
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 4),
        )
"""

pytestmark = pytest.mark.needs("compiler")


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """The same model of two commits, exported as files."""
    user = User(tmp_path_factory.mktemp("builds"))
    user.write("heavier.py", HEAVIER_NET)
    for module, folder in (("nets", "base"), ("heavier", "head")):
        done = user.types(
            "export", f"{module}:net", "--variant", "float32", "--input", "1x3x16x16",
            "--output", folder,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return user


@pytest.mark.parametrize("fail_on", FAILING)
def test_a_slower_build_is_found_in_the_same_blocks_and_fails_where_asked(
    builds, fail_on
):
    head = "head/net-float32.ptl"
    done = builds.types("run", *FILES, head, *GATED, fail_on, "--json")

    assert done.returncode == 1, done.stderr
    run = builds.last_run()
    assert {v.id for v in run.started.plan.variants} == {"baseline", "candidate"}
    assert len(whole_blocks(
        run.launches, device_id="host", model="net-float32",
        variant_ids={"baseline", "candidate"},
    )) == 6  # fmt: skip
    hashes = {a.variant: a.sha256 for a in run.artifacts}
    assert hashes["baseline"] != hashes["candidate"]
    compared = json.loads(done.stdout)["comparisons"]
    (latency,) = [c for c in compared if c["metric"] == "latency_ns"]
    assert latency["design"] == "paired"
    assert (latency["baseline"], latency["candidate"]) == ("baseline", "candidate")
    assert latency["candidate_over_baseline"]["point"] > 2


@pytest.mark.slow
@pytest.mark.parametrize("fail_on", FAILING)
def test_an_equal_build_does_not_fail(builds, fail_on):
    shutil.copy(builds.folder / "base/net-float32.ptl", builds.folder / "same.ptl")
    gated = (*GATED, fail_on, "--min-effect", "0.5")
    same = builds.types("run", *FILES, "same.ptl", *gated)
    assert same.returncode == 0, same.stderr


@pytest.mark.slow
def test_a_stopped_comparison_of_builds_is_resumed_with_its_files(builds):
    done = builds.types("run", *FILES, "head/net-float32.ptl", *SHORT)
    assert done.returncode == 0, done.stderr
    folder = Path(builds.last_run().folder)
    lines = (folder / "run.jsonl").read_bytes().splitlines(keepends=True)
    kept = [x for x in lines if b'"run_ended"' not in x][:-1]
    (folder / "run.jsonl").write_bytes(b"".join(kept))

    resumed = builds.types("run", "--resume", "last")
    assert resumed.returncode == 0, resumed.stderr
    assert builds.last_run().outcome == "finished"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--candidate", "a.ptl"), "Give --baseline FILE"),
        (("net", "--baseline", "a", "--candidate", "b"), "Leave MODEL out"),
        (("--baseline", "no.ptl", "--candidate", "no.ptl"), "no such file"),
        (
            ("--baseline", "a", "--candidate", "b", "--variant", "float32"),
            "without --variant",
        ),
    ],
)
def test_what_cannot_be_compared_says_why(user, argv, words):
    done = user.types("run", *argv)

    assert done.returncode == 2
    assert words in done.stderr
