"""What a file of llama.cpp says of itself: its context and its vocabulary.

The format is https://github.com/ggml-org/ggml/blob/master/docs/gguf.md: a header, then
pairs of a key and a typed value; the tensors behind them are not looked at.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from pocketbench.bench.errors import ExportError
from pocketbench.bench.records.artifact import Decoder

if TYPE_CHECKING:
    from pathlib import Path

_NUMBERS = dict(enumerate("BbHhIif?")) | {10: "Q", 11: "q", 12: "d"}
"""Types of a value and how struct reads them, little-endian."""
_STRING, _ARRAY = 8, 9
_MOST_PAIRS, _MOST_TEXT_BYTES, _MOST_ITEMS = 10_000, 64 << 20, 4 << 20

_Value = int | float | bool | str | None


def read_gguf_decoder(path: Path) -> Decoder:
    """Read the header of a file.

    Raises:
        ExportError: It is cut off, or of a version before 2023.
    """
    try:
        with path.open("rb") as file:
            pairs = _pairs(file)
    except (OSError, struct.error, ValueError, UnicodeDecodeError) as error:
        raise ExportError(
            str(path), f"its GGUF header cannot be read ({error})", "Copy it again"
        ) from error
    family = pairs.get("general.architecture")
    tokens = pairs.get(f"{family}.vocab_size") or pairs.get("tokenizer.ggml.tokens")
    return Decoder(
        context_tokens=_count(pairs.get(f"{family}.context_length")),
        vocabulary_size=_count(tokens),
    )


def _count(value: _Value) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _pairs(file: BinaryIO) -> dict[str, _Value]:
    magic, version, _, count = _unpack(file, "4sIQQ")
    if magic != b"GGUF" or version < 2 or count > _MOST_PAIRS:
        raise ValueError(f"version {version}, {count} keys")
    found: dict[str, _Value] = {}
    for _ in range(count):
        key = _text(file)
        (kind,) = _unpack(file, "I")
        found[key] = _value(file, kind)
    return found


def _value(file: BinaryIO, kind: int) -> _Value:
    """A value; of an array its length."""
    if kind == _STRING:
        return _text(file)
    if kind == _ARRAY:
        inner, length = _unpack(file, "IQ")
        if length > _MOST_ITEMS:
            raise ValueError(f"an array of {length} items")
        for _ in range(length):
            _value(file, inner)
        return int(length)
    if kind not in _NUMBERS:
        raise ValueError(f"a value of type {kind}")
    (value,) = _unpack(file, _NUMBERS[kind])
    return cast(_Value, value)


def _text(file: BinaryIO) -> str:
    (length,) = _unpack(file, "Q")
    if length > _MOST_TEXT_BYTES:
        raise ValueError(f"a text of {length} bytes")
    data = file.read(length)
    if len(data) < length:
        raise ValueError("it is cut off")
    return data.decode("utf-8", "replace")


def _unpack(file: BinaryIO, form: str) -> tuple[Any, ...]:
    reader = struct.Struct(f"<{form}")
    return reader.unpack(file.read(reader.size))
