"""Models that are called by name, or with inputs of several lengths."""

import pytest
import torch

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.lite.file import load


def bundled(artifact):
    return load(artifact.path).run_method("get_all_bundled_inputs")


@pytest.mark.parametrize(
    "variant", ["float32", "int8-dynamic", "float16", "pruned-0.5"]
)
def test_a_dictionary_is_passed_by_its_names(export_here, variant):
    artifact = export_here("nets:by_name", variant)

    assert [spec.dtype for spec in artifact.inputs] == ["bool", "int64"]
    assert artifact.bundled_input_count == len(bundled(artifact))
    if variant == "float32":
        assert artifact.output_error.sqnr_db is None


@pytest.mark.parametrize("variant", ["float32", "int8-static"])
def test_inputs_of_several_lengths_are_all_bundled_and_compared(export_here, variant):
    artifact = export_here("nets:of_lengths", variant)

    lengths = [ids.shape[1] for _, ids in bundled(artifact)]
    assert lengths == [4, 9, 6, 12][: artifact.bundled_input_count]
    assert len(set(lengths)) > 1
    loaded = load(artifact.path)
    for inputs in bundled(artifact):
        assert loaded(*inputs)["scores"].shape == (1, 4)


def test_examples_that_call_a_model_differently_are_refused(export_here):
    with pytest.raises(ExportError, match="not all passed alike"):
        export_here("nets:passed_differently")


def test_a_dictionary_in_a_list_is_no_other_call_than_alone(export_here):
    alone = export_here("nets:by_name")
    listed = export_here("nets:of_lengths")

    ids = torch.tensor([[1, 2, 3, 4]])
    call = (ids > 1, ids)
    assert load(alone.path)(*call)["scores"].shape == (1, 4)
    assert load(listed.path)(*call)["scores"].shape == (1, 4)
