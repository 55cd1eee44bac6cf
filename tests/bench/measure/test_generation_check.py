"""What cannot be generated is refused before anything is pushed."""

from typing import ClassVar

import pytest
from msgspec.structs import replace

from pocketbench.bench.errors import UsageError
from pocketbench.bench.measure.generation_check import check_decoders, check_generators
from pocketbench.bench.records.artifact import Decoder
from pocketbench.bench.records.generation import Generation
from tests import factories

DECODER = Decoder(context_tokens=256, vocabulary_size=32000)


def check(decoders, **generation):
    plan = factories.plan(*decoders, generation=Generation(**generation))
    depths = generation.get("kv_depths", (0,))
    variants = [replace(v, kv_depth=d) for v in plan.variants for d in depths]
    check_decoders(
        replace(plan, variants=tuple(variants)),
        {
            ("net", name): factories.artifact(name, decoder=decoder)
            for name, decoder in decoders.items()
        },
    )


def test_a_decoder_with_room_for_all_tokens_passes():
    check({"float32": DECODER}, prompt_tokens=128, new_tokens=64, kv_depths=(0, 64))


def test_what_the_file_does_not_report_is_not_held_against_it():
    check({"as-is": Decoder()}, prompt_tokens=10_000, prompt_ids=(99_999,))


@pytest.mark.parametrize(
    ("decoders", "generation", "fact"),
    [
        (
            {"float32": None},
            {},
            "net float32: is no decoder: it takes 1x3:float32, not tokens",
        ),
        (
            {"float32": DECODER},
            {"prompt_tokens": 200},
            "holds 256 tokens: a depth of 0, 200 of prompt and 64 new ones are 264",
        ),
        (
            {"float32": DECODER},
            {"kv_depths": (0, 65)},
            "a depth of 65, 128 of prompt and 64 new ones are 257",
        ),
        (
            {"float32": DECODER},
            {"prompt_ids": (1, 32000), "prompt_tokens": 2},
            "--prompt-ids with 32000: do not fit net float32, whose token ids end at "
            "31999",
        ),
        (
            {"float32": DECODER, "8da4w": replace(DECODER, vocabulary_size=512)},
            {},
            "net 8da4w: knows 512 tokens and float32 knows 32000",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(decoders, generation, fact):
    with pytest.raises(UsageError) as error:
        check(decoders, **generation)

    assert fact in str(error.value)


class Forward:
    """A runner that only makes forward calls."""

    name = "lite"


class Generator:
    """One that generates."""

    name = "executorch"
    can_generate: ClassVar[bool] = True


def test_a_program_that_only_makes_forward_calls_is_refused():
    plan = factories.plan(generation=Generation())

    check_generators(plan, [Generator()])
    check_generators(factories.plan(), [Forward()])
    with pytest.raises(UsageError, match="lite: makes forward calls"):
        check_generators(plan, [Generator(), Forward()])
