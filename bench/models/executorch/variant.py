"""Make one variant of a model for ExecuTorch, and look at what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.compare import Outputs, outputs_of, unlike
from pocketbench.bench.models.executorch.decoder import make_decoder_variant
from pocketbench.bench.models.executorch.delegates import check_possible
from pocketbench.bench.models.executorch.int8 import lower_int8
from pocketbench.bench.models.executorch.lowered import Target, lower_checked
from pocketbench.bench.models.executorch.program import export_graph
from pocketbench.bench.models.exporting.cache import sha256_of, version_of
from pocketbench.bench.models.input_sets import InputSets, input_sets
from pocketbench.bench.models.lite.capture import answers_vary
from pocketbench.bench.models.lite.quantizable import (
    in_quantizable_form,
    uses_batch_statistics,
)
from pocketbench.bench.models.lite.variant import (
    calibration_of,
    check_float32,
    weights_of,
)
from pocketbench.bench.models.state import fresh
from pocketbench.bench.models.transforms.model_transforms import transform_model
from pocketbench.bench.models.zoo.tiny_llama import LlamaDecoder
from pocketbench.bench.planning.variant_names import FLOAT16
from pocketbench.bench.records.artifact import Artifact, ExportFacts
from pocketbench.bench.records.engines import split_variant
from pocketbench.bench.units import format_size

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pocketbench.bench.models.exporting.export_messages import Order
    from pocketbench.bench.models.original import Original


def make_executorch_variant(
    order: Order, original: Original, say: Callable[[str], None]
) -> Artifact:
    """Write a variant into the order's workspace, with all its facts.

    Its inputs are not in the file: the measuring program makes them from the seed.

    Raises:
        ExportError: It cannot be made.
    """
    name = f"{order.model} {order.variant}"
    made, engine = split_variant(order.variant)
    if original.is_script:
        raise ExportError(
            name,
            "a TorchScript file cannot be captured by torch.export",
            "Give the model as module:factory, or measure it with --engine lite",
        )
    assert engine.delegate is not None
    if isinstance(original.module, LlamaDecoder):
        return make_decoder_variant(order, original.module, say)
    check_possible(engine.delegate, made, name=name)
    check_float32(original, made, name=name)
    _refuse_other_lengths(original, name)
    sets = input_sets(original, seed=order.seed)
    if made == "int8-static":
        sets = sets.accepted_by(original)
    who = "the model"
    expected = outputs_of(original.module, sets.held_out, name=order.model, who=who)
    say("capturing with torch.export")
    # One tensor given twice would be captured as one input.
    example = tuple(tensor.clone() for tensor in sets.calibration[0])
    transformed = transform_model(original, made, delegate=engine.delegate, name=name)
    module, changed = transformed or (original.module, "precision unchanged")
    if any(map(uses_batch_statistics, module.modules())):
        module = in_quantizable_form(fresh(module))
    program = export_graph(module, example, name=name)
    answers = expected if transformed is None else None
    _check_captured(program, module, original, sets, answers, name=name)
    is_quantized = made in ("int8-static", "int8-dynamic")
    target = Target(
        original,
        sets,
        expected,
        Path(order.workspace) / "model.pte",
        delegate=engine.delegate,
        is_rounded=made == FLOAT16,
        name=name,
    )
    kept_float: tuple[str, ...] = ()
    if is_quantized:
        is_dynamic = made == "int8-dynamic"
        say(
            "quantizing weights"
            if is_dynamic
            else f"calibrating on {len(sets.calibration)} {sets.origin} inputs"
        )
        lowered, changed, kept_float = lower_int8(
            program, example, target, is_dynamic=is_dynamic, say=say
        )
    else:
        say(f"lowering ({engine.delegate})")
        lowered = lower_checked(program, target)
    (facts, error), path = lowered, target.path
    sha256 = sha256_of(path)
    assert sha256 is not None
    return Artifact(
        model=order.model,
        variant=order.variant,
        source=order.source.spec,
        path=str(path),
        sha256=sha256,
        size_bytes=path.stat().st_size,
        format="pte",
        engine="executorch",
        precision="int8" if is_quantized else FLOAT16 if made == FLOAT16 else "float32",
        inputs=original.specs,
        bundled_input_count=0,
        operators=facts.operators,
        bytecode_version=None,
        export=ExportFacts(
            method=f"torch.export, executorch {version_of('executorch')}, "
            f"{format_size(facts.planned_memory_bytes)} planned for activations",
            changed="; ".join((changed, facts.in_words, *original.settled)),
            state=original.state,
            weights=weights_of(order, original),
            random_weights=order.source.random_weights,
            seed=order.seed,
            torch_version=version_of("torch"),
            calibration=calibration_of(made, sets),
            kept_float=kept_float,
        ),
        output_error=error,
        delegation=facts.delegation,
        planned_memory_bytes=facts.planned_memory_bytes,
    )


def _check_captured(
    program: torch.export.ExportedProgram,
    module: nn.Module,
    original: Original,
    sets: InputSets,
    expected: Outputs | None,
    *,
    name: str,
) -> None:
    """See that what torch.export captured computes what the module does.

    Raises:
        ExportError: It does not: a state or a branch was lost.
    """
    held_out = sets.held_out
    if expected is None:
        expected = outputs_of(module, held_out, name=name, who="the transformed model")
    who = "the captured program"
    actual = outputs_of(program.module(), held_out, name=name, who=who)
    if how := unlike(expected, actual, name=name):
        if varying := answers_vary(original, sets):
            raise varying
        reason = (
            f": it changes {', '.join(original.state)} at each call, which is not kept"
            if original.state
            else ", as with control flow that depends on values"
        )
        raise ExportError(
            name,
            f"captured by torch.export, it computes something else ({how}){reason}",
            "Let forward take the state and return it, or change a registered buffer "
            "in place (copy_)"
            if original.state
            else "Take those out of forward, or measure it with --engine lite",
        )


def _refuse_other_lengths(original: Original, name: str) -> None:
    shapes = {tuple(tuple(x.shape) for x in inputs) for inputs in original.given}
    if len(shapes) > 1:
        raise ExportError(
            name,
            f"its example inputs have {len(shapes)} different shapes, and a program "
            "for ExecuTorch is made for one",
            "Give one length with --input, or measure it with --engine lite",
        )
