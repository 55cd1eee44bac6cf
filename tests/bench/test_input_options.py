import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.planning.input_options import AskedInput, in_lengths, parse_input
from pocketbench.bench.planning.make_plan import plan_models, plan_suite
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.planning.suite import read_suite
from pocketbench.bench.records.artifact import TensorSpec

SIZES = st.integers(1, 999)
SHAPES = st.lists(
    SIZES | st.lists(SIZES, min_size=2, max_size=4).map(tuple), min_size=1
)


def lengths_of(*texts):
    return in_lengths([parse_input(text) for text in texts])


def test_a_shape_without_lists_is_the_model_as_it_is_called():
    (found,) = lengths_of("1x16:int64", "1x3x8x8")
    assert found == (
        "",
        (TensorSpec(shape=(1, 16), dtype="int64"), TensorSpec(shape=(1, 3, 8, 8))),
    )


def test_a_list_is_one_model_for_each_length():
    found = lengths_of("1x16,64:int64", "1x4")
    assert [(label, [x.shape for x in specs]) for label, specs in found] == [
        ("@16", [(1, 16), (1, 4)]),
        ("@64", [(1, 64), (1, 4)]),
    ]


def test_lists_go_together_and_a_size_is_named_once():
    found = lengths_of("1x16,64:int64", "1x16,64:bool", "2,3x7")
    assert [label for label, _ in found] == ["@16x2", "@64x3"]


@given(SHAPES)
def test_what_is_read_is_what_was_written(shape):
    asked = AskedInput(shape=tuple(shape), dtype="int64")
    lengths = asked.lists[0] if len(shape) == 1 and asked.lists else ()
    # Commas with a number twice are a shape mistyped, and refused: see below.
    assume(len(set(lengths)) == len(lengths))
    assert parse_input(asked.text) == asked


@pytest.mark.parametrize(
    "text", ["", "3xx", "1x0", "0,1x4", "1x16,", "-1", "1 x 2", "٣"]
)
def test_what_is_no_shape_is_refused(text):
    with pytest.raises(UsageError, match="is not a shape"):
        lengths_of(text)


@pytest.mark.parametrize("texts", [("1,2x3,4,5",), ("1x16,64", "1x1,2,3")])
def test_lists_of_unlike_length_are_refused(texts):
    with pytest.raises(UsageError, match="more lengths than others"):
        lengths_of(*texts)


@pytest.mark.parametrize("shape", [(), (1, ()), (1, (4, 0)), (-1,)])
def test_a_suite_s_shape_that_is_none_is_refused(shape):
    with pytest.raises(UsageError, match="is not a shape"):
        in_lengths([AskedInput(shape=shape)])


def test_a_suite_s_input_with_another_key_is_refused(tmp_path):
    suite = tmp_path / "suite.toml"
    suite.write_text(
        '[[model]]\nsource = "text_encoder"\n'
        'inputs = [{ shape = [1, 16], dtpye = "int64" }]\n'
    )
    with pytest.raises(UsageError, match="dtpye"):
        read_suite(suite)


def test_an_unknown_dtype_offers_the_near_ones():
    with pytest.raises(UnknownNameError, match="int64"):
        lengths_of("1x16:int46")


def test_every_length_is_a_model_of_the_plan(tmp_path):
    typed = plan_models(RunOptions(models=("text_encoder",), inputs=("1x16,64:int64",)))
    suite = tmp_path / "suite.toml"
    suite.write_text(
        '[[model]]\nsource = "text_encoder"\n'
        'inputs = [{ shape = [1, [16, 64]], dtype = "int64" }]\n'
    )
    kept = plan_suite(read_suite(suite), str(suite), RunOptions())

    for plan in (typed, kept):
        assert [model.name for model in plan.models] == [
            "text_encoder@16",
            "text_encoder@64",
        ]


def test_commas_for_a_shape_ask_for_the_shape():
    with pytest.raises(UsageError, match="Did you mean 1x3x64x64"):
        parse_input("1,3,64,64")
    assert parse_input("16,64,256:int64").shape == ((16, 64, 256),)
