"""What an artifact should answer, kept beside it for checking what a device answers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from pocketbench.bench.models.inputs.inputs import DTYPES, InputSet, spec_of
from pocketbench.bench.models.inputs.structure import tensors_in
from pocketbench.bench.models.state import fresh
from pocketbench.bench.records.artifact import KeptFile, OutputReference, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def make_reference(
    model: Callable[..., Any],
    sets: Sequence[InputSet],
    folder: Path,
    *,
    of: Literal["the float32 model", "the same file on the host"],
    labels: Sequence[int] = (),
    names: Sequence[str] = (),
) -> OutputReference | None:
    """Write inputs and the model's answers to them into a folder.

    Gives nothing where the sets differ in shape or dtype, or the answers do, or there
    is no tensor in them, or one of a dtype that no input has.
    """
    called = fresh(model) if isinstance(model, nn.Module) else model
    answers = [_answer(called, inputs) for inputs in sets]
    input_specs = _shared_specs(sets)
    output_specs = _shared_specs(answers)
    if not input_specs or not output_specs:
        return None
    if any(spec.dtype not in DTYPES for spec in (*input_specs, *output_specs)):
        return None
    return OutputReference(
        of=of,
        set_count=len(sets),
        inputs=_keep(sets, folder / "inputs.bin"),
        input_specs=input_specs,
        outputs=_keep(answers, folder / "outputs.bin"),
        output_specs=output_specs,
        output_names=tuple(names),
        labels=tuple(labels),
    )


def _answer(model: Callable[..., Any], inputs: InputSet) -> InputSet:
    with torch.no_grad():
        result = model(*(tensor.clone() for tensor in inputs))
    return tuple(
        leaf.dequantize() if leaf.is_quantized else leaf
        for _, leaf in tensors_in(result)
    )


def _shared_specs(sets: Sequence[InputSet]) -> tuple[TensorSpec, ...] | None:
    """The specs that all sets have, as they are kept; `None` when they differ."""
    specs = {tuple(spec_of(x.contiguous()) for x in inputs) for inputs in sets}
    return specs.pop() if len(specs) == 1 else None


def _keep(sets: Sequence[InputSet], path: Path) -> KeptFile:
    data = b"".join(_bytes_of(tensor) for tensors in sets for tensor in tensors)
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return KeptFile(path=str(path), sha256=digest, size_bytes=len(data))


def _bytes_of(tensor: torch.Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    # Through bytes, for numpy has no bfloat16.
    return bytes(flat.view(torch.uint8).numpy().tobytes())
