"""A model's program as TorchScript, checked to compute what the model does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.compare import Outputs, output_error, outputs_of
from pocketbench.bench.models.accuracy.layers import Layers, count_layers
from pocketbench.bench.models.lite.export import script_of

if TYPE_CHECKING:
    import torch

    from pocketbench.bench.models.inputs.input_sets import InputSets
    from pocketbench.bench.models.original import Original

TRACED_AS_MEANT_DB = 40.0
"""Another order of additions costs some 1e-6 of the signal (120 dB). A trace further
off than this is another model: it keeps one of several ways through the code."""
_EQUAL_AS_MEANT = 0.9
"""Of whole numbers in the outputs; a tie may fall the other way."""


class Captured(NamedTuple):
    """A faithful program of the float32 model."""

    script: torch.jit.ScriptModule
    layers: Layers
    is_scripted: bool
    """A trace loses something (a state, a branch); torch.jit.script does not."""


def capture(original: Original, sets: InputSets, expected: Outputs) -> Captured:
    """Trace a model, or compile it where a trace computes something else.

    Raises:
        ExportError: Neither computes what the model does.
    """
    name = original.name
    if original.is_script:
        script = script_of(original.module, sets.bundled[0], name=name)
        return Captured(script, count_layers(script), is_scripted=False)
    try:
        script = script_of(original.module, sets.bundled[0], name=name)
        reason = _unlike(script, sets, expected, name)
    except ExportError as error:
        failed, reason = error, None
    else:
        if reason is None:
            return Captured(script, count_layers(script), is_scripted=False)
        failed = _traced_otherwise(original, reason)
    try:
        script = script_of(
            original.module, sets.bundled[0], name=name, is_scripted=True
        )
        if _unlike(script, sets, expected, name) is not None:
            raise failed
    except ExportError as error:
        raise failed from error
    return Captured(script, count_layers(script), is_scripted=True)


def _unlike(
    script: torch.jit.ScriptModule, sets: InputSets, expected: Outputs, name: str
) -> str | None:
    """How a program's outputs differ from the model's; `None` when they do not."""
    actual = outputs_of(script, sets.held_out, name=name, who="the traced model")
    found = output_error(expected, actual, name=name)
    if found.sqnr_db is not None and found.sqnr_db < TRACED_AS_MEANT_DB:
        return f"{found.sqnr_db:.0f} dB SQNR"
    for figures in found.outputs:
        if figures.other_shape_count:
            return f"{figures.name} of another shape"
        if figures.equal_share is not None and figures.equal_share < _EQUAL_AS_MEANT:
            return f"{figures.equal_share:.0%} of {figures.name} equal"
    return None


def _traced_otherwise(original: Original, how: str) -> ExportError:
    if original.state:
        return ExportError(
            original.name,
            f"changes {', '.join(original.state)} at each call, which a trace does not "
            f"keep (traced: {how})",
            "Let forward take the state and return it, change a registered buffer in "
            "place (copy_), or give it as TorchScript (.pt) made with torch.jit.script",
        )
    return ExportError(
        original.name,
        f"traced, it computes something else ({how}), as with control flow that "
        "depends on values, or random numbers in forward",
        "Give it as TorchScript (.pt) made with torch.jit.script",
    )
