"""A model's program as TorchScript, checked to compute what the model does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.compare import Outputs, outputs_of, unlike
from pocketbench.bench.models.accuracy.layers import Layers, count_layers
from pocketbench.bench.models.lite.export import script_of

if TYPE_CHECKING:
    import torch

    from pocketbench.bench.models.input_sets import InputSets
    from pocketbench.bench.models.original import Original


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
        failed = _traced_otherwise(original, sets, reason)
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
    actual = outputs_of(script, sets.held_out, name=name, who="the traced model")
    return unlike(expected, actual, name=name)


def answers_vary(original: Original, sets: InputSets) -> ExportError | None:
    """Why two copies of a model answer the same input differently; `None`: they do not.

    A seed of their own would be the same in both copies.
    """
    name, inputs = original.name, sets.held_out[:1]
    first, second = (
        outputs_of(original.module, inputs, name=name, who="the model")
        for _ in range(2)
    )
    if unlike(first, second, name=name) is None:
        return None
    return ExportError(
        name,
        "answers the same input differently each time (random numbers in forward, or "
        "a state outside of the module)",
        "Leave dropout and noise out of evaluation, and keep a state in a buffer",
    )


def _traced_otherwise(original: Original, sets: InputSets, how: str) -> ExportError:
    if varying := answers_vary(original, sets):
        return varying
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
        "depends on values",
        "Give it as TorchScript (.pt) made with torch.jit.script",
    )
