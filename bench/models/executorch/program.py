"""From an exported graph to a `.pte` file, and what became of its operators."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import executorch.kernels.quantized  # noqa: F401  # registers operators for lowering
import torch
from executorch.exir import (
    ExecutorchBackendConfig,
    ExecutorchProgramManager,
    to_edge_transform_and_lower,
)
from executorch.exir.lowered_backend_module import get_lowered_backend_modules
from executorch.exir.passes.init_mutable_pass import InitializedMutableBufferPass

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.executorch.delegates import partitioners
from pocketbench.bench.models.summarize_exception import summarize_exception
from pocketbench.bench.records.artifact import DelegateShare, Delegation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import fx

    from pocketbench.bench.models.inputs.inputs import InputSet


_MOST_NAMES = 5
_NO_OPERATOR = re.compile(r"Operator (?:torch\._ops\.)?(\S+) is not ")
"""Above a page of advice for those who write programs that lower."""


class PteFacts(NamedTuple):
    """What is known of a program that was lowered here."""

    operators: tuple[str, ...]
    """Those that no delegate took, sorted: `aten::add.out`."""
    delegation: Delegation
    planned_memory_bytes: int

    @property
    def in_words(self) -> str:
        """Who runs the operators, and what no delegate took."""
        delegation = self.delegation
        total = delegation.operator_count
        left = named(self.operators)
        if not delegation.taken:
            return (
                f"no delegate, {total} operators on ExecuTorch's own kernels ({left})"
            )
        taken = ", ".join(
            f"{share.name} took {share.operator_count} of {total} operators in "
            f"{share.segment_count} {'part' if share.segment_count == 1 else 'parts'}"
            for share in delegation.taken
        )
        return f"{taken}, left were {left}" if left else taken


def export_graph(
    module: torch.nn.Module, example: InputSet, *, name: str
) -> torch.export.ExportedProgram:
    """Capture a module with torch.export.

    Raises:
        ExportError: Its Python cannot be captured, or a batch norm is not as in use.
    """
    try:
        program = torch.export.export(module, example)
    except Exception as error:
        raise ExportError(
            name,
            f"torch.export cannot capture it ({summarize_exception(error)})",
            "Take out what the message names, or measure it with --engine lite",
        ) from error
    refuse_norms_of_each_batch(program.graph, name, with_running=True)
    return program


def refuse_norms_of_each_batch(
    graph: fx.Graph, name: str, *, with_running: bool = False
) -> None:
    """Refuse batch norms that use the statistics of each batch.

    Args:
        graph: Of an exported program.
        name: Of the build.
        with_running: Only those that also keep running statistics.

    Raises:
        ExportError: ExecuTorch has no operator for them, or quantizing would fold them
            into a convolution all the same.
    """
    norms = [x for x in graph.nodes if x.target is torch.ops.aten.batch_norm.default]
    if any(x.args[5] and (x.args[3] is not None or not with_running) for x in norms):
        what = "keep, too" if with_running else "be quantized with"
        raise ExportError(
            name,
            "a BatchNorm in it uses the statistics of each batch (training mode), "
            f"which no program for ExecuTorch can {what}",
            "Let it use its running statistics (eval mode), or measure it with "
            "--engine lite",
        )


def lower(
    program: torch.export.ExportedProgram,
    path: Path,
    *,
    delegate: str,
    is_rounded: bool = False,
    name: str,
) -> PteFacts:
    """Lower a program, with a delegate or with `portable`, none, and write it.

    With `is_rounded` a delegate that takes a float32 program computes it in float16.

    Raises:
        ExportError: It cannot be lowered.
    """
    try:
        chosen = partitioners(delegate, is_rounded=is_rounded)
        edge = to_edge_transform_and_lower(program, partitioner=chosen)
        graph = edge.exported_program().graph_module
        delegation = delegation_of(graph)
        states = _states_with_values(edge.exported_program())
        begun = InitializedMutableBufferPass(states)
        made = edge.to_executorch(ExecutorchBackendConfig(passes=[begun]))
        with path.open("wb") as file:
            made.write_to_file(file)
    except Exception as error:
        missing = _NO_OPERATOR.search(str(error))
        reason = (
            f"it has no operator {missing[1]}"
            if missing
            else summarize_exception(error)
        )
        raise ExportError(
            name,
            f"cannot be lowered for ExecuTorch ({reason})",
            "Take out what the message names, or measure it with --engine lite",
        ) from error
    return facts_of(made, delegation)


def _states_with_values(program: torch.export.ExportedProgram) -> list[str]:
    """Places of the buffers that it changes and that do not begin as zeros.

    ExecuTorch begins all others as zeros, whatever the model holds.
    """
    signature = program.graph_signature
    changed = set(signature.buffers_to_mutate.values())
    values = {**program.constants, **program.state_dict}
    return [
        place
        for place, name in signature.inputs_to_buffers.items()
        if name in changed and bool(values[name].any())
    ]


def delegation_of(graph: fx.GraphModule) -> Delegation:
    """Who takes the operators of a lowered graph."""
    operators: Counter[str] = Counter()
    segments: Counter[str] = Counter()
    for lowered in get_lowered_backend_modules(graph):
        operators[lowered.backend_id] += _count(lowered.original_module.graph_module)
        segments[lowered.backend_id] += 1
    return Delegation(
        taken=tuple(
            DelegateShare(
                name=backend,
                operator_count=operators[backend],
                segment_count=segments[backend],
            )
            for backend in sorted(operators)
        ),
        left_count=_count(graph),
    )


def _count(graph: fx.GraphModule) -> int:
    """Calls of operators; handing values around is none."""
    return sum(
        node.op == "call_function"
        and "getitem" not in str(node.target)
        and "call_delegate" not in str(node.target)
        for node in graph.graph.nodes
    )


def facts_of(made: ExecutorchProgramManager, delegation: Delegation) -> PteFacts:
    """What is known of a finished program."""
    plan = made.executorch_program.execution_plan[0]
    return PteFacts(
        operators=tuple(sorted({_operator(x) for x in plan.operators})),
        delegation=delegation,
        # The first buffer is the constants', and always empty.
        planned_memory_bytes=sum(plan.non_const_buffer_sizes[1:]),
    )


def _operator(operator: Any) -> str:
    overload = f".{operator.overload}" if operator.overload else ""
    return f"{operator.name}{overload}"


def named(operators: Sequence[str]) -> str:
    """The first of them."""
    shown = ", ".join(operators[:_MOST_NAMES])
    more = len(operators) - _MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
