"""Variants for ExecuTorch: what each is made of, who takes it, what is refused."""

import shutil
from pathlib import Path

import pytest

from pocketbench.bench.errors import ExportError

pytestmark = [
    pytest.mark.needs("executorch"),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of executorch and coremltools themselves
]


@pytest.mark.parametrize(
    ("variant", "sqnr_db"),
    [
        ("float16+executorch", 50),
        ("float16+executorch-portable", 40),
        ("channels-last+executorch", 100),
    ],
)
def test_what_is_computed_here_is_compared_with_the_model(
    export_here, variant, sqnr_db
):
    artifact = export_here("nets:tiny", variant)

    found = artifact.output_error.sqnr_db
    assert found is None or found > sqnr_db
    assert artifact.precision == ("float16" if "16" in variant else "float32")


def test_columns_that_float16_cannot_hold_are_what_is_reported(nets, export_here):
    shutil.copy(Path(__file__).with_name("kinds.py"), nets / "user_kinds.py")

    error = export_here("user_kinds:far_apart", "float16+executorch").output_error

    assert error.sqnr_db > 50
    assert error.worst_sqnr_db < 1
    assert error.outputs[0].constant_part == "columns 4 to 7 of 8"


def test_a_model_that_float16_cannot_compute_is_refused_by_the_variants_name(
    nets, export_here
):
    shutil.copy(Path(__file__).with_name("kinds.py"), nets / "user_kinds.py")

    with pytest.raises(ExportError, match="rounds to 0 below 6e-8") as refused:
        export_here("user_kinds:log_of_power", "float16+executorch")

    assert "log_of_power float16" in str(refused.value)


def test_a_pruned_program_is_smaller(export_here):
    whole = export_here("nets:only_in_the_middle", "float32+executorch")
    pruned = export_here("nets:only_in_the_middle", "pruned-0.5+executorch")

    assert pruned.size_bytes < whole.size_bytes
    assert "32 of 64 inner channels" in pruned.export.changed


coreml = pytest.mark.needs("coreml")


@pytest.mark.parametrize(
    ("made", "delegate", "backend"),
    [
        ("float32", "vulkan", "VulkanBackend"),
        ("float16", "vulkan", "VulkanBackend"),
        ("int8-static", "vulkan", "VulkanBackend"),
        pytest.param("float32", "coreml", "CoreMLBackend", marks=coreml),
        # int8-static works, too, and takes Core ML's quantizer three minutes.
        pytest.param("float16", "coreml", "CoreMLBackend", marks=coreml),
    ],
)
def test_a_delegate_that_is_not_here_takes_its_share_and_is_not_compared(
    export_here, made, delegate, backend
):
    artifact = export_here("nets:tiny", f"{made}+executorch-{delegate}")

    assert [share.name for share in artifact.delegation.taken] == [backend]
    assert artifact.output_error is None


def test_a_dictionary_is_passed_by_its_names(export_here):
    artifact = export_here("nets:by_name", "float32+executorch")

    assert [spec.dtype for spec in artifact.inputs] == ["bool", "int64"]
    found = artifact.output_error.sqnr_db
    assert found is None or found > 100


@pytest.mark.parametrize(
    ("source", "variant", "words"),
    [
        ("of_lengths", "float32+executorch", r"4 different shapes.*made for one"),
        ("tiny", "channels-last+executorch-portable", "Take channels-last.executorch$"),
        ("tiny", "channels-last+executorch-vulkan", "vulkan chooses the order"),
        ("tiny", "int8-dynamic+executorch-coreml", "no activations quantized as they"),
        ("tiny", "int8-static+executorch-qnn", "Take float16.executorch-qnn"),
    ],
)
def test_what_a_delegate_does_not_take_is_refused(export_here, source, variant, words):
    with pytest.raises(ExportError, match=words):
        export_here(f"nets:{source}", variant)


@pytest.fixture
def export_kind(nets, export_here):
    shutil.copy(Path(__file__).with_name("kinds.py"), nets / "user_kinds.py")
    return lambda name, variant: export_here(f"user_kinds:{name}", variant)


