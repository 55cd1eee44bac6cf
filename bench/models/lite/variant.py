"""Make one variant of a model: quantize, save, and look at what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.nn import BatchNorm2d

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.compare import Outputs, output_error, outputs_of
from pocketbench.bench.models.accuracy.layers import Layers
from pocketbench.bench.models.exporting.cache import sha256_of, version_of
from pocketbench.bench.models.input_sets import InputSets, input_sets
from pocketbench.bench.models.lite.capture import capture
from pocketbench.bench.models.lite.delegate import delegate_program
from pocketbench.bench.models.lite.export import Program, make_program, save
from pocketbench.bench.models.lite.file import load, read_lite_file
from pocketbench.bench.models.lite.int8 import INT8, kept_float, quantize
from pocketbench.bench.models.lite.layers import layer_operators
from pocketbench.bench.models.lite.quantize import Quantized, takes_dynamic
from pocketbench.bench.models.summarize_exception import summarize_exception
from pocketbench.bench.models.transforms import changes
from pocketbench.bench.models.transforms.model_transforms import transform_model
from pocketbench.bench.models.transforms.settle import ComputeDtypes
from pocketbench.bench.planning.variant_names import FLOAT16
from pocketbench.bench.records.artifact import Artifact, ExportFacts, OutputError
from pocketbench.bench.records.engines import split_variant

if TYPE_CHECKING:
    from pocketbench.bench.models.exporting.export_messages import Order
    from pocketbench.bench.models.inputs.inputs import InputSet
    from pocketbench.bench.models.original import Original

CLIPPED_AS_MEANT_DB = 10.0
_CLIPS = frozenset(
    f"aten::{name}{suffix}"
    for name in ("hardtanh", "relu6", "clamp")
    for suffix in ("", "_")
)


def make_variant(
    order: Order, original: Original, say: Callable[[str], None]
) -> Artifact:
    """Write a variant into the order's workspace, with all its facts.

    Raises:
        ExportError: It cannot be made, or its outputs are not the model's.
    """
    name = f"{order.model} {order.variant}"
    made, engine = split_variant(order.variant)
    sets = input_sets(original, seed=order.seed)
    if made == "int8-static":
        sets = sets.accepted_by(original)
    check_float32(original, made, name=name)
    who = "the model"
    expected = outputs_of(original.module, sets.held_out, name=order.model, who=who)
    captured = capture(original, sets, expected)
    if made == FLOAT16 and captured.is_scripted:
        raise ExportError(
            name,
            "is made by tracing, which loses a state or a branch of this model",
            "Keep to float32 and int8-dynamic",
        )
    transformed = transform_model(original, made, delegate=engine.delegate, name=name)
    if transformed is None and made in INT8:
        quantized, program = quantize(
            original, made, sets, captured=captured, expected=expected, say=say
        )
        changed = _changed(original, made, captured.layers, quantized, program)
    else:
        module = transformed.module if transformed is not None else original.module
        quantized = Quantized(module)
        program = make_program(
            module, sets.bundled[0], name=name, is_scripted=captured.is_scripted
        )
        changed = (
            transformed.changed
            if transformed is not None
            else changes.reshaped(captured.layers, program.layers)
        )
    say("saving")
    if engine.delegate is not None:
        program = delegate_program(
            program,
            sets.bundled[0],
            delegate=engine.delegate,
            is_rounded=made == FLOAT16,
            name=name,
        )
    path = Path(order.workspace) / "model.ptl"
    save(program, sets.bundled, path, name=name)
    if engine.delegate is None:
        say("comparing its outputs with the model's")
    error, dtypes = (
        (None, ())
        if engine.delegate is not None
        else _compare(expected, path, order, sets.held_out, original.output_names)
    )
    artifact = _artifact(
        order,
        path,
        sets=sets,
        facts=ExportFacts(
            method=program.method,
            changed="; ".join((changed, *original.settled)),
            weights=weights_of(order, original),
            random_weights=order.source.random_weights,
            seed=order.seed,
            torch_version=version_of("torch"),
            calibration=calibration_of(made, sets),
            is_prepacked=program.is_prepacked if engine.delegate is None else None,
            compute_dtypes=dtypes,
            state=original.state,
            layers=(layer_operators(program.script) if engine.delegate is None else ()),
            kept_float=(
                kept_float(original.module, quantized, program.layers)
                if made in INT8
                else ()
            ),
        ),
        error=error,
    )
    if isinstance(quantized.module, torch.jit.ScriptModule):
        _refuse_broken_clips(artifact)
    return artifact


def check_float32(original: Original, made: str, *, name: str) -> None:
    """Refuse a build of what computes in half precision or in int8 all the same.

    Raises:
        ExportError: Its code casts, its weights are frozen into TorchScript, or they
            are quantized.
    """
    if "int8" in original.compute_dtypes:
        raise ExportError(
            name,
            "computes in int8 already: what was made of it would not be what its name "
            "says",
            "Measure the file with the variant as-is, or give the float32 model",
        )
    half = [x for x in original.compute_dtypes if x in ("float16", "bfloat16")]
    if half and made != FLOAT16:
        raise ExportError(
            name,
            f"computes in {' and '.join(half)}, not in float32: its weights are frozen "
            "into TorchScript, or its forward casts them",
            "Give it as module:factory without casts in forward, or unfrozen; or take "
            "the variant float16",
        )


def _changed(
    original: Original,
    made: str,
    before: Layers,
    quantized: Quantized,
    program: Program,
) -> str:
    if made == "int8-static" and before.float32 and not program.layers.quantized:
        only_recurrent = set(before.by_kind) == {"recurrent"}
        reason = (
            "torch quantizes no recurrent layers statically"
            if only_recurrent
            else "torch knows no quantized form of them"
        )
        can_be_dynamic = "linear" in before.by_kind or takes_dynamic(original.module)
        raise ExportError(
            f"{original.name} {made}",
            f"none of its {before.float32} layers could be quantized: {reason}",
            "Take int8-dynamic, or keep to float32"
            if can_be_dynamic
            else "Keep to float32",
        )
    return changes.quantized(
        before,
        program.layers,
        quantized.layers,
        folded_relu6=quantized.folded_relu6,
    )


def _refuse_broken_clips(artifact: Artifact) -> None:
    """Refuse a script whose ReLU6 torch quantized; see `clipping`."""
    error = artifact.output_error
    clips = _CLIPS.intersection(artifact.operators)
    if not artifact.variant.startswith("int8-static") or not clips or error is None:
        return
    if error.sqnr_db is not None and error.sqnr_db < CLIPPED_AS_MEANT_DB:
        raise ExportError(
            f"{artifact.model} {artifact.variant}",
            f"gives noise ({error.sqnr_db:.0f} dB SQNR): QNNPACK computes "
            f"{', '.join(sorted(clips))} wrongly on images",
            "Give the model as module:factory, whose ReLU6 are folded into "
            "convolutions, or keep to float32",
        )


def weights_of(order: Order, original: Original) -> str:
    """Where a model's weights come from, in words."""
    if order.source.trained_on is not None:
        return f"trained on {order.source.trained_on} (seed {order.seed})"
    if not order.source.random_weights:
        return "the source's own"
    has_norms = any(isinstance(x, BatchNorm2d) for x in original.module.modules())
    norms = ", batch norm calibrated" if has_norms else ""
    return f"random (seed {order.seed}){norms}"


