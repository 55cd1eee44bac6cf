"""Which inputs are bundled, which calibrate, and which the outputs are compared on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from pocketbench.bench.models.inputs.bundle import set_count
from pocketbench.bench.models.inputs.structure import tensors_in
from pocketbench.bench.models.inputs.vary import varied_inputs
from pocketbench.bench.models.state import fresh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from pocketbench.bench.models.inputs.inputs import InputSet
    from pocketbench.bench.models.original import Original

CALIBRATION_SETS = 16
CALIBRATION_VALUES = 2048
MOST_CALIBRATION_SETS = 128
"""Sixteen inputs of a few values each do not show how far the activations go: what lies
outside is cut off, and the figure of the error says more of that than of int8."""
HELD_OUT_SETS = 8


class InputSets(NamedTuple):
    """The inputs of one export."""

    bundled: Sequence[InputSet]
    calibration: Sequence[InputSet]
    held_out: Sequence[InputSet]
    """None of them calibrates, unless fewer than four are given."""
    origin: str
    """`seeded`, `given`, or `example-based`: the author's example and variations."""

    def accepted_by(self, original: Original) -> InputSets:
        """Leave out the variations for calibration that the model does not accept."""
        if not original.is_varied:
            return self
        calibration = answered_alike(original.module, self.calibration)
        return self._replace(calibration=calibration)


def input_sets(original: Original, *, seed: int) -> InputSets:
    """Use the author's own inputs where there are any, or make seeded ones."""
    given = original.given
    if len(given) == 1 and original.is_varied:
        return around(given[0], seed=seed, has_state=bool(original.state))
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
        calibration=original.inputs(
            _calibration_count(first, has_state=bool(original.state)),
            seed=seed,
            purpose="calibration",
        ),
        held_out=original.inputs(HELD_OUT_SETS, seed=seed, purpose="held out"),
        origin="seeded",
    )


def _calibration_count(inputs: InputSet, *, has_state: bool) -> int:
    """How many sets; a state would run away in many calls one after the other."""
    if has_state:
        return CALIBRATION_SETS
    values = max((tensor.numel() for tensor in inputs), default=0)
    wanted = CALIBRATION_VALUES // max(values, 1)
    return max(CALIBRATION_SETS, min(wanted, MOST_CALIBRATION_SETS))


def around(example: InputSet, *, seed: int, has_state: bool = False) -> InputSets:
    """The example first, and variations of it."""

    def more(count: int, purpose: str) -> list[InputSet]:
        return varied_inputs(example, count, seed=seed, purpose=purpose)

    count = _calibration_count(example, has_state=has_state)
    return InputSets(
        bundled=[example, *more(set_count(example) - 1, "bundled")],
        calibration=[example, *more(count - 1, "calibration")],
        held_out=more(HELD_OUT_SETS, "held out"),
        origin="example-based",
    )


def answered_alike(module: nn.Module, sets: Sequence[InputSet]) -> tuple[InputSet, ...]:
    """The first set, and the others that a model answers as it does the first.

    With outputs of the same shapes, no NaN, and as many infinite values.
    """
    first, *others = sets
    expected = _shapes(module, first)
    if expected is None:
        return (first,)
    return (first, *(x for x in others if _shapes(module, x) == expected))


def _shapes(module: nn.Module, inputs: InputSet) -> list[tuple[Any, int]] | None:
    """Each output's shape and number of infinite values; `None` with a NaN."""
    try:
        with torch.no_grad():
            result = fresh(module)(*(x.clone() for x in inputs))
    except Exception:
        return None
    tensors = [tensor for _, tensor in tensors_in(result)]
    if any(bool(torch.isnan(x).any()) for x in tensors):
        return None
    return [(x.shape, int(torch.isinf(x).sum())) for x in tensors]
