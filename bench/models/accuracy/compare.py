"""How far a variant's outputs are from the original's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.parts import PartError, part_error
from pocketbench.bench.models.inputs.inputs import name_of_dtype
from pocketbench.bench.models.inputs.structure import tensors_in
from pocketbench.bench.models.state import fresh
from pocketbench.bench.models.summarize_exception import summarize_exception
from pocketbench.bench.records.artifact import OutputError, OutputFigures
from pocketbench.bench.records.output_check import sqnr_db

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.bench.models.inputs.inputs import InputSet

CAPTURED_AS_MEANT_DB = 40.0
"""Another order of additions costs some 1e-6 of the signal (120 dB). A program further
off than this is another model: it keeps one of several ways through the code."""
_EQUAL_AS_MEANT = 0.9
"""Of whole numbers in the outputs; a tie may fall the other way."""

Outputs = list[list[torch.Tensor]]
"""For each call, the tensors it gave, in order."""


def outputs_of(
    model: Callable[..., Any], sets: Sequence[InputSet], *, name: str, who: str
) -> Outputs:
    """Call a model on each set of inputs and keep every tensor that comes out.

    A module is copied first: what the calls leave in it must not be in what is
    exported. `who` is named when it fails: `the original`, `the exported file`.

    Raises:
        ExportError: It raised, gave no tensor, or gave a value that is not finite.
    """
    found = []
    called = fresh(model) if isinstance(model, nn.Module) else model
    for inputs in sets:
        try:
            with torch.no_grad():
                result = called(*(tensor.clone() for tensor in inputs))
        except Exception as error:
            shapes = ", ".join(str(list(tensor.shape)) for tensor in inputs)
            raise ExportError(
                name,
                f"{who} raised on inputs of shape {shapes} "
                f"({summarize_exception(error)})",
                "Check the model's inputs: give their shape and dtype with --input, "
                "or let the factory return (module, example_inputs)",
            ) from error
        tensors = [_in_reals(x) for _, x in tensors_in(result)]
        _check(tensors, name, who)
        found.append(tensors)
    return found


def _in_reals(tensor: torch.Tensor) -> torch.Tensor:
    """A copy in values that can be compared: complex ones as pairs."""
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return (tensor.dequantize() if tensor.is_quantized else tensor.detach()).clone()


def _check(tensors: Sequence[torch.Tensor], name: str, who: str) -> None:
    if not tensors:
        raise ExportError(
            name, f"{who} gave no tensor", "Let forward return the model's outputs"
        )
    for index, tensor in enumerate(tensors):
        if tensor.layout != torch.strided:
            raise ExportError(
                name,
                f"output {index} of {who} is a sparse tensor, which cannot be compared",
                "Let forward return it dense: to_dense()",
            )
        # Some infinite ones are a mask's, which takes answers out of the choice.
        has_any = not tensor.numel() or bool(torch.isfinite(tensor).any())
        if not has_any or bool(torch.isnan(tensor).any()):
            wrong = int((~torch.isfinite(tensor)).sum())
            raise _not_finite(wrong, tensor, name, f"output {index} of {who}")


def _not_finite(wrong: int, of: torch.Tensor, name: str, where: str) -> ExportError:
    return ExportError(
        name,
        f"{wrong} of {of.numel()} values in {where} are not finite (NaN or infinite)",
        "Keep to float32: float16 ends at 65504 and rounds to 0 below 6e-8"
        if "float16" in name
        else "Check the weights and the range of the example inputs, and with "
        "int8 the ranges of the activations",
    )


class _Sums(NamedTuple):
    signal: float
    noise: float
    figures: OutputFigures


def output_error(
    original: Outputs, exported: Outputs, *, name: str, names: Sequence[str] = ()
) -> OutputError:
    """Compare outputs: the largest difference, and the signal-to-noise ratio.

    SQNR = 10 log10(sum of squares of the original's outputs / sum of squares of the
    differences), of each output over all calls, and of its worst part.

    Raises:
        ExportError: The outputs are not of the same number or rank.
    """
    for before, after in zip(original, exported, strict=True):
        ranks = [[x.dim() for x in tensors] for tensors in (before, after)]
        if ranks[0] != ranks[1]:
            shapes = [[list(x.shape) for x in tensors] for tensors in (before, after)]
            raise ExportError(
                name,
                f"gives outputs of shape {shapes[1]} and the original of {shapes[0]}",
                "Give it as TorchScript (.pt) made with torch.jit.script",
            )
    found = []
    for place in range(min(map(len, original), default=0)):
        output = _name(names, place)
        before = [call[place] for call in original]
        after = [call[place] for call in exported]
        for was, now in zip(before, after, strict=True):
            if was.shape == now.shape:
                unlike = (torch.isinf(was) | torch.isinf(now)) & (was != now)
                if wrong := int(unlike.sum()):
                    where = (
                        f"{output} of the original or of the exported file, not both,"
                    )
                    raise _not_finite(wrong, now, name, where)
        found.append(_compare_one(output, before, after))
    signal, noise = sum(x.signal for x in found), sum(x.noise for x in found)
    return OutputError(
        max_abs=max((x.figures.max_abs for x in found), default=0.0),
        sqnr_db=sqnr_db(signal, noise),
        outputs=tuple(x.figures for x in found),
    )


def unlike(expected: Outputs, actual: Outputs, *, name: str) -> str | None:
    """How a captured program differs from the model; `None` when it does not.

    Raises:
        ExportError: Their outputs cannot be compared.
    """
    found = output_error(expected, actual, name=name)
    worst = found.worst_sqnr_db
    if worst is not None and worst < CAPTURED_AS_MEANT_DB:
        return f"{worst:.0f} dB SQNR"
    for figures in found.outputs:
        if figures.other_shape_count:
            return f"{figures.name} of another shape"
        if figures.equal_share is not None and figures.equal_share < _EQUAL_AS_MEANT:
            return f"{figures.equal_share:.0%} of {figures.name} equal"
    return None


def _name(names: Sequence[str], place: int) -> str:
    own = names[place] if place < len(names) else ""
    if not own or own == f"[{place}]":
        return f"output {place}"
    return f"output {own}" if own.startswith("[") else own


def _compare_one(
    name: str, before: Sequence[torch.Tensor], after: Sequence[torch.Tensor]
) -> _Sums:
    alike = [
        (_finite(a), _finite(b))
        for a, b in zip(before, after, strict=True)
        if a.shape == b.shape
    ]
    pairs = [(a, b) for a, b in alike if a.numel()]
    signal = sum(float(a.square().sum()) for a, _ in pairs)
    noise = sum(float((a - b).square().sum()) for a, b in pairs)
    is_real = before[0].is_floating_point()
    parts = _parts(pairs) if is_real and noise else PartError(None, None, None)
    count = sum(a.numel() for a, _ in pairs)
    equal = sum(int((a == b).sum()) for a, b in pairs)
    figures = OutputFigures(
        name=name,
        dtype=name_of_dtype(before[0].dtype),
        shape=tuple(before[0].shape),
        max_abs=max((float((a - b).abs().max()) for a, b in pairs), default=0.0),
        sqnr_db=sqnr_db(signal, noise) if is_real else None,
        equal_share=None if is_real or not alike else equal / count if count else 1.0,
        worst_part=parts.worst,
        worst_part_sqnr_db=parts.worst_sqnr_db,
        constant_part=parts.constant,
        other_shape_count=len(before) - len(alike),
    )
    return _Sums(signal, noise, figures) if is_real else _Sums(0.0, 0.0, figures)


def _finite(values: torch.Tensor) -> torch.Tensor:
    """In float64, with 0 for what is infinite on both sides."""
    return values.to(torch.float64).nan_to_num(posinf=0.0, neginf=0.0)


def _parts(pairs: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> PartError:
    """Judge the parts in calls of one shape; lengths may differ between calls."""
    shape = pairs[0][0].shape
    before, after = (
        np.stack([pair[side].numpy() for pair in pairs if pair[0].shape == shape])
        for side in (0, 1)
    )
    return part_error(before, after)
