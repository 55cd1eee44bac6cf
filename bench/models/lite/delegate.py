"""Programs for the lite interpreter that something else on the phone runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.mobile_optimizer import optimize_for_mobile

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.summarize_exception import summarize_exception

if TYPE_CHECKING:
    from pocketbench.bench.models.inputs.inputs import InputSet
    from pocketbench.bench.models.lite.export import Program

TITLES = {"nnapi": "NNAPI", "vulkan": "Vulkan", "coreml": "Core ML"}
_UNBUILT = {
    "vulkan": ("vulkan_prepack", "class type vulkan."),
    "coreml": ("backend coreml is not registered",),
}
"""What torch says when that part of it was not compiled in."""
_SWITCH = {"vulkan": "USE_VULKAN=1", "coreml": "USE_COREML_DELEGATE=1"}


def delegate_program(
    program: Program, example: InputSet, *, delegate: str, is_rounded: bool, name: str
) -> Program:
    """Give the whole of a frozen program to NNAPI, Vulkan or Core ML.

    Args:
        program: For the CPU.
        example: Inputs of one call.
        delegate: `nnapi`, `vulkan` or `coreml`.
        is_rounded: Compute in float16.
        name: For messages.

    Raises:
        ExportError: This torch was built without it, or it does not take the model.
    """
    title = TITLES[delegate]
    if is_rounded and delegate == "vulkan":
        raise ExportError(
            name,
            "the lite interpreter's Vulkan backend chooses its precision when torch "
            "is built",
            "Take float32+lite-vulkan, or float16+executorch-vulkan",
        )
    try:
        if delegate == "nnapi":
            script = _for_nnapi(program.script, example, is_rounded)
        elif delegate == "vulkan":
            script = optimize_for_mobile(program.script, backend="vulkan")
        else:
            script = _for_coreml(program.script, example, is_rounded)
    except Exception as error:
        missing = _missing_part(error, delegate)
        if missing is not None:
            raise ExportError(
                name,
                f"this torch was built without {title} for the lite interpreter "
                f"({missing})",
                f"Build torch from source with {_SWITCH[delegate]}, or take "
                f"executorch-{delegate}",
            ) from error
        raise ExportError(
            name,
            f"{title} takes all of a model or nothing, and not all of this one "
            f"({summarize_exception(error)})",
            "Take out what the message names, or measure it with --engine lite",
        ) from error

    return program._replace(
        script=script, method=f"{program.method}, all of it given to {title}"
    )


def _missing_part(error: Exception, delegate: str) -> str | None:
    """The line of an error that shows a part of torch to be missing."""
    for line in str(error).splitlines():
        if any(mark in line for mark in _UNBUILT.get(delegate, ())):
            return line.strip().partition(". Please")[0].rstrip(".")
    return None


def _for_nnapi(
    script: torch.jit.ScriptModule, example: InputSet, is_rounded: bool
) -> torch.jit.ScriptModule:
    from torch.backends._nnapi.prepare import convert_model_to_nnapi

    inputs = [tensor.clone() for tensor in example]
    for tensor in inputs:
        # Images go in as they always do, and the program turns them over: NNAPI's
        # quantized convolutions take no other order.
        tensor.nnapi_nhwc = tensor.dim() == 4
    return convert_model_to_nnapi(script, inputs, relax_f32_to_f16=is_rounded)


def _for_coreml(
    script: torch.jit.ScriptModule, example: InputSet, is_rounded: bool
) -> torch.jit.ScriptModule:
    from torch.backends._coreml.preprocess import (
        CompileSpec,
        CoreMLComputeUnit,
        TensorSpec,
    )

    with torch.no_grad():
        outputs = script(*example)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    spec = CompileSpec(
        inputs=tuple(TensorSpec(shape=list(x.shape)) for x in example),
        outputs=tuple(TensorSpec(shape=list(x.shape)) for x in outputs),
        backend=CoreMLComputeUnit.ALL,
        allow_low_precision=is_rounded,
    )
    return torch._C._jit_to_backend("coreml", script, {"forward": spec})
