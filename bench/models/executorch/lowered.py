"""Lower a program, and see that its file computes what the program does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from executorch.runtime import Runtime, Verification

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.compare import Outputs, output_error, outputs_of
from pocketbench.bench.models.executorch.program import PteFacts, lower, named
from pocketbench.bench.models.summarize_exception import summarize_exception

if TYPE_CHECKING:
    import torch

    from pocketbench.bench.models.input_sets import InputSets
    from pocketbench.bench.models.original import Original
    from pocketbench.bench.records.artifact import OutputError

_SURELY_WRONG_DB = 30.0
"""At or above it an answer is no other model's, whatever its program gave."""
_MUCH_WORSE_DB = 10.0


class Lowered(NamedTuple):
    """A program for ExecuTorch as a file."""

    facts: PteFacts
    error: OutputError | None
    """Against the model; `None` where its delegate is not in this Python."""


class Target(NamedTuple):
    """Where a program goes, and what its answers are compared with."""

    original: Original
    sets: InputSets
    expected: Outputs
    """The model's answers to the held-out inputs."""
    path: Path
    delegate: str
    is_rounded: bool
    name: str


def lower_checked(program: torch.export.ExportedProgram, target: Target) -> Lowered:
    """Lower a program, and compare its file's answers with the model's.

    Raises:
        ExportError: It cannot be lowered or run, or its file answers far worse than the
            program does before it is lowered.
    """
    name = target.name
    facts = lower(
        program,
        target.path,
        delegate=target.delegate,
        is_rounded=target.is_rounded,
        name=name,
    )
    if not _runs_here(facts):
        return Lowered(facts, None)
    try:
        error = _compare(target)
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
    worst = error.worst_sqnr_db
    if worst is not None and worst < _SURELY_WRONG_DB:
        _refuse_another_answer(program, target, worst)
    return Lowered(facts, error)


def _refuse_another_answer(
    program: torch.export.ExportedProgram, target: Target, worst_db: float
) -> None:
    meant = outputs_of(
        program.module(),
        target.sets.held_out,
        name=target.name,
        who="the captured program",
    )
    before_db = output_error(target.expected, meant, name=target.name).worst_sqnr_db
    if before_db is None or worst_db < before_db - _MUCH_WORSE_DB:
        was = "exact" if before_db is None else f"{before_db:.0f} dB"
        raise ExportError(
            target.name,
            f"computes something else once it is lowered with {target.delegate} "
            f"({worst_db:.0f} dB SQNR, {was} before)",
            "Measure it with --engine executorch-portable or --engine lite",
        )


def _runs_here(facts: PteFacts) -> bool:
    """Whether the ExecuTorch of this Python has what the program was lowered for."""
    registry = Runtime.get().backend_registry
    return all(registry.is_available(x.name) for x in facts.delegation.taken)


def _compare(target: Target) -> OutputError:
    """Run the file as written, in ExecuTorch, against the original."""
    name = target.name
    try:
        program = Runtime.get().load_program(
            target.path, verification=Verification.Minimal
        )
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
        target.sets.held_out,
        name=name,
        who="the exported file",
    )
    names = target.original.output_names
    return output_error(target.expected, actual, name=name, names=names)
