"""Models of all kinds, really exported: what the export says of each is true."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.jit import mobile

from pocketbench.bench.errors import ExportError
from pocketbench.bench.judge.output_quality import output_warnings, quality_text
from pocketbench.bench.models.lite.deprecations import known_deprecations


@pytest.fixture
def export_kind(nets, export_here):
    shutil.copy(Path(__file__).with_name("kinds.py"), nets / "user_kinds.py")

    def make(name, variant="float32"):
        return export_here(f"user_kinds:{name}", variant)

    return make


def answer(artifact, *inputs):
    return mobile._load_for_lite_interpreter(artifact.path)(*inputs)


def test_scores_lost_beside_boxes_are_what_is_reported(export_kind):
    error = export_kind("head", "int8-static").output_error

    assert error.sqnr_db > 30
    assert error.worst_sqnr_db < 1
    (figures,) = error.outputs
    assert figures.constant_part == "channels 4 to 6 of 7"
    assert "constant" in output_warnings(error)[0]
    assert "dB over all" in quality_text(error)


@pytest.mark.parametrize("name", ["half", "bfloat16", "float64"])
@pytest.mark.parametrize("variant", ["float32", "int8-dynamic", "int8-static"])
def test_weights_of_another_dtype_are_converted(export_kind, name, variant):
    artifact = export_kind(name, variant)

    expected = ("float32",) if variant == "float32" else ("int8",)
    assert artifact.export.compute_dtypes == expected
    assert artifact.inputs[0].dtype == "float32"
    assert "to float32" in artifact.export.changed


@pytest.mark.parametrize("variant", ["float32", "int8-dynamic"])
def test_a_model_that_casts_is_not_called_float32(export_kind, variant):
    with pytest.raises(ExportError, match="computes in bfloat16"):
        export_kind("casting", variant)


@pytest.mark.parametrize(("name", "state"), [("assigned", "h"), ("cached", "cache")])
@pytest.mark.parametrize("variant", ["float32", "int8-dynamic", "int8-static"])
def test_a_state_is_named_and_starts_anew(export_kind, name, state, variant):
    artifact = export_kind(name, variant)

    assert artifact.export.state == (state,)
    assert artifact.output_error.sqnr_db is None or artifact.output_error.sqnr_db > 30
    if variant == "float32":
        x = torch.randn(1, 8)
        assert torch.equal(answer(artifact, x), answer(artifact, x))
        assert artifact.output_error.max_abs < 1e-5


def test_a_state_that_no_program_keeps_is_named(export_kind):
    with pytest.raises(ExportError, match="changes last at each call"):
        export_kind("remembering")


def test_a_script_is_saved_as_it_was_before_any_call(nets, export_kind, export_here):
    export_kind("assigned")
    import user_kinds

    with known_deprecations():
        torch.jit.script(user_kinds.Assigned().eval()).save("stream.pt")
        fresh = torch.jit.load("stream.pt")
    from pocketbench.bench.records.artifact import TensorSpec

    artifact = export_here("stream.pt", inputs=[TensorSpec(shape=(1, 8))])
    zeros = torch.zeros(1, 8)
    assert torch.allclose(answer(artifact, zeros), fresh(zeros), atol=1e-6)
    assert artifact.output_error.max_abs < 1e-5
    assert artifact.export.state == ("h",)


@pytest.mark.parametrize("variant", ["int8-dynamic", "int8-static"])
def test_attention_is_quantized_and_counted(export_kind, variant):
    changed = export_kind("encoder", variant).export.changed

    assert changed.startswith("9 of 9 linear layers quantized")


def test_the_projections_of_cross_attention_are_quantized(export_kind):
    artifact = export_kind("answering", "int8-dynamic")

    assert artifact.export.changed.startswith("9 of 9 linear layers quantized")
    assert artifact.output_error.worst_sqnr_db > 30


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("grid", "1 of 1 convolution"),
        ("looping", "2 of 2 linear"),
        ("named_padding", "3 of 3 convolution"),
        ("padded_by_name", "3 of 3 convolution"),
        ("weight_normed", "2 of 2 convolution"),
        ("spectral", "2 of 2 linear"),
        ("dataclass_output", "1 of 1 linear"),
    ],
)
def test_int8_static_finds_a_way(export_kind, name, changed):
    artifact = export_kind(name, "int8-static")

    assert artifact.export.changed.startswith(changed)
    assert artifact.output_error.worst_sqnr_db > 15


@pytest.mark.parametrize("name", ["bag", "power", "near_the_edge", "causal"])
@pytest.mark.parametrize("variant", ["float32", "int8-dynamic", "int8-static"])
def test_an_examples_values_are_believed(export_kind, name, variant):
    assert export_kind(name, variant).bundled_input_count >= 1


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("dataclass_output", ["logits"]),
        ("named_output", ["boxes", "labels"]),
        ("mixed_output", ["logits", "layers[0]", "layers[1]"]),
        ("object_output", ["inside[0]"]),
        ("slotted_output", ["logits", "hidden[0]"]),
    ],
)
def test_outputs_of_any_kind_have_their_names(export_kind, name, outputs):
    artifact = export_kind(name)

    assert [x.name for x in artifact.output_error.outputs] == outputs
    assert artifact.reference.output_names == tuple(outputs)


def test_whole_numbers_have_a_share_and_no_sqnr(export_kind):
    boxes, labels = export_kind("named_output", "int8-dynamic").output_error.outputs

    assert boxes.equal_share is None
    assert labels.sqnr_db is None
    assert 0.5 < labels.equal_share <= 1


@pytest.mark.parametrize("variant", ["float32", "int8-dynamic", "int8-static"])
@pytest.mark.parametrize(
    ("name", "count"), [("flags", 1), ("list_of_tensors", 3), ("sized", 1)]
)
def test_inputs_of_any_kind_are_passed(export_kind, name, count, variant):
    assert len(export_kind(name, variant).inputs) == count


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("gru", "Take int8-dynamic, or keep to float32"),
        # Torch has no dynamic form of nn.RNN: int8-dynamic would change nothing.
        ("plain_recurrent", "Keep to float32"),
    ],
)
def test_a_recurrent_layer_has_a_way_out(export_kind, name, way_out):
    with pytest.raises(ExportError, match="recurrent layers statically") as caught:
        export_kind(name, "int8-static")
    assert caught.value.next_step == way_out


@pytest.mark.parametrize("variant", ["float32", "int8-dynamic", "int8-static"])
def test_a_with_block_is_called_one(nets, export_here, variant):
    from pocketbench.bench.records.artifact import TensorSpec

    class Quiet(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(8, 4)

        def forward(self, x):
            with torch.no_grad():
                return self.linear(x)

    with known_deprecations():
        torch.jit.script(Quiet().eval()).save("quiet.pt")
    with pytest.raises(ExportError, match="with block") as caught:
        export_here("quiet.pt", variant, inputs=[TensorSpec(shape=(1, 8))])
    assert "module:factory" in caught.value.next_step


def test_a_branch_that_a_trace_loses_is_compiled(export_here):
    artifact = export_here("nets:compiled")

    assert artifact.export.method.startswith("scripted")
    assert artifact.output_error.max_abs < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["float32", "int8-dynamic", "int8-static"])
@pytest.mark.parametrize("name", ["of_each_batch", "without_statistics"])
def test_a_norm_of_each_batch_stays_one(export_kind, name, variant):
    artifact = export_kind(name, variant)

    worst = artifact.output_error.worst_sqnr_db
    assert worst is None or worst > 25
    assert "statistics of each batch" in artifact.export.changed


def test_a_projection_is_not_quantized_away(export_kind):
    artifact = export_kind("projected", "int8-dynamic")

    assert artifact.export.changed.startswith("0 of 1 recurrent")
    assert artifact.output_error.outputs[0].other_shape_count == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "at_least_db"), [("hooked", 25), ("detecting", 20), ("spectrum", 25)]
)
def test_the_way_of_quantizing_that_keeps_the_answer_is_taken(
    export_kind, name, at_least_db
):
    error = export_kind(name, "int8-static").output_error

    assert error.worst_sqnr_db > at_least_db
    assert not any(figures.other_shape_count for figures in error.outputs)


def test_a_packed_sequence_is_an_example(export_kind):
    assert len(export_kind("packed").inputs) == 2


@pytest.mark.slow
def test_never_more_layers_are_quantized_than_there_are(export_kind):
    changed = export_kind("adapted", "int8-dynamic").export.changed

    assert changed.startswith("4 of 4 linear")


@pytest.mark.parametrize(
    ("name", "variant", "reason"),
    [
        ("volumes", "int8-static", "none of its 2 layers"),
        ("lazy", "float32", "lazy layer that was never called"),
        ("on_meta", "float32", "no values"),
        ("sparse", "float32", "sparse tensor"),
        ("pictures", "float16", "forward names float32"),
        ("assigned", "float16", "loses a state"),
        ("small_powers", "float16", "not finite.*6e-8"),
        ("beyond_half", "float16", "1 of 4 values.* not finite"),
        ("decomposing", "float16", "no float16 form on the CPU"),
        ("silent", "float32", "compiled it has a with block"),
        ("silent", "int8-dynamic", "compiled it has a with block"),
        ("differentiating", "float32", "requires grad as a constant"),
        ("noisy", "float32", "same input differently each time"),
        ("small_branch", "int8-static", "compiled because it branches"),
    ],
)
def test_a_refusal_names_the_thing(export_kind, name, variant, reason):
    with pytest.raises(ExportError, match=reason):
        export_kind(name, variant)


@pytest.mark.parametrize("variant", ["float32", "float16", "int8-dynamic"])
def test_answers_that_a_mask_takes_out_are_infinite_in_both(export_kind, variant):
    error = export_kind("masked", variant).output_error
    assert error.max_abs < 0.1
    assert error.sqnr_db is None or error.sqnr_db > 20


def test_a_number_that_a_call_changes_is_a_state(export_kind):
    artifact = export_kind("counting", "int8-static")

    assert artifact.export.state == ("calls",)
    # Calibrated on many calls, it counts from the first again.
    assert artifact.output_error.worst_sqnr_db > 20
    x = torch.randn(1, 8)
    assert torch.equal(answer(artifact, x), answer(artifact, x))
    assert export_kind("noting").export.state == ()


@pytest.mark.parametrize("name", ["locked", "stored"])
def test_what_cannot_be_copied_or_compared_is_no_obstacle(export_kind, name):
    assert export_kind(name).output_error.max_abs < 1e-5


def test_a_branch_that_only_a_small_output_shows_is_kept(export_kind):
    artifact = export_kind("small_branch")

    assert artifact.export.method.startswith("scripted")
    assert artifact.output_error.worst_sqnr_db is None


def test_one_column_of_a_vocabulary_that_is_lost_is_named(export_kind):
    (figures,) = export_kind("wide", "int8-static").output_error.outputs

    assert figures.constant_part == "column 5000 of 6000"
    assert figures.worst_part_sqnr_db < 1


def test_a_calibration_leaves_out_what_the_model_does_not_accept(export_kind):
    export = export_kind("near_the_edge", "int8-static").export

    count, _, origin = export.calibration.partition(" ")
    assert origin == "example-based inputs"
    assert 64 < int(count) < 128


def test_masks_and_temperatures_are_not_varied(export_kind):
    artifact = export_kind("weighted", "int8-static")

    assert artifact.bundled_input_count == 1
    assert artifact.output_error.worst_sqnr_db > 30


def test_a_layer_computed_once_for_two_calls_is_wholly_quantized(export_kind):
    changed = export_kind("called_twice", "int8-dynamic").export.changed

    assert changed.startswith("1 of 1 linear")


@pytest.mark.parametrize("name", ["half", "dataclass_output"])
def test_few_values_are_calibrated_on_more_inputs(export_kind, name):
    artifact = export_kind(name, "int8-static")

    assert artifact.export.calibration == "128 example-based inputs"
    assert artifact.output_error.worst_sqnr_db > 30


@pytest.mark.parametrize("variant", ["float32", "int8-static", "float16"])
def test_what_is_quantized_already_is_no_variant(nets, export_here, variant):
    from pocketbench.bench.records.artifact import TensorSpec

    with known_deprecations():
        torch.backends.quantized.engine = "qnnpack"
        layers = nn.Sequential(nn.Linear(8, 4))
        torch.jit.script(torch.ao.quantization.quantize_dynamic(layers)).save("q.pt")
    with pytest.raises(ExportError, match="computes in int8 already") as caught:
        export_here("q.pt", variant, inputs=[TensorSpec(shape=(1, 8))])
    assert "as-is" in caught.value.next_step


def test_anchors_of_five_dimensions_stay_as_they_are_beside_channels_last(export_kind):
    artifact = export_kind("with_grid", "channels-last")

    assert artifact.export.changed.endswith("weights of convolutions too")
    error = artifact.output_error.worst_sqnr_db
    assert error is None or error > 100
