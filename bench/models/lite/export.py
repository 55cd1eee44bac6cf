"""From a module to the file that a lite interpreter loads."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.backends.xnnpack
from torch.utils.mobile_optimizer import MobileOptimizerType, optimize_for_mobile

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.layers import Layers, count_layers
from pocketbench.bench.models.inputs.bundle import bundle
from pocketbench.bench.models.state import fresh
from pocketbench.bench.models.summarize_exception import summarize_exception
from pocketbench.bench.models.transforms.half import InFloat16

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn

    from pocketbench.bench.models.inputs.inputs import InputSet


_TRAINING = 5
"""The place of the flag among the inputs of `aten::batch_norm`."""
_NO_HALF = re.compile(r"not implemented for 'Half'|Unsupported dtype Half")
_WITH_BLOCK = re.compile(r"\b(ENTER|EXIT|prim::Enter|prim::Exit)\b")


class Program(NamedTuple):
    """A TorchScript program ready to be saved."""

    script: torch.jit.ScriptModule
    method: str
    """How it was made, for the record."""
    layers: Layers
    """Batch norms folded, before any prepacking."""
    is_prepacked: bool
    """For XNNPACK."""


def make_program(
    module: nn.Module, example: InputSet, *, name: str, is_scripted: bool = False
) -> Program:
    """Trace (or script) a module unless it is a script, and optimize it for mobile.

    With XNNPACK in this torch, `optimize_for_mobile` prepacks for it. Without, the
    program is frozen, which folds batch norms into convolutions; such a file runs
    on any build of the lite interpreter.

    Raises:
        ExportError: It cannot be traced or frozen.
    """
    source = (
        "TorchScript"
        if isinstance(module, torch.jit.ScriptModule)
        else "scripted"
        if is_scripted
        else "traced"
    )
    script = script_of(module, example, name=name, is_scripted=is_scripted)
    try:
        ready, uses_batch = _frozen(script)
        layers = count_layers(ready)
        folds = count_layers(script).batch_norms > layers.batch_norms
        folded = ", batch norm folded" if folds else ""
        method = f"frozen{folded} (this torch has no XNNPACK)"
        if torch.backends.xnnpack.enabled:
            left = {MobileOptimizerType.CONV_BN_FUSION} if uses_batch else set()
            ready = optimize_for_mobile(script, left)
            method = "optimize_for_mobile (XNNPACK)"
        _add_training(ready)
    except Exception as error:
        raise unsupported(error, name, "frozen", is_scripted=is_scripted) from error
    return Program(
        ready, f"{source}, {method}", layers, bool(torch.backends.xnnpack.enabled)
    )


def _frozen(
    script: torch.jit.ScriptModule,
) -> tuple[torch.jit.ScriptModule, bool]:
    """Freeze a program; also whether a batch norm uses the batch's own statistics.

    Torch would fold such a norm into its convolution as if it did not.
    """
    if not hasattr(script, "training"):
        # Graph-mode quantization has frozen it already.
        return script, False
    plain = torch.jit.freeze(script, optimize_numerics=False)
    graph = plain.inlined_graph
    uses_batch = any(
        list(norm.inputs())[_TRAINING].toIValue() is not False
        for norm in graph.findAllNodes("aten::batch_norm")
    )
    if not uses_batch:
        torch.jit.run_frozen_optimizations(plain)
    return plain, uses_batch


def _add_training(script: torch.jit.ScriptModule) -> None:
    """Give a frozen program back the flag that freezing dropped.

    Nothing in it reads the flag, but PyTorch's own speed_benchmark_torch calls
    `eval()`, which in the lite interpreter fails without it.
    """
    if not script._c.hasattr("training"):
        kind = torch._C.BoolType.get()
        script._c._register_attribute("training", kind, False)


def script_of(
    module: nn.Module, example: InputSet, *, name: str, is_scripted: bool = False
) -> torch.jit.ScriptModule:
    """A copy of a module's program: its own, a trace of one call, or compiled.

    A copy, because a call may leave a state in the module that would be saved.

    Raises:
        ExportError: It cannot be traced.
    """
    if isinstance(module, torch.jit.ScriptModule):
        # Graph-mode quantization gives a frozen one, which cannot change itself.
        return fresh(module) if hasattr(module, "training") else module
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # That a trace took one way of several shows when outputs are compared.
            warnings.simplefilter("ignore", torch.jit.TracerWarning)
            if is_scripted:
                return torch.jit.script(fresh(module))
            # Not strict: a model may give a dict.
            return torch.jit.trace(
                fresh(module), example, check_trace=False, strict=False
            )
    except Exception as error:
        if isinstance(module, InFloat16) and _NO_HALF.search(str(error)):
            raise ExportError(
                name,
                "an operation in it has no float16 form on the CPU "
                f"({summarize_exception(error)})",
                "Keep to float32",
            ) from error
        if isinstance(module, InFloat16):
            raise ExportError(
                name,
                f"its forward names float32 (a cast, or a new tensor), which its "
                f"float16 weights do not take ({summarize_exception(error)})",
                "Let forward take the dtype from an input or a weight: "
                "x.to(self.conv.weight.dtype)",
            ) from error
        raise ExportError(
            name,
            f"cannot be traced ({summarize_exception(error)})",
            "Give it as TorchScript (.pt) made with torch.jit.script, "
            "or take out what the message names",
        ) from error


def save(program: Program, sets: Sequence[InputSet], path: Path, *, name: str) -> None:
    """Write the program with its inputs as a lite-interpreter file.

    Raises:
        ExportError: The lite interpreter cannot hold it.
    """
    try:
        bundle(program.script, sets)._save_for_lite_interpreter(str(path))
    except Exception as error:
        what = "saved for the lite interpreter"
        is_scripted = program.method.startswith("scripted")
        raise unsupported(error, name, what, is_scripted=is_scripted) from error


def unsupported(
    error: Exception, name: str, what: str, *, is_scripted: bool = False
) -> ExportError:
    """Say what in a model's code a lite-interpreter file cannot hold.

    Args:
        error: What torch raised.
        name: Of the build.
        what: What was done to it.
        is_scripted: It was compiled here, since a trace loses a state or a branch.
    """
    words = summarize_exception(error)
    if _WITH_BLOCK.search(str(error)):
        return with_block_refused(name, is_scripted=is_scripted)
    return ExportError(
        name,
        f"cannot be {what} ({words})",
        "Take out what the message names"
        + (
            ""
            if is_scripted
            else ", or give the model as module:factory, which is traced"
        ),
    )


def with_block_refused(name: str, *, is_scripted: bool = False) -> ExportError:
    """Say that a program's `with` block cannot be kept, and what leaves it out."""
    if is_scripted:
        return ExportError(
            name,
            "a trace loses a state or a branch of it, and compiled it has a with "
            "block (torch.no_grad and the like), which no lite-interpreter file can "
            "hold",
            "Take the with block out of forward: in evaluation nothing needs it",
        )
    return ExportError(
        name,
        "its TorchScript has a with block (torch.no_grad and the like), which no "
        "lite-interpreter file can hold",
        "Give it as module:factory, or as a .pt made with torch.jit.trace: both "
        "leave the block out",
    )
