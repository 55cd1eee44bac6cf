"""The zoo's model that is really trained."""

import importlib.util

import pytest
import torch

from pocketbench.bench.errors import ToolMissingError
from pocketbench.bench.planning.sources import request_for, resolve

pytestmark = pytest.mark.needs("digits")


@pytest.fixture(scope="module")
def trained():
    from pocketbench.bench.models.zoo.digits import digits

    return digits(seed=0)


@pytest.mark.slow
def test_it_knows_images_it_has_never_seen(trained):
    model, _, (images, labels) = trained
    with torch.no_grad():
        found = torch.cat([model(*image) for image in images]).argmax(1)
    assert len(labels) == 360
    assert sum(found.eq(torch.tensor(labels))) / 360 > 0.97


@pytest.mark.slow
def test_no_held_back_image_is_among_the_examples(trained):
    _, examples, (images, _) = trained
    seen = {image.numpy().tobytes() for (image,) in examples}
    assert not seen & {image.numpy().tobytes() for (image,) in images}


@pytest.mark.slow
def test_a_seed_gives_the_same_weights_and_the_same_held_back_images_again(trained):
    from pocketbench.bench.models.zoo.digits import digits

    model, _, (images, labels) = trained
    again, _, (other_images, other_labels) = digits(seed=0)
    for mine, other in zip(
        model.state_dict().values(), again.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, other)
    assert labels == other_labels
    assert torch.equal(images[0][0], other_images[0][0])


def test_its_weights_are_not_random():
    source = resolve("digits")
    assert not source.random_weights
    assert source.trained_on == "scikit-learn's digits"


def test_without_scikit_learn_the_command_that_installs_it_is_named(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "sklearn" else found(name, *more),
    )
    with pytest.raises(ToolMissingError, match=r"pip install 'pocketbench\[digits\]'"):
        request_for("digits")
