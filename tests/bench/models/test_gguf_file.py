"""The header of a GGUF file: context and vocabulary, and what is no header."""

from __future__ import annotations

import struct

import pytest

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.gguf_file import read_gguf_decoder
from pocketbench.bench.planning.model_file import recognise
from pocketbench.bench.records.artifact import Decoder

U32, STRING, ARRAY, FLOAT = 4, 8, 9, 6


def text(words):
    return struct.pack("<Q", len(words)) + words.encode()


def pair(key, kind, value):
    return text(key) + struct.pack("<I", kind) + value


def header(*pairs, version=3, magic=b"GGUF"):
    return magic + struct.pack("<IQQ", version, 0, len(pairs)) + b"".join(pairs)


def words(*items):
    count = struct.pack("<IQ", STRING, len(items))
    return count + b"".join(map(text, items))


FAMILY = pair("general.architecture", STRING, text("llama"))
CONTEXT = pair("llama.context_length", U32, struct.pack("<I", 2048))
TOKENS = pair("tokenizer.ggml.tokens", ARRAY, words("<s>", "a", "b"))
EPSILON = pair("llama.attention.epsilon", FLOAT, struct.pack("<f", 1e-5))


def write(tmp_path, content):
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    return path


def test_context_and_vocabulary_are_read_whatever_stands_between(tmp_path):
    path = write(tmp_path, header(FAMILY, EPSILON, CONTEXT, TOKENS) + bytes(64))

    assert recognise(path) == "gguf"
    assert read_gguf_decoder(path) == Decoder(context_tokens=2048, vocabulary_size=3)


def test_what_the_header_does_not_say_is_unknown(tmp_path):
    assert read_gguf_decoder(write(tmp_path, header(FAMILY))) == Decoder()


@pytest.mark.parametrize(
    "content",
    [
        header(FAMILY, CONTEXT)[:-2],
        header(version=1),
        header(pair("x", 77, b"")),
        header(pair("x", ARRAY, struct.pack("<IQ", U32, 1 << 40))),
        header(struct.pack("<Q", 1 << 60)),
        b"GGUF",
    ],
)
def test_a_header_that_is_cut_off_or_another_is_refused(tmp_path, content):
    with pytest.raises(ExportError, match="GGUF header cannot be read"):
        read_gguf_decoder(write(tmp_path, content))
