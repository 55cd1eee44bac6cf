"""A random model of llama.cpp's Llama family, written with its own package `gguf`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

VOCABULARY, WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS = 512, 128, 384, 4, 8, 2
CONTEXT = 1024


def write_model(path: Path) -> Path:
    """Write it, float32 and seeded; no tokenizer, as llama-bench draws token ids."""
    gguf = pytest.importorskip("gguf", reason="gguf is missing: pip install gguf")
    draw = np.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("none")

    def add(name: str, *shape: int) -> None:
        is_norm = name.endswith("norm.weight")
        values = np.ones(shape) if is_norm else draw.normal(0, 0.02, shape)
        writer.add_tensor(name, values.astype(np.float32))

    add("token_embd.weight", VOCABULARY, WIDTH)
    add("output_norm.weight", WIDTH)
    add("output.weight", VOCABULARY, WIDTH)
    for layer in range(LAYERS):
        of = f"blk.{layer}."
        add(f"{of}attn_norm.weight", WIDTH)
        add(f"{of}ffn_norm.weight", WIDTH)
        add(f"{of}attn_q.weight", WIDTH, WIDTH)
        add(f"{of}attn_k.weight", WIDTH * KV_HEADS // HEADS, WIDTH)
        add(f"{of}attn_v.weight", WIDTH * KV_HEADS // HEADS, WIDTH)
        add(f"{of}attn_output.weight", WIDTH, WIDTH)
        add(f"{of}ffn_gate.weight", HIDDEN, WIDTH)
        add(f"{of}ffn_up.weight", HIDDEN, WIDTH)
        add(f"{of}ffn_down.weight", WIDTH, HIDDEN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
