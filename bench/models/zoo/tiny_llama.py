"""Small Llama-like decoders: RoPE, grouped-query attention, SwiGLU and a KV cache.

The modules are those of ExecuTorch's own Llama example, so that its exporter takes
them; the widths are near those of the TinyStories models, whose sizes give the names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from executorch.examples.models.llama.model_args import ModelArgs

CONTEXT = 1280
"""Tokens in the KV cache: a depth of 1024, a prompt and what follows. Attention without
the llama extension goes over all of it at each token."""
MOST_AT_ONCE = 512
"""Tokens of one call: memory for their attention scores is set aside."""

_SIZES: dict[str, dict[str, int]] = {
    "15m": {
        "dim": 288,
        "n_layers": 6,
        "n_heads": 6,
        "n_kv_heads": 2,
        "hidden_dim": 768,
        "vocab_size": 16384,
    },
    "110m": {
        "dim": 768,
        "n_layers": 12,
        "n_heads": 12,
        "n_kv_heads": 4,
        "hidden_dim": 2048,
        "vocab_size": 22528,
    },
}

_ATTENTION = {"wq": 2, "wk": 2, "wo": 4}
"""Factors of fresh weights, whose attention is so even and weak that the last token
alone would decide the next."""

Example = list[tuple[torch.Tensor, torch.Tensor]]


class LlamaDecoder(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Token ids [1, n] and the position of the first [1] to the last one's logits."""

    def __init__(self, arguments: ModelArgs) -> None:
        """Make it with fresh random weights."""
        from executorch.examples.models.llama.llama_transformer import (
            construct_transformer,
        )

        super().__init__()
        self.arguments = arguments
        self.end_tokens: list[int] = []
        self.transformer = construct_transformer(arguments)

    def forward(self, tokens: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        """Write the tokens into the cache and give [1, vocabulary]."""
        return self.transformer(tokens, {"input_pos": position})


def tiny_llama_15m(*, seed: int = 0) -> tuple[LlamaDecoder, Example]:
    """Give one of 15 million parameters, and a decode step as its example."""
    return _with_example(_SIZES["15m"], seed)


def tiny_llama_110m(*, seed: int = 0) -> tuple[LlamaDecoder, Example]:
    """Give one of 110 million parameters, and a decode step as its example."""
    return _with_example(_SIZES["110m"], seed)


def with_sizes(*, seed: int = 0, **sizes: Any) -> LlamaDecoder:
    """Give one with seeded weights, of the sizes of 15m but for these."""
    from executorch.examples.models.llama.model_args import ModelArgs

    arguments = ModelArgs(
        **{
            "max_context_len": CONTEXT,
            # The exporter takes one token off it.
            "max_seq_len": MOST_AT_ONCE + 1,
            "use_kv_cache": True,
            "enable_dynamic_shape": True,
            **_SIZES["15m"],
            **sizes,
        }
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        decoder = LlamaDecoder(arguments)
        for layer in decoder.transformer.layers:
            for name, factor in _ATTENTION.items():
                getattr(layer.attention, name).weight.detach().mul_(factor)
    decoder.eval()
    return decoder


def _with_example(sizes: dict[str, int], seed: int) -> tuple[LlamaDecoder, Example]:
    example = (torch.tensor([[sizes["vocab_size"] // 2]]), torch.tensor([0]))
    return with_sizes(seed=seed, **sizes), [example]
