"""Make one variant of a model for ExecuTorch, and look at what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executorch.runtime import Runtime, Verification

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.compare import (
    Outputs,
    output_error,
    outputs_of,
    unlike,
)
from pocketbench.bench.models.accuracy.layers import Layers
from pocketbench.bench.models.executorch.decoder import make_decoder_variant
from pocketbench.bench.models.executorch.delegates import check_possible
from pocketbench.bench.models.executorch.program import (
    PteFacts,
    export_graph,
    lower,
    named,
)
from pocketbench.bench.models.executorch.quantize import QuantizedGraph, quantize_graph
from pocketbench.bench.models.exporting.cache import sha256_of, version_of
from pocketbench.bench.models.inputs.input_sets import InputSets, input_sets
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
from pocketbench.bench.models.summarize_exception import summarize_exception
from pocketbench.bench.models.transforms import changes
from pocketbench.bench.models.transforms.model_transforms import remake
from pocketbench.bench.models.zoo.tiny_llama import LlamaDecoder
from pocketbench.bench.planning.variant_names import FLOAT16
from pocketbench.bench.records.artifact import Artifact, ExportFacts, OutputError
from pocketbench.bench.records.engines import split_variant
from pocketbench.bench.units import format_size

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pocketbench.bench.models.exporting.export_messages import Order
    from pocketbench.bench.models.inputs.inputs import InputSet
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
    who = "the model"
    expected = outputs_of(original.module, sets.held_out, name=order.model, who=who)
    say("capturing with torch.export")
    # One tensor given twice would be captured as one input.
    example = tuple(tensor.clone() for tensor in sets.calibration[0])
    remade = remake(original, made, delegate=engine.delegate, name=name)
    module, changed = remade or (original.module, "precision unchanged")
    if any(map(uses_batch_statistics, module.modules())):
        module = in_quantizable_form(fresh(module))
    program = export_graph(module, example, name=name)
    _check_captured(
        program, module, original, sets, expected if remade is None else None
    )
    is_quantized = made in ("int8-static", "int8-dynamic")
    if is_quantized:
        quantized = _quantize(
            program.module(), made, sets, say, delegate=engine.delegate, name=name
        )
        program = export_graph(quantized.module, example, name=name)
        changed = _changed(quantized)
    path = Path(order.workspace) / "model.pte"
    say(f"lowering ({engine.delegate})")
    facts = lower(
        program,
        path,
        delegate=engine.delegate,
        is_rounded=made == FLOAT16,
        name=name,
    )
    error = None
    if _runs_here(facts):
        say("comparing its outputs with the model's")
        try:
            error = _compare(expected, path, name, sets.held_out, original.output_names)
        except ExportError as refused:
            if "raised" not in refused.fact or not facts.operators:
                raise
            raise ExportError(
                name,
                f"{refused.fact}; ExecuTorch's own kernels were left with "
                f"{named(facts.operators)}",
                "Measure it with --engine lite, or take out what those kernels do not "
                "compute (3-D convolutions, for one)",
            ) from refused
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
) -> None:
    """See that what torch.export captured computes what the module does.

    Raises:
        ExportError: It does not: a state or a branch was lost.
    """
    name, held_out = original.name, sets.held_out
    if expected is None:
        expected = outputs_of(module, held_out, name=name, who="the model")
    who = "the captured program"
    actual = outputs_of(program.module(), held_out, name=name, who=who)
    if how := unlike(expected, actual, name=name):
        reason = (
            f": it changes {', '.join(original.state)} at each call, which is not kept"
            if original.state
            else ", as with control flow that depends on values, or random numbers"
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


def _runs_here(facts: PteFacts) -> bool:
    """Whether the ExecuTorch of this Python has what the program was lowered for."""
    registry = Runtime.get().backend_registry
    return all(registry.is_available(x.name) for x in facts.delegation.taken)


def _quantize(
    graph: Any,
    made: str,
    sets: InputSets,
    say: Callable[[str], None],
    *,
    delegate: str,
    name: str,
) -> QuantizedGraph:
    is_dynamic = made == "int8-dynamic"
    say(
        "quantizing weights"
        if is_dynamic
        else f"calibrating on {len(sets.calibration)} {sets.origin} inputs"
    )
    quantized = quantize_graph(
        graph,
        sets.calibration,
        is_dynamic=is_dynamic,
        delegate=delegate,
        name=name,
    )
    if not is_dynamic and quantized.layers and not quantized.quantized_count:
        raise ExportError(
            name,
            f"none of its {sum(quantized.layers.values())} layers "
            f"({', '.join(quantized.layers)}) could be quantized: PT2E knows no "
            "quantized form of them",
            "Keep to float32+executorch; int8-dynamic quantizes recurrent layers, too, "
            "with --engine lite"
            if "recurrent" in quantized.layers
            else "Keep to float32+executorch",
        )
    return quantized


def _changed(quantized: QuantizedGraph) -> str:
    before = Layers(by_kind=quantized.layers, quantized=0, batch_norms=0)
    after = Layers(by_kind={}, quantized=quantized.quantized_count, batch_norms=0)
    return changes.quantized(before, after, ())


def _compare(
    expected: Outputs,
    path: Path,
    name: str,
    held_out: Sequence[InputSet],
    names: Sequence[str],
) -> OutputError:
    """Run the file as written, in ExecuTorch, against the original."""
    try:
        program = Runtime.get().load_program(path, verification=Verification.Minimal)
        forward = program.load_method("forward")
        assert forward is not None
    except Exception as error:
        raise ExportError(
            name,
            f"ExecuTorch cannot load the exported file ({summarize_exception(error)})",
            "Take out what the message names",
        ) from error
    actual = outputs_of(
        lambda *inputs: forward.execute(inputs),
        held_out,
        name=name,
        who="the exported file",
    )
    return output_error(expected, actual, name=name, names=names)
