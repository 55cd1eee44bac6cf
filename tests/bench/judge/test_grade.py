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


def test_outputs_that_differ_between_launches_are_told(records):
    plan = records.plan("float32", blocks=2)
    artifact = records.artifact("float32")
    launches = tuple(
        _with_digest(records.launch(block=block, artifact_sha256=artifact.sha256), text)
        for block, text in enumerate(("aa", "bb"))
    )
    run = Run(
        folder="/runs/x",
        started=records.started(plan),
        artifacts=(artifact,),
        launches=launches,
    )
    (cell,) = summarize(run).cells
    assert Caveat.NONDETERMINISTIC in cell.caveats
    assert Caveat.NONDETERMINISTIC in cell.grade.reasons


def _with_digest(launch, digest):
    measurement = msgspec.structs.replace(launch.measurement, output_digest=digest)
    return msgspec.structs.replace(launch, measurement=measurement)
