"""Variants of the lite interpreter that are made by changing the model itself."""

import pytest
import torch

from pocketbench.bench.errors import ExportError, UnknownNameError, UsageError
from pocketbench.bench.models.lite.deprecations import known_deprecations
from pocketbench.bench.models.lite.file import load
from pocketbench.bench.models.transforms.prune import prune
from pocketbench.bench.planning.variant_names import DECODER, USUAL, check_made


def test_float16_takes_and_gives_what_the_model_does(export_here):
    whole = export_here("nets:tiny")
    half = export_here("nets:tiny", "float16")

    assert half.precision == "float16"
    assert half.inputs == whole.inputs
    assert 50 < half.output_error.sqnr_db < 100
    assert "float16" in half.export.changed
    (image,) = load(half.path).run_method("get_all_bundled_inputs")[0]
    assert load(half.path)(image).dtype == torch.float32


def test_float16_halves_the_weights(export_here):
    whole = export_here("nets:only_in_the_middle")
    half = export_here("nets:only_in_the_middle", "float16")

    assert half.size_bytes < whole.size_bytes - 1000


def test_float16_leaves_ids_and_dictionaries_as_they_are(export_here):
    half = export_here("nets:words", "float16")

    assert half.inputs[0].dtype == "int64"
    assert half.output_error.sqnr_db > 40


def test_channels_last_is_in_the_bundled_images_too(export_here):
    artifact = export_here("nets:tiny", "channels-last")

    assert artifact.inputs[0].memory_format == "channels-last"
    assert artifact.output_error.sqnr_db is None or artifact.output_error.sqnr_db > 100
    (image,) = load(artifact.path).run_method("get_all_bundled_inputs")[0]
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert not image.is_contiguous()


def test_images_may_be_channels_last_for_every_variant(export_here):
    artifact = export_here("nets:tiny", "int8-static", memory_format="channels-last")

    assert artifact.inputs[0].memory_format == "channels-last"
    assert artifact.output_error.sqnr_db > 20


def test_who_lays_images_out_itself_is_given_no_layout(export_here):
    with pytest.raises(ExportError, match="nnapi chooses the order of images"):
        export_here("nets:tiny", "float32+lite-nnapi", memory_format="channels-last")


def test_what_is_no_image_has_no_channels_to_come_last(export_here):
    with pytest.raises(ExportError, match="takes no image"):
        export_here("nets:words", "channels-last")


def test_a_pruned_model_is_smaller_and_says_what_is_left(export_here):
    whole = export_here("nets:only_in_the_middle")
    pruned = export_here("nets:only_in_the_middle", "pruned-0.5")

    assert pruned.size_bytes < whole.size_bytes
    assert pruned.export.changed == (
        "precision unchanged; 32 of 64 inner channels taken out of 1 layer, "
        "50 % of the parameters left"
    )
    assert pruned.output_error.sqnr_db < 40


def test_a_script_cannot_be_pruned():
    with known_deprecations():
        script = torch.jit.trace(torch.nn.Linear(3, 4), torch.ones(1, 3))
    with pytest.raises(ExportError, match="layers cannot be taken apart"):
        prune(script, 0.5, name="m")


def test_nnapi_is_given_the_whole_model_and_nothing_here_runs_it(export_here):
    artifact = export_here("nets:only_linear", "float32+lite-nnapi")

    assert artifact.output_error is None
    assert artifact.export.method.endswith("all of it given to NNAPI")
    assert artifact.bundled_input_count > 0
    with pytest.raises(RuntimeError, match="Failed to load libneuralnetworks"):
        load(artifact.path)(*artifact_inputs(artifact))


def artifact_inputs(artifact):
    return load(artifact.path).run_method("get_all_bundled_inputs")[0]


@pytest.mark.parametrize(
    ("source", "variant", "words"),
    [
        ("nets:words", "float32+lite-nnapi", "not all of this one"),
        ("nets:tiny", "float32+lite-vulkan", "built without Vulkan"),
        ("nets:tiny", "channels-last+lite-nnapi", "chooses the order of images"),
        ("nets:tiny", "float16+lite-vulkan", r"Take float32\+lite-vulkan"),
    ],
)
def test_what_a_delegate_does_not_take_is_refused(export_here, source, variant, words):
    with pytest.raises(ExportError, match=words):
        export_here(source, variant)


@pytest.mark.slow
@pytest.mark.needs("coreml")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # coremltools' own
def test_core_ml_names_the_part_of_torch_that_is_missing(export_here):
    with pytest.raises(ExportError, match=r"without Core ML.*USE_COREML_DELEGATE=1"):
        export_here("nets:tiny", "float32+lite-coreml")


@pytest.mark.parametrize("made", [*USUAL, "float16", "channels-last", "pruned-0.25"])
def test_these_can_be_asked_of_every_model(made):
    check_made(made, USUAL, model="m", asked=made)


@pytest.mark.parametrize("made", ["pruned-0", "pruned-1.5", "pruned-half", "pruned-"])
def test_a_share_to_prune_lies_between_0_and_1(made):
    with pytest.raises(UsageError, match=r"Write it as pruned-0\.5"):
        check_made(made, USUAL, model="m", asked=made)


def test_a_ready_file_and_an_unknown_variant_are_refused_with_the_near_ones():
    with pytest.raises(UnknownNameError, match="as-is"):
        check_made("float16", ("as-is",), model="m", asked="float16")
    with pytest.raises(UnknownNameError, match="float16"):
        check_made("float61", USUAL, model="m", asked="float61")


def test_a_decoder_has_its_own_variants_and_no_others():
    check_made("8da4w-custom-ops", DECODER, model="m", asked="8da4w-custom-ops")
    for made in ("float16", "pruned-0.5", "int8-static"):
        with pytest.raises(UsageError):
            check_made(made, DECODER, model="m", asked=made)
