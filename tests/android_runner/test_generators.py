"""Programs of others that generate: flags in, figures out, by one definition."""

from __future__ import annotations

import json

import pytest

from pocketbench.android_runner.prebuilt.litert_lm import LitertLm
from pocketbench.android_runner.prebuilt.llama_bench import LlamaBench
from pocketbench.android_runner.prebuilt.llama_main import LlamaMain
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.judge.generation import generation_values
from pocketbench.bench.records.device import CommandResult, DeviceFile
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.generation import GenerationRequest
from pocketbench.bench.records.plan import RunnerChoice
from tests.factories import launch_request

ASKED = GenerationRequest(prompt_tokens=128, new_tokens=64)
DEEP = GenerationRequest(prompt_tokens=128, new_tokens=64, kv_depth=1024)
DEPTHS = b"  -d, --n-depth <n>  "


def ended(stdout: str = "", stderr: str = "", exit_code: int = 0) -> CommandResult:
    return CommandResult(
        stdout=stdout.encode(), stderr=stderr.encode(), exit_code=exit_code
    )


def parsed(runner_class, output, model, asked=ASKED, **how):
    request = launch_request(generation=asked)
    return runner_class().parse(ended(output, **how), model, request)


def refused(runner_class, output, model, asked=ASKED, **how):
    with pytest.raises(LaunchError) as error:
        parsed(runner_class, output, model, asked, **how)
    return error.value.reason


# llama.cpp: llama-bench -o jsonl


def bench_test(n_prompt, n_gen, n_depth, sample_ns):
    """A line as the printer of JSON Lines writes one, most fields left out."""
    fields = {
        "build_commit": "0a1b2c3",
        "build_number": 6123,
        "cpu_info": "a processor",
        "backends": "CPU",
        "model_type": "llama ?B all F32",
        "n_threads": 2,
        "n_prompt": n_prompt,
        "n_gen": n_gen,
        "n_depth": n_depth,
        "avg_ns": sample_ns,
        "stddev_ns": 0,
        "avg_ts": 1e9 * (n_prompt + n_gen) / sample_ns,
        "samples_ns": [sample_ns],
    }
    return json.dumps(fields)


def bench_output(depth=0, prompt=128, new=64):
    tests = [
        (prompt, 0, depth, 240_000_000),
        (0, new - 1, depth, 600_000_000),
        (prompt, 0, depth + prompt, 250_000_000),
        (0, new - 1, depth + prompt, 756_000_000),
    ]
    return "\n".join(bench_test(*test) for test in tests) + "\n"


def test_llama_bench_is_asked_for_the_prompt_and_the_steps_behind_it(command_of):
    command = command_of(LlamaBench, content=DEPTHS, generation=DEEP)

    words = " ".join(command.argv[1:])
    assert words == ("-m /data/a model -t 2 -p 128 -n 63 -r 1 -o jsonl -d 1024,1152")


def test_llama_bench_takes_its_own_options_and_no_warm_up(command_of):
    cold = GenerationRequest(warmup_generations=0)
    options = (("flash_attn", "on"), ("cache_type_k", "q8_0"))
    argv = command_of(LlamaBench, *options, content=DEPTHS, generation=cold).argv

    assert "--no-warmup" in argv
    assert argv[-4:] == ("--cache-type-k", "q8_0", "--flash-attn", "on")


@pytest.mark.parametrize("depth", [0, 1024])
def test_llama_bench_gives_our_figures_from_two_of_its_tests(model, depth):
    asked = GenerationRequest(kv_depth=depth)
    measured = parsed(LlamaBench, bench_output(depth), model, asked)

    assert generation_values(measured.generation) == pytest.approx(
        {
            "time_to_first_token_ns": 240e6,
            "prefill_tokens_per_s": 128 / 0.240,
            "decode_tokens_per_s": 63 / 0.756,
        }
    )
    assert not measured.generation.rates_are_theirs
    assert measured.generation.token_count == 64
    assert measured.generation.kv_depth == depth
    assert measured.runtime_version == "llama.cpp b6123 (0a1b2c3)"
    assert measured.threads == 2


