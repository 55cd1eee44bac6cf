"""The zoo's models, and what quantizing them does."""

import pytest
import torch

from pocketbench.bench.models.zoo import mobilenet_v2, resnet18, text_encoder
from pocketbench.bench.models.zoo.random_weights import randomize
from pocketbench.bench.models.zoo.text_encoder import VOCABULARY

PUBLISHED_PARAMETERS = {mobilenet_v2: 3_504_872, resnet18: 11_689_512}


"""Eleven million weights, of which each export takes seconds."""


@pytest.fixture(scope="module", params=PUBLISHED_PARAMETERS, ids=lambda f: f.__name__)
def built(request):
    return request.param, request.param(seed=0)


def test_a_model_has_the_published_number_of_parameters(built):
    factory, model = built

    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == PUBLISHED_PARAMETERS[factory]


def test_outputs_are_of_a_size_that_errors_can_be_reported_from(built):
    _, model = built

    with torch.no_grad():
        outputs = model(torch.randn(4, 3, 224, 224))
    assert outputs.shape == (4, 1000)
    assert 0.1 < outputs.std() < 10
    assert outputs.std(dim=0).mean() > 0.01


def test_batch_norms_hold_the_statistics_of_what_passes_through_them(built):
    _, model = built
    seen = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(
                lambda norm, inputs, output, name=name: seen.update(
                    {name: (norm, inputs[0])}
                )
            )

    with torch.no_grad():
        model(torch.randn(4, 3, 224, 224))
    assert len(seen) in (20, 52)
    for norm, inputs in seen.values():
        ratio = inputs.var(dim=(0, 2, 3)) / norm.running_var
        assert 0.5 < ratio.median() < 2


class Small(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Conv2d(3, 4, 7, stride=8), torch.nn.BatchNorm2d(4))


def test_a_seed_gives_its_weights_again_and_another_seed_others():
    first, again, other = (
        randomize(Small, seed=seed).state_dict() for seed in (1, 1, 2)
    )

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["0.weight"], other["0.weight"])
    assert not torch.equal(first["1.running_mean"], other["1.running_mean"])


def test_making_a_model_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)

    torch.manual_seed(5)
    randomize(Small, seed=1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mobilenet_v2", "resnet18"])
def test_float32_is_the_original_in_another_form(zoo_artifact, model):
    artifact = zoo_artifact(model, "float32")

    assert artifact.output_error.sqnr_db > 100
    assert artifact.precision == "float32"
    assert artifact.export.random_weights
    assert artifact.export.weights == "random (seed 0), batch norm calibrated"
    norms = {"mobilenet_v2": 52, "resnet18": 20}[model]
    assert artifact.export.changed == (
        f"precision unchanged; {norms} BatchNorms folded into convolutions"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "changed"),
    [
        (
            "mobilenet_v2",
            "53 of 53 convolution and linear layers quantized, "
            "35 ReLU6 folded into them",
        ),
        ("resnet18", "21 of 21 convolution and linear layers quantized"),
    ],
)
def test_int8_static_is_a_quarter_of_the_size_and_still_the_model(
    zoo_artifact, model, changed
):
    whole = zoo_artifact(model, "float32")
    artifact = zoo_artifact(model, "int8-static")

    # Scales, biases and the bundled inputs do not shrink.
    assert artifact.size_bytes < 0.3 * whole.size_bytes
    assert artifact.output_error.sqnr_db > 20
    assert artifact.precision == "int8"
    assert artifact.export.changed == changed
    assert artifact.export.calibration == "16 seeded inputs"
    assert "aten::_convolution" not in artifact.operators


@pytest.mark.slow
def test_int8_dynamic_says_that_it_quantizes_one_layer(zoo_artifact):
    artifact = zoo_artifact("mobilenet_v2", "int8-dynamic")

    assert artifact.export.changed == (
        "1 of 53 convolution and linear layers quantized (classifier)"
    )
    assert artifact.output_error.sqnr_db > 30
    assert artifact.precision == "int8"
    assert "aten::_convolution" in artifact.operators


def test_the_encoder_takes_ids_of_all_its_vocabulary_and_sequences_of_any_length():
    model, example = text_encoder(seed=0)

    assert sum(parameter.numel() for parameter in model.parameters()) == 1_385_232
    assert (int(example.min()), int(example.max())) == (0, VOCABULARY - 1)
    with torch.no_grad():
        for length in (1, 64, 512):
            assert model(example[:, :1].expand(2, length)).shape == (2, 16)


@pytest.mark.parametrize(
    ("variant", "changed", "least_db"),
    [
        ("float32", "weights and precision unchanged", 100),
        ("int8-dynamic", "25 of 25 linear layers quantized", 30),
        ("int8-static", "25 of 25 linear layers quantized", 20),
    ],
)
def test_every_linear_layer_of_the_encoder_is_quantized(
    zoo_artifact, variant, changed, least_db
):
    artifact = zoo_artifact("text_encoder", variant)

    assert artifact.export.changed == changed
    assert (artifact.output_error.sqnr_db or 999) > least_db
    (tokens,) = artifact.inputs
    assert (tokens.shape, tokens.dtype) == ((1, 64), "int64")
    assert artifact.export.weights == "random (seed 0)"
