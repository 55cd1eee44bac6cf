"""A random model of llama.cpp's Llama family, written with its own package `gguf`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest


class Sizes(NamedTuple):
    """Named as those of the zoo's tiny_llama."""

    vocab_size: int = 512
    dim: int = 128
    hidden_dim: int = 384
    n_layers: int = 4
    n_heads: int = 8
    n_kv_heads: int = 2
    max_context_len: int = 1024


SMALL = Sizes()


def write_model(path: Path, sizes: Sizes = SMALL) -> Path:
    """Write it, float32 and seeded; no tokenizer, as llama-bench draws token ids."""
    gguf = pytest.importorskip("gguf", reason="gguf is missing: pip install gguf")
    vocabulary, width, hidden, layers, heads, kv_heads, context = sizes
    of_keys = width * kv_heads // heads
    draw = np.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(vocabulary)
    writer.add_tokenizer_model("none")

    def add(name: str, *shape: int) -> None:
        is_norm = name.endswith("norm.weight")
        values = np.ones(shape) if is_norm else draw.normal(0, 0.02, shape)
        writer.add_tensor(name, values.astype(np.float32))

    add("token_embd.weight", vocabulary, width)
    add("output_norm.weight", width)
    add("output.weight", vocabulary, width)
    for layer in range(layers):
        of = f"blk.{layer}."
        add(f"{of}attn_norm.weight", width)
        add(f"{of}ffn_norm.weight", width)
        add(f"{of}attn_q.weight", width, width)
        add(f"{of}attn_k.weight", of_keys, width)
        add(f"{of}attn_v.weight", of_keys, width)
        add(f"{of}attn_output.weight", width, width)
        add(f"{of}ffn_gate.weight", hidden, width)
        add(f"{of}ffn_up.weight", hidden, width)
        add(f"{of}ffn_down.weight", width, hidden)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
