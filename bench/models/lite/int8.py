"""Choose the way that quantizes most of a model: its Python, or its program."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.compare import Outputs, output_error, outputs_of
from pocketbench.bench.models.lite.export import Program, make_program, script_of
from pocketbench.bench.models.lite.quantizable import (
    PaddingInNumbers,
    with_separate_projections,
)
from pocketbench.bench.models.lite.quantize import (
    Quantized,
    quantize_dynamic,
    quantize_static,
)
from pocketbench.bench.models.lite.quantize_script import (
    quantize_script_dynamic,
    quantize_script_static,
)
from pocketbench.bench.models.summarize_exception import summarize_exception

if TYPE_CHECKING:
    from pocketbench.bench.models.accuracy.layers import Layers
    from pocketbench.bench.models.input_sets import InputSets
    from pocketbench.bench.models.lite.capture import Captured
    from pocketbench.bench.models.original import Original

logger = logging.getLogger(__name__)

INT8 = ("int8-dynamic", "int8-static")
_GOOD_DB = 20.0
"""Below it the other way is tried, too."""
_MUCH_WORSE_DB = 10.0
"""A way that quantizes more is not taken when it answers so much worse."""

_NAMED_PADDING = "aten::_convolution_mode"
_WITH_WEIGHTS = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    *(nn.Linear, nn.Bilinear, nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention),
)


class _Made(NamedTuple):
    quantized: Quantized
    program: Program
    worst_db: float | None
    """SQNR of the worst part of its outputs."""
    sqnr_db: float | None
    """Mean of that and of the SQNR over all: where all destroy a part, the rest
    decides."""


def quantize(
    original: Original,
    made: str,
    sets: InputSets,
    *,
    captured: Captured,
    expected: Outputs,
    say: Callable[[str], None],
) -> tuple[Quantized, Program]:
    """Quantize a model from its Python source, or from its program.

    The program where there is no source, the source's control flow cannot be
    followed, more layers are found in it (those inside fused attention), or it keeps
    what quantizing the source loses: hooks, a layer that is called twice.

    Raises:
        ExportError: Neither way leads to a program that runs.
    """
    say(
        "quantizing weights"
        if made == "int8-dynamic"
        else f"calibrating on {len(sets.calibration)} {sets.origin} inputs"
    )
    from_source = _attempt(original, made, sets, expected, captured, is_source=True)
    if isinstance(from_source, _Made) and _is_good(made, captured, from_source):
        return from_source[:2]
    from_program = _attempt(original, made, sets, expected, captured, is_source=False)
    if isinstance(from_source, ExportError):
        if isinstance(from_program, ExportError):
            has_source = not (original.is_script or captured.is_scripted)
            raise from_source if has_source else from_program
        return from_program[:2]
    if isinstance(from_program, _Made) and _is_better(from_program, from_source):
        return from_program[:2]
    return from_source[:2]


def _attempt(
    original: Original,
    made: str,
    sets: InputSets,
    expected: Outputs,
    captured: Captured,
    *,
    is_source: bool,
) -> _Made | ExportError:
    name = f"{original.name} {made}"
    try:
        if is_source:
            quantized = _from_source(original, made, sets, captured)
        else:
            quantized = _from_program(original, made, sets, captured)
        program = make_program(
            quantized.module,
            sets.bundled[0],
            name=name,
            is_scripted=captured.is_scripted,
        )
        if not is_source and not original.is_script:
            taken = "scripted" if captured.is_scripted else "traced"
            method = program.method.replace("TorchScript", taken, 1)
            program = program._replace(method=f"{method}, quantized as a graph")
        answers = outputs_of(
            program.script, sets.held_out, name=name, who="the quantized model"
        )
        error = output_error(expected, answers, name=name)
    except ExportError as refused:
        logger.debug("%s", refused)
        return refused
    except Exception as raised:
        # A layer that the engine packs and cannot copy again.
        fact = f"cannot be run once it is quantized ({summarize_exception(raised)})"
        return ExportError(name, fact, "Keep to float32 and int8-dynamic")
    is_alike = not any(figures.other_shape_count for figures in error.outputs)
    if not is_alike:
        return _Made(quantized, program, -math.inf, -math.inf)
    worst, over_all = error.worst_sqnr_db, error.sqnr_db
    mean = None if worst is None or over_all is None else (worst + over_all) / 2
    return _Made(quantized, program, worst, mean)


def _from_source(
    original: Original, made: str, sets: InputSets, captured: Captured
) -> Quantized:
    if original.is_script:
        raise ExportError(original.name, "has no Python source", "Give module:factory")
    if made == "int8-dynamic":
        return quantize_dynamic(original.module, name=original.name)
    if captured.is_scripted:
        raise ExportError(
            f"{original.name} {made}",
            "cannot be followed by torch.fx, which like a trace loses a state or a "
            "branch of it",
            "Keep to float32 and int8-dynamic",
        )
    return quantize_static(original.module, sets.calibration, name=original.name)


def _from_program(
    original: Original, made: str, sets: InputSets, captured: Captured
) -> Quantized:
    name, script, example = original.name, captured.script, sets.bundled[0]
    is_traced = not (original.is_script or captured.is_scripted)
    if made == "int8-static":
        if is_traced and script.inlined_graph.findAllNodes(_NAMED_PADDING):
            with PaddingInNumbers():
                script = script_of(original.module, example, name=name)
        return quantize_script_static(
            script, sets.calibration, name=name, is_scripted=captured.is_scripted
        )
    try:
        return quantize_script_dynamic(
            script, name=name, is_scripted=captured.is_scripted
        )
    except ExportError:
        apart = is_traced and with_separate_projections(original.module, example)
        if not apart:
            raise
        return quantize_script_dynamic(script_of(apart, example, name=name), name=name)


def _is_good(made: str, captured: Captured, found: _Made) -> bool:
    if found.worst_db is not None and found.worst_db < _GOOD_DB:
        return False
    kinds = captured.layers.by_kind
    quantizable = (
        sum(kinds.values())
        if made == "int8-static"
        else kinds.get("linear", 0) + kinds.get("recurrent", 0)
    )
    return found.program.layers.quantized >= quantizable


def _is_better(found: _Made, than: _Made) -> bool:
    more = found.program.layers.quantized - than.program.layers.quantized
    if found.sqnr_db is None or than.sqnr_db is None:
        return more > 0
    if more <= 0:
        return more == 0 and found.sqnr_db > than.sqnr_db + _MUCH_WORSE_DB
    # What quantizes nothing answers best.
    nothing = than.program.layers.quantized == 0
    return nothing or found.sqnr_db > than.sqnr_db - _MUCH_WORSE_DB


def kept_float(
    module: nn.Module, quantized: Quantized, after: Layers
) -> tuple[str, ...]:
    """Name the layers with weights that stay in float32, or count them by kind."""
    if not after.float32:
        return ()
    counts = tuple(f"{count} {kind}" for kind, count in after.by_kind.items())
    if isinstance(quantized.module, torch.jit.ScriptModule):
        return counts
    names = {
        name.removeprefix("module.")
        for name, layer in module.named_modules()
        if isinstance(layer, _WITH_WEIGHTS)
    }
    # A function called with weights is no layer that has a name.
    return tuple(sorted(names - set(quantized.layers) - {""})) or counts