def test_llama_bench_of_a_release_without_depths_keeps_its_own_definition(
    model, command_of
):
    argv = command_of(LlamaBench, content=b"old", generation=ASKED).argv
    old = [(128, 0, 0, 240_000_000), (0, 63, 0, 600_000_000)]
    lines = "\n".join(bench_test(*test) for test in old).replace('"n_depth": 0, ', "")

    measured = parsed(LlamaBench, lines, model)

    assert "-d" not in argv
    assert measured.generation.rates_are_theirs
    assert measured.generation.decode_tokens_per_s == pytest.approx(63 / 0.6)
    with pytest.raises(LaunchError, match="has no --n-depth"):
        command_of(LlamaBench, content=b"old", generation=DEEP)


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (
            "main: error: failed to load model '/data/m'",
            FailureReason.NOT_LOADABLE,
        ),
        ("error: invalid parameter for argument: -d", FailureReason.BAD_FLAGS),
        (
            "main: error: failed to create context with model '/data/m'",
            FailureReason.MODEL_RAISED,
        ),
    ],
)
def test_llama_bench_says_why_it_did_not_measure(model, stderr, reason):
    assert refused(LlamaBench, "", model, stderr=stderr, exit_code=1) is reason


@pytest.mark.parametrize(
    "output",
    [
        bench_output()[:-40],
        bench_output(prompt=256),
        bench_output() + bench_output(),
        bench_output().replace("[240000000]", "[]"),
        bench_output().replace("[756000000]", "[-1]"),
        '{"n_prompt": "many"}\n',
    ],
)
def test_llama_bench_with_other_tests_than_asked_for_is_bad_output(model, output):
    assert refused(LlamaBench, output, model) is FailureReason.BAD_OUTPUT


# ExecuTorch: llama_main


def observer(generated, *, load=900, first=164, decode=1260, prompt=128):
    start = 1_760_000_000_000
    return "PyTorchObserver " + json.dumps(
        {
            "prompt_tokens": prompt,
            "generated_tokens": generated,
            "model_load_start_ms": start,
            "model_load_end_ms": start + load,
            "inference_start_ms": start + load,
            "inference_end_ms": start + load + first + decode,
            "prompt_eval_end_ms": start + load + first,
            "first_token_ms": start + load + first,
            "aggregate_sampling_time_ms": 19,
            "SCALING_FACTOR_UNITS_PER_SECOND": 1000,
        }
    )


@pytest.mark.parametrize("counted", [63, 64])
def test_llama_main_made_a_step_less_than_tokens_whether_it_counts_the_first_or_not(
    model, counted
):
    output = f"Once upon a time<|eot|>{observer(counted)}\n"
    measured = parsed(LlamaMain, output, model)

    tokens = measured.generation
    assert tokens.decode_tokens_per_s == pytest.approx(63 / 1.26)
    assert tokens.time_to_first_token_ns == 164_000_000
    assert tokens.prefill_tokens_per_s == pytest.approx(128 / 0.164)
    assert (tokens.token_count, tokens.stopped_early) == (64, False)
    assert measured.load_ns == 900_000_000
    assert measured.latency_resolution_ns == 1_000_000
    # Its time to first token has the tokenizing in it.
    assert tokens.rates_are_theirs


def test_llama_main_that_stopped_early_says_how_many_tokens_it_made(model):
    tokens = parsed(LlamaMain, observer(31), model).generation

    assert (tokens.token_count, tokens.stopped_early) == (31, True)


def test_a_decode_of_no_whole_millisecond_has_no_speed(model):
    tokens = parsed(LlamaMain, observer(63, first=0, decode=0), model).generation

    assert tokens.decode_tokens_per_s is None
    assert tokens.time_to_first_token_ns is None


def test_llama_main_reports_its_memory_in_its_log(model):
    log = (
        "I 00:00:01.2 executorch:text_llm_runner.cpp:95] RSS after loading model: "
        "1122.187500 MiB (0 if unsupported)\n"
        "I 00:00:02.3 executorch:text_llm_runner.cpp:179] RSS after prompt prefill: "
        "1130.000000 MiB (0 if unsupported)\n"
    )
    measured = parsed(LlamaMain, observer(63), model, stderr=log)

    assert measured.memory.rss_after_load_bytes == round(1122.1875 * 2**20)
    assert measured.generation.rss_after_prefill_bytes == 1130 * 2**20


def test_llama_main_pushes_its_tokenizer_and_names_it_on_the_device(tmp_path):
    program, tokenizer = tmp_path / "llama_main", tmp_path / "tokenizer.model"
    program.write_bytes(b"max_new_tokens ignore_eos")
    tokenizer.write_bytes(b"words")
    choice = RunnerChoice(
        name="llama_main",
        path=str(program),
        abi="arm64-v8a",
        options=(("tokenizer", str(tokenizer)),),
    )
    runner = LlamaMain((choice,))
    given = runner._programs._given[0]
    (pushed,) = given.libraries
    remote = DeviceFile(
        name=pushed.name,
        sha256=pushed.sha256,
        size_bytes=pushed.size_bytes,
        remote_path="/data/objects/tokenizer.model",
        origin="sent",
    )
    request = launch_request(
        given.executable.sha256, generation=ASKED, libraries=(remote,)
    )

    argv = runner.command(request).argv

    assert "--tokenizer_path=/data/objects/tokenizer.model" in argv
    assert "--max_new_tokens=64" in argv
    assert "--ignore_eos=true" in argv
    assert "--warmup=true" in argv
    assert f"--prompt={' the' * 128}" in argv


