"""One launch's values of a generation, by one definition for every engine.

Of the n stamps t_1 ... t_n, since the prefill began, and p tokens of prompt:
time to first token = t_1, prefill = p / t_1, decode = (n - 1) / (t_n - t_1), and the
inter-token times are t_2 - t_1, t_3 - t_2, ...
"""

from __future__ import annotations

import math

import numpy as np

from pocketbench.bench.records.generation import GeneratedTokens
from pocketbench.bench.records.metrics import FEWEST_ITERATIONS

_PERCENTILES = {
    "inter_token_ns": 50,
    "p90_inter_token_ns": 90,
    "p99_inter_token_ns": 99,
}


def generation_values(tokens: GeneratedTokens | None) -> dict[str, float]:
    """By metric name; what the program did not report is absent."""
    if tokens is None:
        return {}
    if not tokens.token_ns:
        return _printed(tokens)
    first_ns, last_ns = tokens.token_ns[0], tokens.token_ns[-1]
    found = {}
    if tokens.mean_loss is not None:
        found["perplexity_tokens"] = math.exp(tokens.mean_loss)
    if first_ns > 0:
        found["time_to_first_token_ns"] = float(first_ns)
        found["prefill_tokens_per_s"] = 1e9 * tokens.prompt_tokens / first_ns
    if last_ns > first_ns:
        found["decode_tokens_per_s"] = (
            1e9 * (len(tokens.token_ns) - 1) / (last_ns - first_ns)
        )
        gaps = np.diff(np.array(tokens.token_ns, dtype=np.float64))
        for name, percent in _PERCENTILES.items():
            if len(gaps) >= FEWEST_ITERATIONS.get(name, 1):
                found[name] = float(np.percentile(gaps, percent))
    return found


def _printed(tokens: GeneratedTokens) -> dict[str, float]:
    """What a program prints without a stamp per token."""
    figures = {
        "time_to_first_token_ns": tokens.time_to_first_token_ns,
        "prefill_tokens_per_s": tokens.prefill_tokens_per_s,
        "decode_tokens_per_s": tokens.decode_tokens_per_s,
    }
    return {name: float(value) for name, value in figures.items() if value}
