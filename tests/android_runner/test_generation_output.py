from __future__ import annotations

import pytest

from pocketbench.android_runner.runner_protocol import read_generation
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.generation import GeneratedTokens
from pocketbench.bench.records.launch import Measurement
from tests.android_runner.test_runner_protocol import sealed

HEADER = {
    "wire": 1,
    "runner": "executorch",
    "runtime": "executorch 1.5.1",
    "pid": 5,
    "heap": "system",
    "threads": 2,
    "seed": 3,
    "backends": ["XnnpackBackend"],
}
FACTS = {
    "prompt_tokens": 20,
    "kv_depth": 8,
    "vocabulary_size": 300,
    "context_tokens": 64,
    "rss_after_prefill_bytes": 10317824,
}
TOKENS = {
    "token_ns": [638103, 767837, 895422],
    "token_ids": [5, 49, 85],
    "stopped_early": False,
}
MEMORY = {
    "rss_before_load_bytes": 5709824,
    "rss_after_load_bytes": 7462912,
    "peak_rss_bytes": 10317824,
    "swap_bytes": 0,
    "rss_bytes": 10317824,
    "pss_bytes": 5871616,
    "os_threads": 2,
}


def read(**changed: object) -> Measurement:
    output = sealed(HEADER, {"load_ns": 1533121}, FACTS, {**TOKENS, **changed}, MEMORY)
    result = CommandResult(stdout=output, stderr=b"", exit_code=0)
    return read_generation(result, runner="executorch", subject="tiny")


def test_a_generation_is_read_with_its_load_and_memory() -> None:
    measured = read()
    assert measured.generation == GeneratedTokens(
        prompt_tokens=20,
        kv_depth=8,
        token_ns=(638103, 767837, 895422),
        token_ids=(5, 49, 85),
        vocabulary_size=300,
        context_tokens=64,
        rss_after_prefill_bytes=10317824,
    )
    assert measured.load_ns == 1533121
    assert measured.memory.peak_rss_bytes == 10317824
    assert (measured.threads, measured.seed) == (2, 3)
    assert measured.latencies_ns == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"token_ids": [5, 49]}, "reported 3 times of 2 tokens"),
        ({"token_ns": [5, 9, 8]}, "times of tokens that go back"),
        ({"token_ns": [], "token_ids": []}, "an incomplete result"),
        ({"stopped_early": None}, "an incomplete result"),
    ],
)
def test_what_cannot_be_a_generation_is_refused(
    changed: dict[str, object], words: str
) -> None:
    with pytest.raises(LaunchError) as caught:
        read(**changed)
    assert caught.value.reason is Reason.BAD_OUTPUT
    assert words in caught.value.fact


def test_what_a_decoder_cannot_do_has_its_own_reason() -> None:
    error = {"error": "generate", "message": "token id 300 of the prompt is not in it"}
    result = CommandResult(stdout=sealed(HEADER, error), stderr=b"", exit_code=14)
    with pytest.raises(LaunchError) as caught:
        read_generation(result, runner="executorch", subject="tiny")
    assert caught.value.reason is Reason.NOT_GENERATING
    assert "--prompt" not in caught.value.fact
