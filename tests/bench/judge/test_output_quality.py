"""What a build's output error comes to: words, warnings, caveats."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pocketbench.bench.judge.output_quality import (
    artifact_caveats,
    output_warnings,
    quality_text,
)
from pocketbench.bench.records.artifact import OutputError, OutputFigures
from pocketbench.bench.records.caveat import Caveat
from tests import factories


def error_of(**figures):
    known = {"dtype": "float32", "shape": (1, 4), "max_abs": 0.1, "sqnr_db": 40.0}
    one = OutputFigures(name="scores", **(known | figures))
    return OutputError(max_abs=one.max_abs, sqnr_db=one.sqnr_db, outputs=(one,))


@pytest.mark.parametrize(
    ("figures", "is_destroyed"),
    [
        ({}, False),
        ({"sqnr_db": 9.0}, True),
        ({"worst_part": "channel 4 of 7", "worst_part_sqnr_db": 0.0}, True),
        ({"constant_part": "channels 4 to 6 of 7"}, True),
        ({"dtype": "int64", "sqnr_db": None, "equal_share": 0.5}, True),
        ({"other_shape_count": 1}, True),
    ],
)
def test_a_destroyed_output_is_a_warning_and_a_caveat(figures, is_destroyed):
    error = error_of(**figures)

    caveats = artifact_caveats(factories.artifact(output_error=error), None)

    assert bool(output_warnings(error)) is is_destroyed
    assert (Caveat.OUTPUT_DESTROYED in caveats) is is_destroyed


def test_a_state_between_calls_is_a_caveat():
    plain = factories.artifact()
    stateful = replace(plain, export=replace(plain.export, state=("h",)))

    assert Caveat.STATEFUL in artifact_caveats(stateful, None)
    assert Caveat.STATEFUL not in artifact_caveats(plain, None)


def test_outputs_of_another_shape_are_never_called_equal():
    labels = {"dtype": "int64", "sqnr_db": None, "max_abs": 0.0}
    lost = error_of(**labels, equal_share=None, other_shape_count=8)

    assert quality_text(lost) == "outputs of another shape in 8 calls"
    assert quality_text(error_of(sqnr_db=None, max_abs=0.0)) == "outputs identical"


def test_outputs_without_a_value_are_not_called_identical():
    nothing = error_of(sqnr_db=None, max_abs=0.0, shape=(0, 4))
    scores = error_of(sqnr_db=None, max_abs=0.0).outputs

    assert quality_text(nothing) == "outputs without values"
    both = replace(nothing, outputs=(*nothing.outputs, *scores))
    assert quality_text(both) == "outputs identical"
