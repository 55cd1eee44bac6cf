"""`pocketbench generate` and `kind = "generate"`: from words to a plan."""

import pytest

from pocketbench.bench.commands.generate import generate
from pocketbench.bench.errors import UsageError
from pocketbench.bench.planning.make_plan import make_plan
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.records.generation import Generation
from pocketbench.bench.records.metrics import GATES
from tests.bench.test_run_options import options_of


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where a person has a decoder of their own; nothing here imports it."""
    (tmp_path / "nets.py").write_text("def decoder(): ...\n")
    monkeypatch.chdir(tmp_path)


def plan(**options):
    return make_plan(RunOptions(models=("nets:decoder",), kind="generate", **options))


@pytest.mark.needs("executorch")
def test_a_generation_takes_executorch_and_decides_on_decode_speed():
    made = plan(variants=("float32",))

    assert made.workload.generation == Generation(
        prompt_tokens=128, new_tokens=64, kv_depths=(0,), warmup_generations=1
    )
    assert [(v.id, v.engine, v.kv_depth) for v in made.variants] == [
        ("float32", "executorch", 0)
    ]
    assert made.gate_on == (GATES["decode"],)


@pytest.mark.needs("executorch")
def test_each_depth_is_a_variant_whose_baseline_has_the_same_depth():
    made = plan(variants=("float32", "int8-dynamic"), kv_depths=(0, 1024, 0))

    assert [(v.id, v.kv_depth, v.is_baseline) for v in made.variants] == [
        ("float32@d0", 0, True),
        ("int8-dynamic@d0", 0, False),
        ("float32@d1024", 1024, True),
        ("int8-dynamic@d1024", 1024, False),
    ]


@pytest.mark.needs("executorch")
def test_an_engine_that_is_not_the_usual_one_is_in_the_name():
    made = plan(variants=("float32",), engines=("executorch", "executorch-portable"))

    assert [variant.id for variant in made.variants] == [
        "float32+executorch",
        "float32+executorch-portable",
    ]


def test_depths_are_written_between_commas_or_one_by_one():
    asked = options_of(
        "nets:decoder", "--kv-depth", "0,1024", "--kv-depth", "4096", command=generate
    )

    assert asked.kv_depths == (0, 1024, 4096)


@pytest.mark.needs("executorch")
def test_a_prompt_of_given_ids_is_as_long_as_they_are(tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_text("1 15043,29892\n7\n")

    typed = plan(prompt_ids="1, 15043,29892,7").workload.generation
    stored = plan(prompt_ids=str(file)).workload.generation

    assert typed == stored
    assert typed.prompt_ids == (1, 15043, 29892, 7)
    assert typed.prompt_tokens == 4


@pytest.mark.needs("executorch")
def test_a_suite_of_kind_generate_gives_the_same_plan(tmp_path):
    suite = tmp_path / "suite.toml"
    suite.write_text(
        '[[model]]\nsource = "nets:decoder"\nvariants = ["float32"]\n[workload]\n'
        'kind = "generate"\nnew_tokens = 32\nkv_depths = [0, 1024]\nblocks = 4\n'
    )

    made = make_plan(RunOptions(models=(str(suite),)))

    assert made.workload.generation == Generation(new_tokens=32, kv_depths=(0, 1024))
    assert {variant.engine for variant in made.variants} == {"executorch"}


def test_numbers_of_a_generation_in_a_suite_of_another_kind_are_refused(tmp_path):
    suite = tmp_path / "suite.toml"
    suite.write_text('[[model]]\nsource = "resnet18"\n[workload]\nnew_tokens = 32\n')

    with pytest.raises(UsageError, match=r'new_tokens .* Add kind = "generate"'):
        make_plan(RunOptions(models=(str(suite),)))


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        ({"prompt_tokens": 0}, "--prompt-tokens 0: is not between 1 and"),
        ({"new_tokens": 1}, "--new-tokens 1: is not between 2 and"),
        ({"kv_depths": (-1,)}, "--kv-depth -1: is not between 0 and"),
        ({"warmup_generations": -1}, "--warmup-generations -1: is not between 0"),
        ({"prompt_ids": "1,2", "prompt_tokens": 3}, "contradicts --prompt-ids"),
        ({"prompt_ids": ","}, "is empty"),
        ({"prompt_ids": "/nowhere/ids"}, "is neither numbers nor a file of them"),
        ({"iterations": 5}, "a generation with iterations: is not possible"),
        pytest.param(
            {"gate_on": ("p99_inter_token",)},
            "Give --new-tokens 101 or more",
            marks=pytest.mark.needs("executorch"),
        ),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(options, fact):
    with pytest.raises(UsageError) as error:
        plan(**options)

    assert fact in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_with_words_is_no_prompt(tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_text("Once upon a time")

    with pytest.raises(UsageError, match="holds 'Once', which is no token id"):
        plan(prompt_ids=str(file))


def test_a_model_of_the_zoo_that_is_no_decoder_is_refused_before_it_is_exported():
    with pytest.raises(UsageError) as error:
        make_plan(RunOptions(models=("mobilenet_v2",), kind="generate"))

    assert str(error.value) == (
        "mobilenet_v2: is no decoder: it takes no tokens and no position. Choose from "
        "tiny_llama-15m, tiny_llama-110m, or measure its forward call with "
        "`pocketbench run`"
    )


def test_without_a_model_the_command_names_one_that_generates():
    with pytest.raises(UsageError, match="`pocketbench generate tiny_llama-15m"):
        make_plan(RunOptions(kind="generate"))
