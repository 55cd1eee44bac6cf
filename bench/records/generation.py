"""What a model that generates is asked for, and what one launch of it generated."""

from __future__ import annotations

from pocketbench.bench.records.record import Count, Value


class GenerationRequest(Value, frozen=True, kw_only=True):
    """One generation: a prompt at one depth of the cache, and the tokens after it."""

    prompt_tokens: int = 128
    new_tokens: int = 64
    kv_depth: Count = 0
    """Tokens in the KV cache when the prompt comes."""
    warmup_generations: int = 1
    """Whole generations before the one that is measured."""
    prompt_ids: tuple[int, ...] = ()
    """Empty: random ids of the workload's seed."""
    scored_ids: tuple[int, ...] = ()
    """Tokens whose perplexity is asked for, before all else."""

    @property
    def context_tokens(self) -> int:
        """Positions of the KV cache that it takes."""
        return self.kv_depth + self.prompt_tokens + self.new_tokens


class Generation(Value, frozen=True, kw_only=True):
    """What `pocketbench generate` asks of every launch, instead of iterations."""

    prompt_tokens: int = 128
    new_tokens: int = 64
    kv_depths: tuple[int, ...] = (0,)
    """Each is measured as a variant of its own."""
    warmup_generations: int = 1
    prompt_ids: tuple[int, ...] = ()
    """Empty: random ids of the workload's seed."""
    scored_ids: tuple[int, ...] = ()

    def at(self, kv_depth: int) -> GenerationRequest:
        """The request of a launch at one depth."""
        return GenerationRequest(
            prompt_tokens=self.prompt_tokens,
            new_tokens=self.new_tokens,
            kv_depth=kv_depth,
            warmup_generations=self.warmup_generations,
            prompt_ids=self.prompt_ids,
            scored_ids=self.scored_ids,
        )


class GeneratedTokens(Value, frozen=True, kw_only=True):
    """What one launch generated, a stamp per token; every metric is made from these."""

    prompt_tokens: int
    kv_depth: Count = 0
    new_tokens: int | None = None
    """How many it generated, where there are no stamps to count."""
    token_ns: tuple[int, ...] = ()
    """When each token was there: monotonic, since the prefill began. The first is the
    time to first token. Empty for a program that prints no times of tokens."""
    token_ids: tuple[int, ...] = ()
    stopped_early: bool = False
    """It came to an end token, or the program ended it."""
    prefill_ns: int | None = None
    """Of the forward calls of the prompt alone, where that is timed."""
    time_to_first_token_ns: int | None = None
    """Only from a program that prints it without stamps."""
    prefill_tokens_per_s: float | None = None
    """Only from such a program, as the next."""
    decode_tokens_per_s: float | None = None
    rates_are_theirs: bool = False
    """By the program's own definition, which its figures do not let us convert."""
    vocabulary_size: int | None = None
    context_tokens: int | None = None
    """The most the file's KV cache holds."""
    rss_after_prefill_bytes: int | None = None
    mean_loss: float | None = None
    """Of the tokens to be scored: their mean negative log-likelihood, in nats."""

    @property
    def token_count(self) -> int | None:
        """How many tokens it generated; `None`: the program does not report it."""
        return len(self.token_ns) or self.new_tokens
