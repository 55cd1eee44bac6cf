from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketbench.android_runner.auxiliary_output import read_spin
from pocketbench.android_runner.own import NullRunner
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.judge.generation import generation_values
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.elf import read_elf
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.generation import GenerationRequest
from tests.android_runner.launching import Launcher

GOLDEN = Path(__file__).with_name("golden") / "null.jsonl"
pytestmark = pytest.mark.needs("compiler")


@pytest.fixture(scope="module")
def null(model: Artifact) -> Launcher:
    return Launcher(NullRunner((), lambda text: None), model)


def test_it_answers_with_the_real_times_of_an_empty_call(null: Launcher) -> None:
    result = null.run("/no/model", warmup=3, iterations=1000)
    measured = null.parse(result)
    assert len(measured.warmup_latencies_ns) == 3
    assert len(measured.latencies_ns) == 1000
    assert 0 < sum(measured.latencies_ns) < result.duration_ns
    assert len(set(measured.latencies_ns)) > 1
    assert measured.runtime_version == "none"
    assert measured.threads == 1


def test_what_it_prints_has_the_form_of_the_golden_output(null: Launcher) -> None:
    def form(output: bytes) -> str:
        text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", output.decode())
        return re.sub(r"\b\d+\b", "N", text)

    result = null.run("/no/model", warmup=2, iterations=3)
    assert form(result.stdout) == form(GOLDEN.read_bytes())


def test_the_golden_output_is_read(model: Artifact) -> None:
    result = CommandResult(stdout=GOLDEN.read_bytes(), stderr=b"", exit_code=0)
    runner = NullRunner((), lambda text: None)
    assert runner.parse(result, model).latencies_ns == (20, 30, 20)


def test_each_token_comes_after_the_last_of_the_prompt(null: Launcher) -> None:
    asked = GenerationRequest(prompt_ids=(7, 997), new_tokens=5, kv_depth=3000)
    made = null.generate("/no/model", asked).generation
    assert made is not None
    assert made.token_ids == (998, 999, 0, 1, 2)
    assert made.token_ns == tuple(sorted(made.token_ns))
    assert (made.prompt_tokens, made.kv_depth) == (2, 3000)
    assert not made.stopped_early


def test_a_prompt_of_the_seed_is_the_same_each_time(null: Launcher) -> None:
    asked = GenerationRequest(prompt_tokens=600, new_tokens=1)
    found = [null.generate("/no/model", asked).generation for _ in range(2)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].token_ids == found[1].token_ids
    assert found[0].rss_after_prefill_bytes is not None


def test_it_finds_all_tokens_equally_likely(null: Launcher) -> None:
    asked = GenerationRequest(scored_ids=(3, 1, 2), prompt_tokens=4, new_tokens=2)
    measured = null.generate("/no/model", asked)
    values = generation_values(measured.generation)
    assert values["perplexity_tokens"] == pytest.approx(1000, rel=1e-5)
    with pytest.raises(LaunchError, match="token id 1000 of the scored tokens"):
        null.generate("/no/model", GenerationRequest(scored_ids=(3, 1000)))


def test_generations_go_on_for_a_time_as_steps_of_tokens(null: Launcher) -> None:
    asked = GenerationRequest(prompt_tokens=8, new_tokens=4)
    measured = null.generate("/no/model", asked, sustained_s=0.1)
    assert measured.generation is not None
    assert len(measured.generation.token_ns) == 4
    assert len(measured.latencies_ns) == len(measured.gaps_ns) > 30
    assert sum(measured.latencies_ns) + sum(measured.gaps_ns) > 0.09e9
    # The prompt stands before every third step.
    steps, prompts = measured.gaps_ns[1::3], measured.gaps_ns[::3]
    if measured.kept_every == 1:
        assert set(steps) == {0}
        assert min(prompts) > 0
    assert measured.began_uptime_ns is not None


@pytest.mark.parametrize(
    ("asked", "fact"),
    [
        (
            GenerationRequest(prompt_ids=(3, 1000)),
            "token id 1000 of the prompt is not in the vocabulary of 1000 tokens",
        ),
        (
            GenerationRequest(prompt_tokens=96, new_tokens=1, kv_depth=4000),
            "depth 4000, 96 prompt tokens and 1 new tokens are more than the context "
            "of 4096 tokens",
        ),
    ],
)
def test_what_a_decoder_cannot_do_is_refused(
    null: Launcher, asked: GenerationRequest, fact: str
) -> None:
    with pytest.raises(LaunchError) as caught:
        null.generate("/no/model", asked)
    assert caught.value.reason is Reason.NOT_GENERATING
    assert caught.value.fact == fact


