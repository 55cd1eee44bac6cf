"""The program of a `.pte` file: a decoder, something else, and what is damaged."""

from __future__ import annotations

import pytest

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.pte_file import PteFile, read_pte_file
from pocketbench.bench.planning.model_file import recognise
from pocketbench.bench.records.artifact import Decoder
from tests.bench.models.pte_program import FLOAT, LONG, pte_program


def write(tmp_path, content):
    path = tmp_path / "model.pte"
    path.write_bytes(content)
    return path


def test_context_vocabulary_and_custom_operators_are_read(tmp_path):
    path = write(tmp_path, pte_program())

    assert recognise(path) == "pte"
    found = read_pte_file(path)
    assert found.decoder == Decoder(
        context_tokens=256,
        vocabulary_size=512,
        custom_ops=("llama::update_cache.out",),
    )
    assert [spec.shape for spec in found.inputs] == [(1, 1), (1,)]


def test_the_longest_sequence_stands_in_for_a_context_that_is_not_there(tmp_path):
    path = write(tmp_path, pte_program(numbers=[("get_max_seq_len", 64)]))
    assert read_pte_file(path).decoder.context_tokens == 64
    path = write(tmp_path, pte_program(numbers=[]))
    assert read_pte_file(path).decoder.context_tokens is None


@pytest.mark.parametrize(
    "program",
    [
        pte_program(inputs=[(FLOAT, (1, 3, 224, 224))]),
        pte_program(inputs=[(LONG, (1, 17)), (FLOAT, (1,))]),
        pte_program(inputs=[(LONG, (4, 17)), (LONG, (1,))]),
        pte_program(logits=(512,)),
    ],
    ids=["an image", "a position that is no whole number", "a batch", "no logits"],
)
def test_other_models_are_no_decoders(tmp_path, program):
    assert read_pte_file(write(tmp_path, program)) == PteFile()


def test_a_file_that_is_cut_off_or_damaged_is_one_error_or_no_decoder(tmp_path):
    whole = pte_program()
    damaged = [whole[:length] for length in range(8, len(whole) - 8, 12)]
    for at in range(0, len(whole), 4):
        damaged += [
            whole[:at] + word + whole[at + 4 :]
            for word in (b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", bytes(4))
        ]
    refused = 0
    for content in damaged:
        try:
            read_pte_file(write(tmp_path, content))
        except ExportError:
            refused += 1
    assert refused > len(damaged) // 4
    with pytest.raises(ExportError, match="its program cannot be read"):
        read_pte_file(write(tmp_path, whole[:100]))
