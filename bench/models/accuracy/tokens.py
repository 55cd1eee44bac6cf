"""Compare the tokens that two builds of a decoder generate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from pocketbench.bench.records.artifact import (
    OutputError,
    OutputFigures,
    TokenAgreement,
)
from pocketbench.bench.records.output_check import sqnr_db

PROMPTS = 4
PROMPT_TOKENS = 32
NEW_TOKENS = 32

LogitsOf = Callable[[Sequence[int], int], torch.Tensor]
"""Token ids and the position of the first to the logits after the last."""


class Compared(NamedTuple):
    """What came of it."""

    error: OutputError
    """Of all logits together."""
    agreement: TokenAgreement


def compare_tokens(
    original: LogitsOf,
    build: LogitsOf,
    *,
    vocabulary_size: int,
    seed: int = 0,
) -> Compared:
    """Let the original generate, and the build choose each of the same tokens."""
    random = torch.Generator().manual_seed(seed)
    prompts = torch.randint(
        vocabulary_size, (PROMPTS, PROMPT_TOKENS), generator=random
    ).tolist()
    expected, tokens = zip(*(_greedy(original, x) for x in prompts), strict=True)
    actual = [_forced(build, x, y) for x, y in zip(prompts, tokens, strict=True)]
    return Compared(
        _error(torch.stack(expected), torch.stack(actual)),
        _agreement(expected, actual, torch.tensor(tokens)),
    )


def _greedy(
    logits_of: LogitsOf, prompt: Sequence[int]
) -> tuple[torch.Tensor, list[int]]:
    """Logits [tokens, vocabulary], and the most likely token of each."""
    rows = [logits_of(prompt, 0)]
    tokens = [int(rows[0].argmax())]
    while len(tokens) < NEW_TOKENS:
        rows.append(logits_of(tokens[-1:], PROMPT_TOKENS + len(tokens) - 1))
        tokens.append(int(rows[-1].argmax()))
    return torch.stack(rows).clone(), tokens


def _forced(
    logits_of: LogitsOf, prompt: Sequence[int], tokens: Sequence[int]
) -> torch.Tensor:
    """Logits where these tokens follow, whatever it would choose itself."""
    rows = [logits_of(prompt, 0).clone()]
    for i, token in enumerate(tokens[:-1]):
        rows.append(logits_of([token], PROMPT_TOKENS + i).clone())
    return torch.stack(rows)


def _error(expected: torch.Tensor, actual: torch.Tensor) -> OutputError:
    signal = expected.double()
    noise = actual.double() - signal
    ratio_db = sqnr_db(float(signal.square().sum()), float(noise.square().sum()))
    max_abs = float(noise.abs().max())
    figures = OutputFigures(
        name="logits",
        dtype="float32",
        shape=tuple(expected.shape[-1:]),
        max_abs=max_abs,
        sqnr_db=ratio_db,
    )
    return OutputError(max_abs=max_abs, sqnr_db=ratio_db, outputs=(figures,))


def _agreement(
    expected: Sequence[torch.Tensor],
    actual: Sequence[torch.Tensor],
    tokens: torch.Tensor,
) -> TokenAgreement:
    chosen = torch.stack([rows.argmax(-1) for rows in actual])
    equal = chosen == tokens
    return TokenAgreement(
        prompt_count=PROMPTS,
        prompt_tokens=PROMPT_TOKENS,
        token_count=NEW_TOKENS,
        equal_count=int(equal.sum()),
        first_divergences=tuple(
            None if bool(row.all()) else int((~row).int().argmax()) for row in equal
        ),
        perplexity=_perplexity(torch.stack(list(actual)), tokens),
        original_perplexity=_perplexity(torch.stack(list(expected)), tokens),
    )


def _perplexity(logits: torch.Tensor, tokens: torch.Tensor) -> float:
    loss = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).double(), tokens.flatten()
    )
    return float(loss.exp())