def calibration_of(made: str, sets: InputSets) -> str | None:
    """How the ranges of the activations were found, in words."""
    if made != "int8-static":
        return None
    return f"{len(sets.calibration)} {sets.origin} inputs"


def _compare(
    expected: Outputs,
    path: Path,
    order: Order,
    held_out: Sequence[InputSet],
    names: Sequence[str],
) -> tuple[OutputError, tuple[str, ...]]:
    """Run the file as written, in the lite interpreter, against the original.

    Gives also what its layers computed in.
    """
    name = f"{order.model} {order.variant}"
    try:
        exported = load(path)
    except Exception as error:
        raise ExportError(
            name,
            "the lite interpreter cannot load the exported file "
            f"({summarize_exception(error)})",
            "Take out what the message names",
        ) from error
    dtypes = ComputeDtypes()
    with dtypes:
        actual = outputs_of(exported, held_out, name=name, who="the exported file")
    found = output_error(expected, actual, name=name, names=names)
    return found, tuple(sorted(dtypes.found))


def _artifact(
    order: Order,
    path: Path,
    *,
    sets: InputSets,
    facts: ExportFacts,
    error: OutputError | None,
) -> Artifact:
    file = read_lite_file(path, name=f"{order.model} {order.variant}")
    sha256 = sha256_of(path)
    assert sha256 is not None
    return Artifact(
        model=order.model,
        variant=order.variant,
        source=order.source.spec,
        path=str(path),
        sha256=sha256,
        size_bytes=path.stat().st_size,
        format="ptl",
        engine="lite",
        precision=FLOAT16 if order.variant.startswith(FLOAT16) else file.precision,
        inputs=file.inputs,
        bundled_input_count=len(sets.bundled),
        operators=file.operators,
        bytecode_version=file.bytecode_version,
        export=facts,
        output_error=error,
    )
