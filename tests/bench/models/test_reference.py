"""What an export keeps for checking a device's answers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.jit.mobile import _load_for_lite_interpreter

from pocketbench.bench.models.accuracy.reference import make_reference
from pocketbench.bench.models.exporting.library import export
from pocketbench.bench.planning.sources import request_for
from pocketbench.bench.records.artifact import TensorSpec


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))


def exported(source, variant="float32"):
    return export(request_for(source), variant, seed=0, progress=lambda text: None)


def values(kept):
    return np.frombuffer(Path(kept.path).read_bytes(), "<f4")


def test_every_variant_is_held_to_the_same_answers_of_the_float32_model(export_here):
    plain = export_here("nets:tiny")
    quantized = export_here("nets:tiny", "int8-dynamic")
    for name in ("inputs", "outputs"):
        same = (getattr(x.reference, name).sha256 for x in (plain, quantized))
        assert len(set(same)) == 1
    assert plain.reference.of == "the float32 model"
    assert plain.reference.output_specs == (TensorSpec(shape=(1, 5)),)
    assert plain.reference.set_count == plain.bundled_input_count
    inputs = torch.from_numpy(values(plain.reference.inputs).copy())
    lite = _load_for_lite_interpreter(plain.path)
    answers = [lite(each[None]) for each in inputs.reshape(-1, 3, 16, 16)]
    assert values(plain.reference.outputs) == pytest.approx(
        torch.cat(answers).numpy().ravel(), abs=1e-5
    )


def test_an_export_whose_reference_is_damaged_is_made_again(nets):
    first = exported("nets:tiny")
    Path(first.reference.outputs.path).write_bytes(b"something else")
    again = exported("nets:tiny")
    assert again.reference == first.reference
    assert len(values(again.reference.outputs)) == 5 * again.reference.set_count


def test_a_ready_file_is_held_to_its_own_answers_on_this_computer(export_here):
    made = export_here("nets:tiny")
    ready = exported(made.path, "as-is")
    assert ready.reference.of == "the same file on the host"
    assert values(ready.reference.outputs) == pytest.approx(
        values(made.reference.outputs), abs=1e-5
    )


def test_held_back_inputs_come_with_their_labels(nets, export_here):
    with (nets / "nets.py").open("a") as file:
        file.write(
            "\n\ndef labelled():\n"
            "    images = [(torch.randn(1, 3, 16, 16),) for _ in range(6)]\n"
            "    return Tiny(), images[:2], (images[2:], [4, 3, 2, 1])\n"
            "\n\ndef mislabelled():\n"
            "    images = [(torch.randn(1, 3, 16, 16),) for _ in range(6)]\n"
            "    return Tiny(), images[:2], (images[2:], [4, 3])\n"
        )
    reference = export_here("nets:labelled").reference
    assert reference.labels == (4, 3, 2, 1)
    assert reference.set_count == 4
    with pytest.raises(Exception, match="not held-back inputs with a label each"):
        export_here("nets:mislabelled")


@pytest.mark.parametrize(
    "sets",
    [
        [(torch.ones(2),), (torch.ones(3),)],
        [(torch.ones(2, dtype=torch.complex64),)],
    ],
)
def test_inputs_that_cannot_be_reported_as_one_kind_have_no_reference(sets, tmp_path):
    assert make_reference(lambda x: x, sets, tmp_path, of="the float32 model") is None


def test_a_model_that_answers_no_tensor_has_no_reference(tmp_path):
    sets = [(torch.ones(2),)]
    made = make_reference(lambda x: {"n": 3}, sets, tmp_path, of="the float32 model")
    assert made is None
