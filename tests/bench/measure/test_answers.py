"""A device's answers compared with known ones."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.bench.errors import LaunchError
from pocketbench.bench.measure.auxiliary.output_sums import compare
from pocketbench.bench.records.artifact import KeptFile, OutputReference, TensorSpec
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.runner import RawTensor

SCORES = TensorSpec(shape=(1, 3))


@pytest.fixture
def reference(tmp_path):
    """What should be answered: a list of answers, each a list of arrays."""

    def make(answers, labels=()):
        data = b"".join(x.tobytes() for tensors in answers for x in tensors)
        path = tmp_path / "outputs.bin"
        path.write_bytes(data)
        kept = KeptFile(
            path=str(path),
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
        )
        return OutputReference(
            of="the float32 model",
            set_count=len(answers),
            inputs=kept,
            input_specs=(SCORES,),
            outputs=kept,
            output_specs=tuple(map(spec_of, answers[0])),
            labels=labels,
        )

    return make


def spec_of(array):
    return TensorSpec(shape=array.shape, dtype=str(array.dtype))


def reported(answers):
    return tuple(
        tuple(RawTensor(spec=spec_of(x), data=x.tobytes()) for x in tensors)
        for tensors in answers
    )


def scores(*rows):
    return [[np.array([row], dtype=np.float32)] for row in rows]


def test_every_figure_follows_from_all_answers_together(reference):
    expected = scores((3, 4, 0), (0, 0, 12))
    found = scores((3, 4, 1), (0, 2, 12))
    (difference,) = compare(reported(found), reference(expected), "net").tensors
    assert difference.max_abs == 2
    assert difference.error_power == 5
    assert difference.sqnr_db == pytest.approx(10 * math.log10(169 / 5))
    assert difference.cosine == pytest.approx(169 / 13 / math.sqrt(174))
    assert difference.top1_agreement == 1


def test_answers_that_are_the_same_have_no_noise_to_tell(reference):
    answers = scores((3, 4, 0))
    (difference,) = compare(reported(answers), reference(answers), "net").tensors
    assert difference.sqnr_db is None
    assert difference.cosine == 1
    assert difference.max_abs == 0


def test_the_best_class_is_compared_with_the_references_and_with_the_label(reference):
    expected = scores((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0))
    found = scores((1, 0, 0), (1, 0, 0), (0, 0, 1), (0, 1, 0))
    compared = compare(reported(found), reference(expected, labels=(0, 0, 2, 2)), "net")
    assert compared.tensors[0].top1_agreement == 0.5
    assert compared.correct_count == 3
    assert compared.reference_correct_count == 2


def test_several_tensors_of_several_dtypes_are_kept_apart(reference):
    expected = [[np.array([[1, 2]], np.float32), np.array(7, np.int64)]] * 2
    found = [[np.array([[1, 3]], np.float32), np.array(7, np.int64)]] * 2
    first, second = compare(reported(found), reference(expected), "net").tensors
    assert (first.max_abs, second.max_abs) == (1, 0)
    assert first.top1_agreement == 1
    assert second.top1_agreement is None


def test_a_float16_answer_is_compared_with_a_float32_one(reference):
    expected = scores((1, 2, 3))
    found = [[np.array([[1, 2, 3.001]], np.float16)]]
    (difference,) = compare(reported(found), reference(expected), "net").tensors
    assert 0 < difference.max_abs < 0.002


def test_bfloat16_is_the_upper_half_of_float32(reference):
    expected = scores((1.5, -2, 1024))
    upper = (np.array([1.5, -2, 1024], "<f4").view("<u4") >> 16).astype("<u2")
    spec = TensorSpec(shape=(1, 3), dtype="bfloat16")
    found = ((RawTensor(spec=spec, data=upper.tobytes()),),)
    (difference,) = compare(found, reference(expected), "net").tensors
    assert difference.error_power == 0


def test_values_that_are_not_finite_are_counted_and_spoil_no_sum(reference):
    expected = scores((3, 4, 0))
    found = scores((math.nan, 4, math.inf))
    (difference,) = compare(reported(found), reference(expected), "net").tensors
    assert difference.not_finite_count == 2
    assert difference.error_power == 9


def test_what_a_mask_makes_infinite_is_equal_and_never_the_best(reference):
    expected = scores((-math.inf, -4, -3), (-math.inf, -4, -3))
    found = scores((-math.inf, -4, -3), (0, -4, -3))
    (difference,) = compare(reported(found), reference(expected), "net").tensors
    assert difference.not_finite_count == 1
    assert difference.error_power == 0
    assert (difference.row_count, difference.agreeing_count) == (2, 1)


@pytest.mark.parametrize(
    "found",
    [
        [[np.zeros((1, 4), np.float32)]],
        [[]],
        [[np.zeros((1, 3), np.float32)] * 2],
        [[np.zeros((1, 3), np.complex64)]],
    ],
)
def test_other_tensors_than_the_references_are_reported(reference, found):
    with pytest.raises(LaunchError, match=r"the reference float32 \[1, 3\]") as caught:
        compare(reported(found), reference(scores((1, 2, 3))), "net")
    assert caught.value.reason is FailureReason.BAD_OUTPUT


@given(
    values=st.lists(
        st.tuples(*[st.floats(-1e3, 1e3, width=32)] * 3), min_size=1, max_size=5
    ),
    noise=st.floats(-1, 1, width=32),
)
def test_the_cosine_is_one_and_the_ratio_fits_whatever_the_values(
    tmp_path_factory, values, noise
):
    path = tmp_path_factory.mktemp("answers") / "outputs.bin"
    expected = np.array(values, np.float32)
    path.write_bytes(expected.tobytes())
    kept = KeptFile(path=str(path), sha256="0", size_bytes=expected.nbytes)
    reference = OutputReference(
        of="the float32 model",
        set_count=len(values),
        inputs=kept,
        input_specs=(SCORES,),
        outputs=kept,
        output_specs=(SCORES,),
    )
    found = expected + np.float32(noise)
    (difference,) = compare(
        reported([[row[None]] for row in found]), reference, "n"
    ).tensors
    error = found.astype(np.float64) - expected
    assert difference.error_power == pytest.approx(np.square(error).sum())
    assert difference.max_abs == np.abs(error).max()
    assert difference.cosine is None or -1 <= difference.cosine <= 1
