"""llama.cpp's `llama-bench` as a runner of models that generate.

It prints the time of a whole test and no stamps. Two of its tests give our figures: the
prompt at the depth asked for is the time to first token, and n - 1 single tokens behind
that prompt are the decode steps between n tokens. Its options are a product, so that it
runs both tests at both depths; the other two are not looked at. Its tokens are random
and it samples none. See tools/llama-bench/llama-bench.cpp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from pocketbench.android_runner.failures.failure_words import why_it_ended
from pocketbench.android_runner.prebuilt.delegation import check_delegated
from pocketbench.android_runner.prebuilt.generation_request import generation_of
from pocketbench.android_runner.prebuilt.given_programs import GivenRunner, start
from pocketbench.android_runner.prebuilt.output_parsing import lines_of
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.generation import GeneratedTokens, GenerationRequest
from pocketbench.bench.records.launch import Delegation, Measurement
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import CommandResult
    from pocketbench.bench.records.runner import Command, LaunchRequest

NAME = "llama_bench"
_DEPTH_FLAG = "--n-depth"
"""Since April 2025."""
_OPTIONS = (
    "batch_size",
    "ubatch_size",
    "cache_type_k",
    "cache_type_v",
    "cpu_mask",
    "cpu_strict",
    "poll",
    "n_gpu_layers",
    "n_cpu_moe",
    "split_mode",
    "main_gpu",
    "no_kv_offload",
    "flash_attn",
    "device",
    "mmap",
    "load_mode",
    "numa",
    "prio",
    "repack",
)
"""Flags passed on as the user wrote them, `_` as `-`."""

_OF_THE_CPU = frozenset({"CPU", "BLAS", "RPC"})

_RULES = (
    (FailureReason.BAD_FLAGS, r"error: invalid parameter for argument"),
    (FailureReason.OUT_OF_MEMORY, r"failed to allocate|unable to allocate"),
    (FailureReason.NOT_FOUND, r"failed to open|No such file"),
    (
        FailureReason.NOT_LOADABLE,
        r"failed to load model|error loading model|invalid magic|unknown model arch",
    ),
    (FailureReason.MODEL_RAISED, r"failed to (create context|decode|run)"),
)

_Ns = Annotated[int, msgspec.Meta(gt=0, le=1 << 60)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class _Test(Value, frozen=True, kw_only=True):
    """One line of `-o jsonl`: what it ran, and how long each repetition took."""

    n_prompt: _Count
    n_gen: _Count
    n_depth: _Count = 0
    n_threads: _Count | None = None
    samples_ns: Annotated[tuple[_Ns, ...], msgspec.Meta(min_length=1)]
    build_commit: str = ""
    build_number: _Count | None = None
    backends: str = ""
    """Those the program was built with: `CPU`, `Vulkan`, `Metal,BLAS`."""


class LlamaBench(GivenRunner):
    """Builds the program's flags and reads its tests."""

    name = NAME
    formats = frozenset({"gguf"})
    options = _OPTIONS
    can_generate = True

    def command(self, request: LaunchRequest) -> Command:
        """The command line of one launch, each test once.

        Raises:
            LaunchError: It has no depth, or was to generate from given ids.
        """
        asked = generation_of(request, NAME)
        given = self._programs.of(request)
        flags = [
            *("-m", request.model_path, "-t", f"{request.threads}"),
            *("-p", f"{asked.prompt_tokens}", "-n", f"{asked.new_tokens - 1}"),
            *("-r", "1", "-o", "jsonl"),
        ]
        if given.holds(_DEPTH_FLAG):
            flags += ["-d", f"{asked.kv_depth},{asked.kv_depth + asked.prompt_tokens}"]
        elif asked.kv_depth:
            raise LaunchError(
                FailureReason.BAD_FLAGS, NAME, f"this release has no {_DEPTH_FLAG}"
            )
        if asked.warmup_generations == 0:
            flags.append("--no-warmup")
        for name in _OPTIONS:
            for value in given.options(name):
                flags += [f"--{name.replace('_', '-')}", value]
        return start(request, *flags)

    def parse(
        self, result: CommandResult, artifact: Artifact, request: LaunchRequest
    ) -> Measurement:
        """Read the two tests that our figures are made of.

        Raises:
            LaunchError: It did not measure; classified, with the raw words.
        """
        subject = f"{artifact.model} {artifact.variant}"
        asked = generation_of(request, NAME)
        lines = lines_of(result.stdout)
        found = [line for line in lines if line.startswith("{")]
        if result.failed or not found:
            said = [*lines_of(result.stderr), *lines]
            raise why_it_ended(result, said, _RULES, subject=subject)
        try:
            tests = [msgspec.json.decode(line, type=_Test) for line in found]
        except (msgspec.MsgspecError, RecursionError) as error:
            raise LaunchError(
                FailureReason.BAD_OUTPUT, subject, f"printed no whole test ({error})"
            ) from error
        prompt = _test(tests, asked.prompt_tokens, 0, asked.kv_depth)
        # Without depths it decodes into an empty cache: that is another definition.
        behind = asked.kv_depth + asked.prompt_tokens
        has_depths = any(test.n_depth for test in tests)
        decode = _test(tests, 0, asked.new_tokens - 1, behind if has_depths else 0)
        if prompt is None or decode is None:
            raise LaunchError(
                FailureReason.BAD_OUTPUT,
                subject,
                f"printed {len(tests)} tests, not those that were asked for",
            )
        delegations = self._delegations(prompt)
        check_delegated(delegations, subject)
        return Measurement(
            delegations=delegations,
            threads=prompt.n_threads,
            runtime_version=_version(prompt),
            generation=_tokens(asked, prompt, decode, is_converted=has_depths),
        )

    def _delegations(self, test: _Test) -> tuple[Delegation, ...]:
        """That layers were asked to go to a GPU which the program has none for."""
        asked = self._programs.asked("n_gpu_layers") or "0"
        backends = set(test.backends.split(","))
        if not test.backends or backends - _OF_THE_CPU or set(asked) <= set("0,"):
            return ()
        return (Delegation(delegate="GPU", extent="none"),)


def _tokens(
    asked: GenerationRequest, prompt: _Test, decode: _Test, *, is_converted: bool
) -> GeneratedTokens:
    first_ns, decode_ns = prompt.samples_ns[0], decode.samples_ns[0]
    return GeneratedTokens(
        prompt_tokens=asked.prompt_tokens,
        kv_depth=asked.kv_depth,
        new_tokens=asked.new_tokens,
        prefill_ns=first_ns,
        time_to_first_token_ns=first_ns,
        prefill_tokens_per_s=1e9 * asked.prompt_tokens / first_ns,
        decode_tokens_per_s=1e9 * decode.n_gen / decode_ns,
        rates_are_theirs=not is_converted,
    )


def _test(
    tests: Sequence[_Test], n_prompt: int, n_gen: int, n_depth: int
) -> _Test | None:
    wanted = n_prompt, n_gen, n_depth
    found = [x for x in tests if (x.n_prompt, x.n_gen, x.n_depth) == wanted]
    return found[0] if len(found) == 1 else None


def _version(test: _Test) -> str | None:
    if test.build_number is None:
        return None
    return f"llama.cpp b{test.build_number} ({test.build_commit})"
