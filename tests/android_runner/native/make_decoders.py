"""Write small decoders for the tests, and the tokens that their Python generates.

Usage: make_decoders.py FOLDER [NAME ...], without names all of them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from pocketbench.bench.models.executorch.decoder import export_decoder
from pocketbench.bench.models.zoo.tiny_llama import LlamaDecoder, with_sizes

SIZES = {
    "dim": 64,
    "n_layers": 1,
    "n_heads": 4,
    "n_kv_heads": 2,
    "hidden_dim": 128,
    "vocab_size": 300,
    "max_seq_len": 17,
    "max_context_len": 64,
}
PROMPT = [7, 299, 0, 41, 8, 150, 33, 2, 90, 12, 5, 6, 77, 100, 21, 3, 250, 19, 60, 4]
"""Longer than one call takes."""
NEW_TOKENS = 24


def greedy(model: LlamaDecoder) -> list[int]:
    """The most likely tokens after the prompt, fed token by token."""
    tokens: list[int] = []
    with torch.no_grad():
        for place in range(len(PROMPT) + NEW_TOKENS - 1):
            token = PROMPT[place] if place < len(PROMPT) else tokens[-1]
            logits = model(torch.tensor([[token]]), torch.tensor([place]))
            if place >= len(PROMPT) - 1:
                tokens.append(int(logits.argmax()))
    return tokens


def mean_loss(model: LlamaDecoder) -> float:
    """Of the tokens of the prompt, each after those before it."""
    losses: list[float] = []
    with torch.no_grad():
        for place, token in enumerate(PROMPT[:-1]):
            logits = model(torch.tensor([[token]]), torch.tensor([place]))[0].double()
            losses.append(float(-logits.log_softmax(-1)[PROMPT[place + 1]]))
    return sum(losses) / len(losses)


def write(model: LlamaDecoder, path: Path, *, custom_ops: bool = False) -> None:
    """Export it in float32."""
    made = export_decoder(model, "float32", has_custom_ops=custom_ops)
    with path.open("wb") as file:
        made.export_program.write_to_file(file)


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1])
    model = with_sizes(**SIZES)
    tokens = greedy(with_sizes(**SIZES))
    facts = {
        "prompt": PROMPT,
        "tokens": tokens,
        "sizes": SIZES,
        "mean_loss": mean_loss(with_sizes(**SIZES)),
    }
    (folder / "facts.json").write_text(json.dumps(facts))
    wanted = sys.argv[2:] or ["dynamic", "custom_ops", "static"]
    if "dynamic" in wanted:
        write(model, folder / "dynamic.pte")
    if "custom_ops" in wanted:
        write(model, folder / "custom_ops.pte", custom_ops=True)
    if "static" not in wanted:
        return
    static = with_sizes(**SIZES, enable_dynamic_shape=False)
    # Exporting takes long: one file shows both. It ends at a token that is new there.
    static.end_tokens = [
        next(x for i, x in enumerate(tokens) if i > 2 and x not in tokens[:i])
    ]
    write(static, folder / "static.pte")


if __name__ == "__main__":
    main()