@pytest.mark.parametrize("ids", ["", "1,", "1,x", "-1"])
def test_a_prompt_of_anything_but_numbers_is_refused(null: Launcher, ids: str) -> None:
    flags = ("--model", "m", "--generate", "--prompt-ids", ids)
    result = null.device.run((null.installed[0].remote_path, *flags), timeout_s=60)
    with pytest.raises(LaunchError) as caught:
        null.parse(result)
    assert caught.value.reason is Reason.BAD_FLAGS


def test_the_seal_fits_outputs_of_every_length(null: Launcher) -> None:
    for iterations in range(1, 70):
        measured = null.measure("/no/model", warmup=0, iterations=iterations)
        assert len(measured.latencies_ns) == iterations


def test_it_is_linked_statically_and_needs_no_library(null: Launcher) -> None:
    assert read_elf(Path(null.program.executable.path)).libc == "static"
    assert null.program.libraries == ()


def test_it_runs_in_an_empty_environment_from_any_folder(
    null: Launcher, tmp_path: Path
) -> None:
    copy = tmp_path / "a program"
    shutil.copy2(null.program.executable.path, copy)
    done = subprocess.run(
        [copy, "--model", "x"], env={}, cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 0
    assert done.stderr == b""


def test_a_static_program_serves_phones_of_this_abi_whatever_their_c_library(
    null: Launcher,
) -> None:
    phone = msgspec.structs.replace(null.info, id="android:1", libc="bionic")
    assert null.runner.program(phone).executable == null.program.executable


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.binary(min_size=1, max_size=40).filter(lambda x: b"\0" not in x))
def test_any_bytes_in_a_flag_come_back_as_valid_json(
    null: Launcher, word: bytes
) -> None:
    path = null.installed[0].remote_path.encode()
    done = subprocess.run([path, b"--" + word], capture_output=True)
    result = CommandResult(
        stdout=done.stdout, stderr=done.stderr, exit_code=done.returncode
    )
    if word in (b"help", b"capabilities"):
        return
    with pytest.raises(LaunchError) as caught:
        null.parse(result)
    assert caught.value.reason is Reason.BAD_FLAGS

    def as_given(text: str) -> str:
        return re.sub("\N{REPLACEMENT CHARACTER}+", "?", " ".join(text.split()))

    expected = as_given(f"--{word.decode('utf-8', 'replace')}: no such flag")
    assert as_given(caught.value.fact).startswith(expected[:40].rstrip())


def test_help_names_every_flag(null: Launcher) -> None:
    result = null.device.run((null.installed[0].remote_path, "--help"), timeout_s=10)
    for flag in (
        *("model", "warmup", "iterations", "min-duration-ms", "gaps", "threads"),
        *("heap", "seed", "input"),
    ):
        assert f"--{flag} ".encode() in result.stdout


def test_a_heap_that_nobody_knows_is_refused(null: Launcher) -> None:
    program = null.installed[0].remote_path
    result = null.device.run((program, "--model", "x", "--heap", "big"), timeout_s=10)
    with pytest.raises(LaunchError, match="'big' is neither steady nor system"):
        null.parse(result)


@pytest.mark.parametrize(
    "spec", ["float32", ":1x2", "float32:1x", "float32:x1", "a:-1"]
)
def test_an_input_that_is_no_spec_is_refused(null: Launcher, spec: str) -> None:
    program = null.installed[0].remote_path
    result = null.device.run((program, "--model", "x", "--input", spec), timeout_s=10)
    with pytest.raises(LaunchError, match="--input"):
        null.parse(result)


def test_a_reader_that_went_away_ends_it(null: Launcher) -> None:
    program = null.installed[0].remote_path
    with subprocess.Popen(
        [program, "--model", "x", "--iterations", "3000000"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=120) != 0


def test_it_spins_for_at_least_as_long_as_asked(null: Launcher) -> None:
    result = null.device.run(
        [null.installed[0].remote_path, "--spin-ms", "50"], timeout_s=60
    )
    fields = [msgspec.json.decode(line) for line in result.stdout.splitlines()]
    elapsed_ns = fields[1]["spin_elapsed_ns"]
    assert elapsed_ns >= 50_000_000
    assert result.duration_ns > elapsed_ns
    spun = read_spin(result, subject="null")
    assert spun == elapsed_ns / fields[1]["spin_rounds"]
    # A round must be short beside a probe of at least 200 ms.
    assert spun < 10_000_000


def test_a_program_without_operators_says_so(null: Launcher) -> None:
    with pytest.raises(LaunchError) as caught:
        null.observe("/no/model")
    assert caught.value.reason is Reason.NO_OPERATOR_TIMES
    assert caught.value.fact == "its operators cannot be observed"
