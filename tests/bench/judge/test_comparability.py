from __future__ import annotations

import msgspec
import pytest

from pocketbench.bench.judge.compare import compare_runs
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import Verdict
from pocketbench.bench.records.conditions import Battery, Conditions, CpuPolicy
from tests.histories import scattered

SLOW = [1_100_000, 1_101_000, 1_102_000, 1_103_000, 1_104_000, 1_105_000]
FAST = [1_000_000, 1_001_000, 1_002_000, 1_003_000, 1_004_000, 1_005_000]


def conditions(*, charging=False, governor="schedutil", max_khz=2_000_000):
    return Conditions(
        battery=Battery(
            status="charging" if charging else "discharging",
            plugged=("usb",) if charging else (),
        ),
        cpu_policies=(
            CpuPolicy(
                id=4,
                cpus=(4, 5),
                governor=governor,
                max_frequency_khz=max_khz,
                hardware_max_frequency_khz=2_000_000,
            ),
        ),
    )


def under(run, states):
    """The run with these conditions before its launches, one per block, repeated."""
    launches = tuple(
        msgspec.structs.replace(x, conditions_before=states[x.block % len(states)])
        for x in run.launches
    )
    return msgspec.structs.replace(run, launches=launches)


def latency(comparisons):
    (found,) = (c for c in comparisons if c.metric == "latency_ns")
    return found


@pytest.fixture
def pair(make_run):
    """Two runs on one phone, the second slower, each under given conditions."""

    def make(before, after, *, ready=None):
        base = make_run({("android:1", "a"): FAST}, devices=ready and [ready[0]])
        head = make_run({("android:1", "a"): SLOW}, devices=ready and [ready[1]])
        return under(base, before), under(head, after)

    return make


@pytest.mark.parametrize(
    ("after", "what", "candidate"),
    [
        (conditions(charging=True), "charging", "yes"),
        (conditions(governor="powersave"), "governor", "powersave"),
        (
            conditions(max_khz=1_000_000),
            "clock caps",
            "policy 4 at about 50 % of its highest clock",
        ),
    ],
)
def test_two_runs_under_unlike_conditions_have_no_verdict_unless_asked(
    pair, after, what, candidate
):
    base, head = pair([conditions()], [after])

    found = latency(compare_runs(base, head))
    assert found.verdict is None
    assert found.q_value is None
    assert found.is_withheld
    (unlike,) = found.unlike
    assert (unlike.what, unlike.candidate) == (what, candidate)

    allow_mismatch = latency(compare_runs(base, head, allow_mismatch=True))
    assert allow_mismatch.verdict is Verdict.REGRESSION
    assert not allow_mismatch.is_withheld
    assert allow_mismatch.unlike == found.unlike


def test_under_like_conditions_nothing_is_said(pair):
    found = latency(compare_runs(*pair([conditions()], [conditions()])))

    assert found.unlike == ()
    assert found.verdict is Verdict.REGRESSION


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"build_fingerprint": "google/husky/2"}, "OS build"),
        ({"serial_hash": "bbbbbbbb"}, "device"),
        ({"model": "Pixel 9"}, "model"),
        ({"core_count": 4}, "core count"),
    ],
)
def test_another_device_or_build_is_unlike(pair, make_ready, changes, what):
    facts = {
        "serial_hash": "aaaaaaaa",
        "model": "Pixel 8",
        "build_fingerprint": "google/husky/1",
    }
    ready = make_ready("android:1", **facts), make_ready("android:1", **facts | changes)

    found = latency(compare_runs(*pair([None], [None], ready=ready)))

    assert [unlike.what for unlike in found.unlike] == [what]
    assert found.is_withheld


def test_another_runtime_is_unlike(pair, make_ready):
    ready = [
        msgspec.structs.replace(make_ready("android:1"), runner_version=version)
        for version in ("torch 2.13.0", "torch 2.14.0")
    ]

    found = latency(compare_runs(*pair([None], [None], ready=ready)))

    (unlike,) = found.unlike
    assert unlike.baseline == "lite torch 2.13.0"
    assert unlike.candidate == "lite torch 2.14.0"


def test_memory_that_was_placed_otherwise_is_unlike(pair):
    base, head = pair([None], [None])

    found = latency(compare_runs(base, scattered(head)))

    (unlike,) = found.unlike
    assert (unlike.what, unlike.baseline, unlike.candidate) == (
        "heap",
        "system",
        "steady",
    )
    assert found.is_withheld


def test_what_nobody_read_is_no_difference(pair):
    found = latency(compare_runs(*pair([None], [conditions(charging=True)])))

    assert found.unlike == ()
    assert found.verdict is Verdict.REGRESSION


def test_a_cable_pulled_in_the_middle_of_an_interleaved_run_meets_both_sides(make_run):
    run = make_run({("android:1", "a"): FAST, ("android:1", "b"): SLOW})
    states = [conditions(charging=block < 3) for block in range(6)]
    run = under(run, states)
    # In the block it was pulled in, the first variant was still charging.
    launches = list(run.launches)
    launches[3] = msgspec.structs.replace(
        launches[3], conditions_before=conditions(charging=True)
    )

    summary = summarize(msgspec.structs.replace(run, launches=tuple(launches)))

    assert latency(summary.comparisons).unlike == ()
    assert latency(summary.comparisons).verdict is Verdict.REGRESSION


def test_variants_of_one_run_under_unlike_conditions_have_no_verdict(make_run):
    run = make_run({("android:1", "a"): FAST, ("android:1", "b"): SLOW})
    launches = tuple(
        msgspec.structs.replace(
            x, conditions_before=conditions(charging=x.variant_id == "b")
        )
        for x in run.launches
    )
    run = msgspec.structs.replace(run, launches=launches)

    summary = summarize(run)
    assert latency(summary.comparisons).is_withheld
    assert summary.gates_missing == ()
    assert latency(summarize(run, allow_mismatch=True).comparisons).verdict is not None


def test_the_plan_can_ask_for_verdicts_anyway(make_run):
    run = make_run({("host", "a"): FAST, ("host", "b"): SLOW})
    launches = tuple(
        msgspec.structs.replace(x, runner="null" if x.variant_id == "b" else "lite")
        for x in run.launches
    )
    run = msgspec.structs.replace(run, launches=launches)
    assert latency(summarize(run).comparisons).is_withheld

    plan = msgspec.structs.replace(run.started.plan, allow_mismatch=True)
    started = msgspec.structs.replace(run.started, plan=plan)
    asked = summarize(msgspec.structs.replace(run, started=started))
    assert latency(asked.comparisons).verdict is Verdict.REGRESSION


def test_engines_that_are_compared_may_differ_in_their_programs(make_run):
    run = make_run({("host", "a"): FAST, ("host", "b"): SLOW})
    artifacts = tuple(
        msgspec.structs.replace(x, engine="executorch" if x.variant == "b" else "lite")
        for x in run.artifacts
    )
    launches = tuple(
        msgspec.structs.replace(
            x, runner="executorch" if x.variant_id == "b" else "lite"
        )
        for x in run.launches
    )
    run = msgspec.structs.replace(run, artifacts=artifacts, launches=launches)

    found = latency(summarize(run).comparisons)

    assert found.unlike == ()
    assert found.verdict is Verdict.REGRESSION
