"""What a ready `.pte` file says of itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from executorch.runtime import Runtime, Verification

from pocketbench.bench.records.artifact import Decoder, TensorSpec

if TYPE_CHECKING:
    from executorch.runtime import Program

_HEADER_BYTES = 24
_INT64 = 4
"""Of ExecuTorch's ScalarType."""
_CUSTOM_OP = re.compile(rb"llama::\w+")


class PteFile(NamedTuple):
    """What is known of a file."""

    inputs: tuple[TensorSpec, ...] = ()
    """Of one decode step; only of a decoder."""
    decoder: Decoder | None = None


def read_pte_file(path: Path) -> PteFile:
    """Read whether a file is a decoder: tokens and their position in, logits out.

    Raises:
        RuntimeError: The ExecuTorch of this Python cannot read it.
    """
    program = Runtime.get().load_program(path, verification=Verification.Minimal)
    meta = program.metadata("forward")
    if meta.num_inputs() != 2 or meta.num_outputs() < 1:
        return PteFile()
    tokens, position = meta.input_tensor_meta(0), meta.input_tensor_meta(1)
    logits = meta.output_tensor_meta(0).sizes()
    is_decoder = (
        tokens.dtype() == position.dtype() == _INT64
        and (len(tokens.sizes()), len(position.sizes())) == (2, 1)
        and tokens.sizes()[0] == 1
        and len(logits) >= 2
    )
    if not is_decoder:
        return PteFile()
    context = _number(program, "get_max_context_len")
    return PteFile(
        inputs=(
            TensorSpec(shape=(1, 1), dtype="int64"),
            TensorSpec(shape=(1,), dtype="int64"),
        ),
        decoder=Decoder(
            context_tokens=context or _number(program, "get_max_seq_len"),
            vocabulary_size=logits[-1],
            custom_ops=tuple(
                sorted({x.decode() for x in _CUSTOM_OP.findall(_program_bytes(path))})
            ),
        ),
    )


def _number(program: Program, method: str) -> int | None:
    if method not in program.method_names:
        return None
    loaded = program.load_method(method)
    assert loaded is not None
    (value,) = loaded.execute([])
    return int(value)


def _program_bytes(path: Path) -> bytes:
    """The program without its weights, see executorch/schema/extended_header.h."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
        if head[8:12] != b"eh00":
            return b""
        file.seek(0)
        return file.read(int.from_bytes(head[16:24], "little"))
