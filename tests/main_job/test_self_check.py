"""`--self-check`, typed as a user types it: what can a device resolve?"""

import json

import pytest

QUICK = ("--iterations", "20", "--warmup", "1", "--blocks", "6", "--device", "host")


@pytest.mark.slow
@pytest.mark.needs("compiler")
def test_a_build_is_measured_against_itself_and_the_report_says_what_can_be_seen(user):
    done = user.types(
        "run", "nets:net", "--input", "1x3x16x16", "--self-check", *QUICK,
        "--gate-on", "latency,peak_memory", "--json", "--report", "markdown",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    run = user.last_run()
    assert [v.id for v in run.started.plan.variants] == ["float32", "float32-again"]
    assert len({artifact.sha256 for artifact in run.artifacts}) == 1
    assert len(run.launches) == 12
    document = json.loads(done.stdout)
    latency, memory = document["resolutions"]
    assert (latency["metric"], latency["blocks"]) == ("latency_ns", 6)
    assert latency["half_width"] > 0
    assert latency["smallest_found"] > latency["half_width"]
    assert memory["metric"] == "peak_rss_bytes"
    assert document["sentence"].startswith("Each build against itself: with 6 blocks")
    (folder,) = user.runs.iterdir()
    for name in ("report.html", "report.md"):
        text = (folder / name).read_text()
        assert "Each build against itself" in text
        assert "is found four times in five" in text


def test_a_self_check_of_two_builds_is_refused(user):
    done = user.types(
        "run", "--baseline", "a.ptl", "--candidate", "b.ptl", "--self-check"
    )

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
