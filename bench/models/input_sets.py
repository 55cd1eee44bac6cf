"""Which inputs are bundled, which calibrate, and which the outputs are compared on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.models.inputs.bundle import set_count
from pocketbench.bench.models.inputs.vary import varied_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.models.inputs.inputs import InputSet
    from pocketbench.bench.models.original import Original

CALIBRATION_SETS = 16
HELD_OUT_SETS = 8


class InputSets(NamedTuple):
    """The inputs of one export."""

    bundled: Sequence[InputSet]
    calibration: Sequence[InputSet]
    held_out: Sequence[InputSet]
    """None of them calibrates, unless fewer than four are given."""
    origin: str
    """`seeded`, `given`, or `example-based`: the author's example and variations."""


def input_sets(original: Original, *, seed: int) -> InputSets:
    """Use the author's own inputs where there are any, or make seeded ones."""
    given = original.given
    if len(given) == 1 and original.is_varied:
        return _around(given[0], seed=seed)
    if given:
        held_out = len(given) // 4
        return InputSets(
            bundled=given[: set_count(given[0])],
            calibration=given[: len(given) - held_out],
            held_out=given[len(given) - held_out :] if held_out else given,
            origin="given",
        )
    first = original.inputs(1, seed=seed, purpose="bundled")[0]
    return InputSets(
        bundled=original.inputs(set_count(first), seed=seed, purpose="bundled"),
        calibration=original.inputs(CALIBRATION_SETS, seed=seed, purpose="calibration"),
        held_out=original.inputs(HELD_OUT_SETS, seed=seed, purpose="held out"),
        origin="seeded",
    )


def _around(example: InputSet, *, seed: int) -> InputSets:
    """The example first, and variations of it."""

    def more(count: int, purpose: str) -> list[InputSet]:
        return varied_inputs(example, count, seed=seed, purpose=purpose)

    return InputSets(
        bundled=[example, *more(set_count(example) - 1, "bundled")],
        calibration=[example, *more(CALIBRATION_SETS - 1, "calibration")],
        held_out=more(HELD_OUT_SETS, "held out"),
        origin="example-based",
    )
