"""The zoo's tiny_llama-15m with one layer more, which must be seen to be slower."""

from __future__ import annotations

from pocketbench.bench.models.zoo.tiny_llama import LlamaDecoder, with_sizes


def tiny_llama_of_seven_layers(*, seed: int = 0) -> tuple[LlamaDecoder, list[object]]:
    """Give it with a decode step as its example."""
    import torch

    return with_sizes(seed=seed, n_layers=7), [(torch.tensor([[1]]), torch.tensor([0]))]
