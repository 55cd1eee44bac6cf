"""What a program of others is asked to generate, or why it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason

if TYPE_CHECKING:
    from pocketbench.bench.records.generation import GenerationRequest
    from pocketbench.bench.records.runner import LaunchRequest


def generation_of(
    request: LaunchRequest, name: str, *, takes_depth: bool = True
) -> GenerationRequest:
    """The request of a program that chooses the tokens of its prompt itself.

    Raises:
        LaunchError: A forward call, given ids, or a depth that it does not take.
    """
    asked = request.generation
    fact = None
    if asked is None:
        fact = "generates tokens and makes no plain forward calls"
    elif asked.prompt_ids:
        fact = "chooses the tokens of its prompt itself, and takes no --prompt-ids"
    elif asked.scored_ids:
        fact = "does not report how likely tokens are, for --perplexity"
    elif asked.kv_depth and not takes_depth:
        fact = f"begins with an empty KV cache, not at depth {asked.kv_depth}"
    if asked is None or fact is not None:
        raise LaunchError(
            FailureReason.BAD_FLAGS,
            name,
            fact or "",
            remedy="Measure it with pocketbench's own program, or ask for what it does",
        )
    return asked
