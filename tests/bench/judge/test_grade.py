"""The letter that a cell's caveats come down to."""

import msgspec
import pytest

from pocketbench.bench.judge.grade import HARMLESS, MEANINGS, SPOILING, grade
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.run import Run


def test_clean_launches_are_an_a():
    assert grade(()).letter == "A"
    assert grade(HARMLESS).letter == "A"


def test_a_caveat_makes_it_a_b_that_says_why():
    found = grade((Caveat.CHARGING, Caveat.RANDOM_WEIGHTS, Caveat.NOISY))
    assert found.letter == "B"
    assert found.reasons == (Caveat.CHARGING, Caveat.NOISY)
    assert found.meaning == MEANINGS["B"]


@pytest.mark.parametrize("caveat", sorted(SPOILING))
def test_a_phone_that_ran_slower_than_it_can_is_not_to_be_compared(caveat):
    found = grade((Caveat.SIMULATED, caveat, Caveat.CHARGING))
    assert found.letter == "C"
    assert found.reasons == (caveat,)


def outputs_caveat(records, *measured):
    """Whether launches that measured so carry the caveat."""
    artifact = records.artifact("float32")
    launches = tuple(
        _measured(records.launch(block=block, artifact_sha256=artifact.sha256), facts)
        for block, facts in enumerate(measured)
    )
    run = Run(
        folder="/runs/x",
        started=records.started(records.plan("float32", blocks=len(launches))),
        artifacts=(artifact,),
        launches=launches,
    )
    (cell,) = summarize(run).cells
    assert (Caveat.NONDETERMINISTIC in cell.caveats) == (
        Caveat.NONDETERMINISTIC in cell.grade.reasons
    )
    return Caveat.NONDETERMINISTIC in cell.caveats


def _measured(launch, facts):
    measurement = msgspec.structs.replace(launch.measurement, **facts)
    return msgspec.structs.replace(launch, measurement=measurement)


def test_output_bits_that_differ_between_like_launches_are_a_caveat(records):
    assert outputs_caveat(records, {"output_digest": "aa"}, {"output_digest": "bb"})
    assert not outputs_caveat(records, {"output_digest": "aa"}, {"output_digest": "aa"})
    assert not outputs_caveat(records, {"output_digest": "aa"}, {})


@pytest.mark.parametrize(
    "change", [{"threads": 2}, {"heap": "steady"}, {"runtime_version": "torch 3"}]
)
def test_output_bits_of_unlike_launches_are_not_compared(records, change):
    first = {"output_digest": "aa", "threads": 1, "runtime_version": "torch 2"}
    other = first | {"output_digest": "bb"} | change
    assert not outputs_caveat(records, first, other)
    assert outputs_caveat(records, first, other, other | {"output_digest": "cc"})
