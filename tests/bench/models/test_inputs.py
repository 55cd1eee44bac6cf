"""Inputs with real values."""

import pytest
import torch

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.models.inputs.bundle import set_count
from pocketbench.bench.models.inputs.inputs import (
    Range,
    from_steps,
    is_on_grid,
    range_of,
    seeded_inputs,
    to_steps,
)
from pocketbench.bench.records.artifact import TensorSpec

IMAGE = TensorSpec(shape=(1, 3, 32, 32))


def test_real_inputs_are_normal_and_eight_bits_hold_them_exactly():
    (image,) = seeded_inputs([IMAGE], 1, seed=0, purpose="bundled")[0]

    assert image.dtype == torch.float32
    assert abs(image.mean()) < 0.1
    assert abs(image.std() - 1) < 0.1
    assert torch.equal(from_steps(to_steps(image), torch.float32), image)
    assert not is_on_grid(torch.randn(5))


def test_a_seed_and_a_purpose_decide_the_inputs():
    first, again, other_seed, other_purpose = (
        torch.cat([x for (x,) in seeded_inputs([IMAGE], 3, seed=s, purpose=p)])
        for s, p in ((0, "a"), (0, "a"), (1, "a"), (0, "b"))
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other_seed)
    assert not torch.equal(first, other_purpose)
    assert not torch.equal(first[0], first[1])


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", "uint8"])
def test_integers_cover_their_range_and_no_more(dtype):
    spec = TensorSpec(shape=(1000,), dtype=dtype)
    ((tensor,),) = seeded_inputs([spec], 1, seed=0, purpose="a", ranges=[Range(3, 7)])

    assert str(tensor.dtype) == f"torch.{dtype}"
    assert set(tensor.tolist()) == {3, 4, 5, 6, 7}


def test_an_example_reports_the_range_of_its_integers():
    assert range_of(torch.tensor([4, 9, 2])) == Range(2, 9)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "bool"])
def test_other_dtypes_are_made(dtype):
    spec = TensorSpec(shape=(100,), dtype=dtype)
    ((tensor,),) = seeded_inputs([spec], 1, seed=0, purpose="a")

    assert str(tensor.dtype) == f"torch.{dtype}"
    assert tensor.to(torch.float32).std() > 0


def test_an_unknown_dtype_is_reported_with_the_near_ones():
    with pytest.raises(UnknownNameError, match=r"Did you mean float32"):
        seeded_inputs([TensorSpec(shape=(1,), dtype="float31")], 1, seed=0, purpose="a")


def test_large_inputs_are_bundled_fewer_times_than_small_ones():
    small = seeded_inputs([IMAGE], 1, seed=0, purpose="a")[0]
    large = seeded_inputs([TensorSpec(shape=(1, 3, 224, 224))], 1, seed=0, purpose="a")[
        0
    ]

    assert (set_count(small), set_count(large)) == (4, 2)


def test_an_input_beyond_reason_is_refused_before_it_is_made():
    spec = TensorSpec(shape=(1 << 20, 1 << 20))
    with pytest.raises(UsageError, match="more than 1073741824 values"):
        seeded_inputs([spec], 1, seed=0, purpose="bundled")
