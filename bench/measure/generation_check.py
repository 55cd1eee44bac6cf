"""Check that programs and models can generate, before anything is pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.errors import UsageError
from pocketbench.bench.records.runner import SupportsGeneration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.generation import GenerationRequest
    from pocketbench.bench.records.plan import Plan
    from pocketbench.bench.records.runner import Runner


def check_generators(plan: Plan, runners: Iterable[Runner]) -> None:
    """See that the programs of the devices generate, where that was asked for.

    Raises:
        UsageError: Names one that only makes forward calls.
    """
    if plan.workload.generation is None:
        return
    for runner in runners:
        if not (isinstance(runner, SupportsGeneration) and runner.can_generate):
            raise UsageError(
                runner.name,
                "makes forward calls and cannot generate tokens",
                "Use --engine executorch, or --runner llama_main, llama_bench or "
                "litert_lm",
            )


def check_decoders(plan: Plan, artifacts: Mapping[tuple[str, str], Artifact]) -> None:
    """See that the models generate as asked.

    Raises:
        UsageError: One is no decoder, holds fewer tokens, or knows another vocabulary.
    """
    generation = plan.workload.generation
    if generation is None:
        return
    vocabularies: dict[str, tuple[str, int]] = {}
    for variant in plan.variants:
        artifact = artifacts.get((variant.model, variant.name))
        if artifact is None:
            continue
        _check(artifact, generation.at(variant.kv_depth or 0))
        size = artifact.decoder.vocabulary_size if artifact.decoder else None
        if size is None:
            continue
        first, of_first = vocabularies.setdefault(variant.model, (variant.name, size))
        if size != of_first:
            raise UsageError(
                f"{variant.model} {variant.name}",
                f"knows {size} tokens and {first} knows {of_first}: no one prompt is "
                "for both",
                "Compare builds of one vocabulary",
            )


def _check(artifact: Artifact, request: GenerationRequest) -> None:
    subject, decoder = f"{artifact.model} {artifact.variant}", artifact.decoder
    if decoder is None:
        inputs = ", ".join(
            f"{'x'.join(map(str, spec.shape))}:{spec.dtype}" for spec in artifact.inputs
        )
        raise UsageError(
            subject,
            f"is no decoder: it takes {inputs or 'unknown inputs'}, not tokens and a "
            "position",
            "Measure its forward call with `pocketbench run`",
        )
    context = decoder.context_tokens
    if context is not None and len(request.scored_ids) > context:
        raise UsageError(
            subject,
            f"holds {context} tokens, and --perplexity gives {len(request.scored_ids)}",
            "Give fewer tokens",
        )
    if context is not None and request.context_tokens > context:
        raise UsageError(
            subject,
            f"holds {context} tokens: a depth of {request.kv_depth}, "
            f"{request.prompt_tokens} of prompt and {request.new_tokens} new ones are "
            f"{request.context_tokens}",
            "Lower --kv-depth, --prompt-tokens or --new-tokens",
        )
    size = decoder.vocabulary_size
    for option, ids in (
        ("--prompt-ids", request.prompt_ids),
        ("--perplexity", request.scored_ids),
    ):
        highest = max(ids, default=0)
        if size is not None and highest >= size:
            raise UsageError(
                f"{option} with {highest}",
                f"do not fit {subject}, whose token ids end at {size - 1}",
                "Give ids of its own tokenizer",
            )