def test_a_tensor_that_is_given_twice_stays_two_inputs(export_kind):
    artifact = export_kind("list_of_tensors", "float32+executorch")

    assert len(artifact.inputs) == 3
    found = artifact.output_error.sqnr_db
    assert found is None or found > 100


@pytest.mark.parametrize("variant", ["float32", "int8-dynamic"])
def test_a_state_that_a_captured_program_forgets_is_refused(export_kind, variant):
    with pytest.raises(ExportError, match=r"something else .* changes last at each"):
        export_kind("remembering", f"{variant}+executorch")


def test_an_operator_that_executorch_does_not_have_is_named(export_kind):
    with pytest.raises(ExportError, match=r"it has no operator aten\._embedding_bag"):
        export_kind("bag", "float32+executorch")


def test_a_buffer_that_is_changed_in_place_is_kept(export_kind):
    artifact = export_kind("cached", "float32+executorch")

    assert artifact.export.state == ("cache",)
    found = artifact.output_error.sqnr_db
    assert found is None or found > 100


def test_a_linear_layer_over_channels_that_come_last_is_quantized(export_kind):
    artifact = export_kind("channels_last", "int8-dynamic+executorch")

    assert artifact.export.changed.startswith("2 of 2 convolution and linear layers")
    assert artifact.export.kept_float == ()
    assert artifact.output_error.worst_sqnr_db > 30


def test_what_the_delegate_computes_wrongly_in_int8_stays_float32_by_name(export_kind):
    artifact = export_kind("shuffled", "int8-dynamic+executorch")

    assert artifact.export.changed.startswith("1 of 3 convolution and linear layers")
    assert artifact.export.kept_float == ("a", "b")
    assert artifact.output_error.worst_sqnr_db > 40


def test_arithmetic_with_whole_numbers_is_not_quantized(export_kind):
    artifact = export_kind("anchored", "int8-static+executorch")

    assert artifact.export.changed.startswith("1 of 1 convolution layers quantized")
    assert artifact.output_error.worst_sqnr_db > 25


@pytest.mark.parametrize("engine", ["executorch", "executorch-portable"])
@pytest.mark.parametrize(
    "kind",
    [
        *("causal_inf", "causal_least", "causal_half"),
        *("padded_later", "forbidden_beside"),
    ],
)
def test_scores_with_a_mask_keep_their_levels(export_kind, kind, engine):
    artifact = export_kind(kind, f"int8-static+{engine}")

    assert artifact.export.changed.startswith("3 of 3 linear layers quantized")
    assert artifact.output_error.worst_sqnr_db > 25


@pytest.mark.parametrize("engine", ["executorch", "executorch-portable"])
@pytest.mark.parametrize(
    "kind", ["log_spectrum", "shifted", "small_factor", "with_class"]
)
def test_what_int8_cannot_hold_stays_float32(export_kind, kind, engine):
    artifact = export_kind(kind, f"int8-static+{engine}")

    assert artifact.export.changed.startswith("1 of 1 linear layers quantized")
    assert artifact.output_error.worst_sqnr_db > 25


@pytest.mark.parametrize("engine", ["executorch", "executorch-portable"])
def test_scores_beside_boxes_keep_their_levels(export_kind, engine):
    artifact = export_kind("head", f"int8-static+{engine}")

    assert artifact.export.changed.startswith("3 of 3 convolution layers quantized")
    assert artifact.output_error.worst_sqnr_db > 25


def test_a_recurrent_layer_that_stays_float32_is_named(export_kind):
    artifact = export_kind("plain_recurrent", "int8-dynamic+executorch")

    assert artifact.export.kept_float == ("module",)


@pytest.mark.parametrize("made", ["float32", "int8-dynamic"])
def test_a_state_begins_with_the_models_own_values(nets, export_here, made):
    shutil.copy(Path(__file__).with_name("kinds.py"), nets / "user_kinds.py")
    artifact = export_here("user_kinds:begun", f"{made}+executorch")

    assert artifact.export.state == ("level",)
    assert artifact.output_error.worst_sqnr_db > 40
