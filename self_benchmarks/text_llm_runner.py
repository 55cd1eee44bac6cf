"""One launch of ExecuTorch's own TextLLMRunner, with a stamp per token.

Prints JSON: when each token was there, in nanoseconds since the generation began, and
its text. Most tokens of `write_tokenizer` have their ids as text.
Run: python self_benchmarks/text_llm_runner.py MODEL TOKENIZER PROMPT NEW_TOKENS
"""

from __future__ import annotations

import json
import struct
import sys
import time
from pathlib import Path

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SPACE = 3
FIRST_LETTER = 4


def write_tokenizer(path: Path, vocabulary_size: int, *, end_token: int) -> None:
    """Write one of the llama2.c form, in which each letter is a token."""
    texts = [f"<{i}>" for i in range(vocabulary_size)]
    texts[SPACE] = " "
    texts[FIRST_LETTER : FIRST_LETTER + len(LETTERS)] = LETTERS
    parts = [struct.pack("<iiii", vocabulary_size, 1, end_token, 16)]
    for text in texts:
        data = text.encode()
        parts.append(struct.pack("<fi", 0.0, len(data)) + data)
    path.write_bytes(b"".join(parts))


def ids_of(prompt: str) -> list[int]:
    """The tokens that this tokenizer makes of letters; it puts a space before them."""
    return [SPACE, *map(id_of, prompt)]


def id_of(text: str) -> int:
    """The token that has this text."""
    if text == " ":
        return SPACE
    if text in LETTERS:
        return FIRST_LETTER + LETTERS.index(text)
    return int(text.strip("<>"))


def main() -> None:
    model, tokenizer, prompt, new_tokens = sys.argv[1:]
    # Registers the operators of the llama extension, for files that call them.
    from executorch.extension.llm.custom_ops import custom_ops  # noqa: F401
    from executorch.extension.llm.runner import GenerationConfig, TextLLMRunner
    from executorch.extension.pybindings.portable_lib import _unsafe_reset_threadpool

    _unsafe_reset_threadpool(1)
    runner = TextLLMRunner(model, tokenizer)
    config = GenerationConfig(
        echo=False, max_new_tokens=int(new_tokens), temperature=0.0
    )
    # As our runner does by default: one whole generation first.
    for _ in range(2):
        runner.reset()
        stamps: list[int] = []
        texts: list[str] = []

        def there(text: str) -> None:
            stamps.append(time.perf_counter_ns())  # noqa: B023
            texts.append(text)  # noqa: B023

        start = time.perf_counter_ns()
        runner.generate(prompt, config, there, lambda stats: None)
    # The runner writes to standard output too.
    print("\n" + json.dumps({"token_ns": [x - start for x in stamps], "texts": texts}))


if __name__ == "__main__":
    main()
