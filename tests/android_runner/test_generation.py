from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pocketbench.android_runner.own import ExecutorchRunner
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.generation import GeneratedTokens, GenerationRequest
from pocketbench.bench.records.launch import Measurement
from tests.android_runner.launching import Launcher

NATIVE = Path(__file__).parent / "native"
pytestmark = [pytest.mark.needs("compiler", "executorch"), pytest.mark.slow]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decoders")
    made = subprocess.run(
        [sys.executable, NATIVE / "make_decoders.py", folder],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def facts(models: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((models / "facts.json").read_bytes())
    return found


@pytest.fixture(scope="module")
def executorch(model: Artifact) -> Launcher:
    return Launcher(ExecutorchRunner((), lambda text: None), model)


def launched(
    executorch: Launcher, path: Path, **asked: Any
) -> tuple[Measurement, GeneratedTokens]:
    measured = executorch.generate(path, GenerationRequest(**asked))
    assert measured.generation is not None
    return measured, measured.generation


@pytest.mark.parametrize("name", ["dynamic", "custom_ops"])
def test_the_tokens_are_those_of_the_eager_model(
    executorch: Launcher, models: Path, facts: dict[str, Any], name: str
) -> None:
    measured, made = launched(
        executorch,
        models / f"{name}.pte",
        prompt_ids=tuple(facts["prompt"]),
        new_tokens=len(facts["tokens"]),
    )
    assert list(made.token_ids) == facts["tokens"]
    assert made.prompt_tokens == len(facts["prompt"])
    assert made.vocabulary_size == facts["sizes"]["vocab_size"]
    assert made.context_tokens == facts["sizes"]["max_context_len"]
    assert len(made.token_ns) == len(made.token_ids)
    assert 0 < made.token_ns[0] < made.token_ns[-1]
    assert made.rss_after_prefill_bytes is not None
    assert measured.load_ns is not None
    assert measured.latencies_ns == ()


@pytest.mark.parametrize("name", ["dynamic", "custom_ops"])
def test_the_loss_of_given_tokens_is_that_of_the_eager_model(
    executorch: Launcher, models: Path, facts: dict[str, Any], name: str
) -> None:
    given = tuple(facts["prompt"])
    asked = {"prompt_ids": given, "new_tokens": len(facts["tokens"])}
    _, made = launched(executorch, models / f"{name}.pte", scored_ids=given, **asked)
    assert made.mean_loss == pytest.approx(facts["mean_loss"], abs=1e-5)
    assert list(made.token_ids) == facts["tokens"]


def test_a_prompt_at_a_depth_continues_what_is_in_the_cache(
    executorch: Launcher, models: Path
) -> None:
    asked = {"prompt_tokens": 4, "new_tokens": 40}
    _, shallow = launched(executorch, models / "dynamic.pte", **asked)
    _, deep = launched(executorch, models / "dynamic.pte", kv_depth=20, **asked)
    assert deep.kv_depth == 20
    assert deep.token_ids != shallow.token_ids


def test_the_same_seed_gives_the_same_tokens_with_and_without_a_warm_up(
    executorch: Launcher, models: Path
) -> None:
    asked = {"prompt_tokens": 20, "new_tokens": 30, "kv_depth": 10}
    runs = [
        launched(executorch, models / "dynamic.pte", warmup_generations=n, **asked)[1]
        for n in (0, 2)
    ]
    assert runs[0].token_ids == runs[1].token_ids
    assert runs[0].rss_after_prefill_bytes is None


def test_a_file_of_one_token_per_call_is_fed_so_and_ends_at_its_end_token(
    executorch: Launcher, models: Path, facts: dict[str, Any]
) -> None:
    _, made = launched(
        executorch,
        models / "static.pte",
        prompt_ids=tuple(facts["prompt"]),
        new_tokens=len(facts["tokens"]),
    )
    assert made.stopped_early
    assert list(made.token_ids) == facts["tokens"][: len(made.token_ids)]


def test_a_model_that_is_no_decoder_is_refused(
    executorch: Launcher, tmp_path: Path
) -> None:
    subprocess.run([sys.executable, NATIVE / "make_executorch_models.py", tmp_path])
    with pytest.raises(LaunchError) as caught:
        executorch.generate(tmp_path / "delegated.pte", GenerationRequest())
    assert caught.value.reason is Reason.NOT_GENERATING
    assert "no decoder with a KV cache: forward takes" in caught.value.fact