def test_llama_main_without_a_tokenizer_names_the_option(command_of):
    with pytest.raises(LaunchError, match=r"llama_main\.tokenizer=PATH"):
        command_of(LlamaMain, generation=ASKED)


@pytest.mark.parametrize(
    "line",
    [
        observer(63).replace("first_token_ms", "first_token"),
        observer(63)[:-20],
        observer(-1),
        "PyTorchObserver nothing",
    ],
)
def test_llama_main_with_a_line_that_is_not_whole_is_bad_output(model, line):
    assert refused(LlamaMain, line, model) is FailureReason.BAD_OUTPUT


# LiteRT-LM: litert_lm_advanced_main --benchmark


def block(prefill="399.049292ms", decode="4.037520542s", init="  Total init time: "):
    return f"""\
BenchmarkInfo:
  Init Phases (2):
    - Executor: 844.54 ms
  {init}911.25 ms
--------------------------------------------------
  Time to first token: 0.43 s
--------------------------------------------------
  Prefill Turns (Total 1 turns):
    Prefill Turn 1: Processed 128 tokens in {prefill} duration.
      Prefill Speed: 320.76 tokens/sec.
--------------------------------------------------
  Decode Turns (Total 1 turns):
    Decode Turn 1: Processed 64 tokens in {decode} duration.
      Decode Speed: 15.85 tokens/sec.
--------------------------------------------------
"""


@pytest.mark.parametrize("init", ["  Total init time: ", "  - Init Total: "])
def test_litert_lm_keeps_its_own_definition_from_its_exact_durations(model, init):
    measured = parsed(LitertLm, block(init=init), model)

    tokens = measured.generation
    assert tokens.prefill_ns == 399_049_292
    assert tokens.decode_tokens_per_s == pytest.approx(64 / 4.037520542)
    assert tokens.prefill_tokens_per_s == pytest.approx(128 / 0.399049292)
    assert tokens.time_to_first_token_ns == 399_049_292 + 4_037_520_542 // 64
    assert tokens.rates_are_theirs
    assert measured.load_ns == 911_250_000


def test_the_last_iteration_of_litert_lm_counts_and_those_before_are_warm_up(model):
    output = block(prefill="9s") + "the model wrote something\n" + block()

    assert parsed(LitertLm, output, model).generation.prefill_ns == 399_049_292


@pytest.mark.parametrize(
    ("span", "ns"), [("1m2.5s", 62_500_000_000), ("46.1us", 46_100), ("2h", 7200e9)]
)
def test_a_duration_is_read_in_every_unit(model, span, ns):
    assert parsed(LitertLm, block(prefill=span), model).generation.prefill_ns == ns


def test_litert_lm_is_asked_for_so_many_tokens_and_iterations(command_of):
    argv = command_of(LitertLm, ("backend", "gpu"), generation=ASKED).argv

    assert {
        "--benchmark_prefill_tokens=128",
        "--benchmark_decode_tokens=64",
        "--num_iterations=2",
        "--num_cpu_threads=2",
        "--backend=gpu",
    } < set(argv)


def test_litert_lm_without_turns_is_bad_output(model):
    empty = "BenchmarkInfo:\n  Prefill Turns (Total 0 turns):\n    No prefill turns\n"

    assert refused(LitertLm, empty, model) is FailureReason.BAD_OUTPUT


# All of them


@pytest.mark.parametrize("runner_class", [LlamaBench, LlamaMain, LitertLm])
def test_what_a_program_cannot_generate_is_said_before_it_starts(
    command_of, runner_class
):
    for asked, fact in (
        (None, "makes no plain forward calls"),
        (
            GenerationRequest(prompt_ids=(1, 2), prompt_tokens=2),
            "takes no --prompt-ids",
        ),
    ):
        with pytest.raises(LaunchError, match=fact):
            command_of(runner_class, content=DEPTHS, generation=asked)


@pytest.mark.parametrize("runner_class", [LlamaMain, LitertLm])
def test_a_program_that_begins_with_an_empty_cache_takes_no_depth(
    command_of, runner_class
):
    with pytest.raises(LaunchError, match="empty KV cache, not at depth 1024"):
        command_of(runner_class, generation=DEEP)
