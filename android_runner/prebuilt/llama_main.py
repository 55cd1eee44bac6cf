"""ExecuTorch's `llama_main` as a runner of models that generate.

Its statistics are whole milliseconds in one line, `PyTorchObserver {...}`
(extension/llm/runner/stats.h). The decode steps and their time are in it, so that the
decode speed is ours; the time to first token has the tokenizing in it and stays theirs.
Its prompt is text: how many tokens that is, it says afterwards.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import msgspec

from pocketbench.android_runner.failures.failure_words import why_it_ended
from pocketbench.android_runner.prebuilt.generation_request import generation_of
from pocketbench.android_runner.prebuilt.given_programs import GivenRunner, start
from pocketbench.android_runner.prebuilt.output_parsing import NUMBER, exact, lines_of
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.generation import GeneratedTokens, GenerationRequest
from pocketbench.bench.records.launch import Measurement, Memory
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import CommandResult
    from pocketbench.bench.records.runner import Command, LaunchRequest

NAME = "llama_main"
_TOKENIZER = "tokenizer"
_OPTIONS = ("prompt", "data_path", "temperature", "num_bos", "num_eos")
_MARK = "PyTorchObserver "
_RSS = re.compile(rf"RSS after (?P<what>[a-z ]+): (?P<mib>{NUMBER}) MiB")

_RULES = (
    (FailureReason.BAD_FLAGS, r"unknown command line flag|illegal value"),
    (FailureReason.MISSING_BACKEND, r"Backend \S+ is not registered"),
    (FailureReason.MISSING_OPERATOR, r"Missing operator|kernel '\S+' not found"),
    (FailureReason.NOT_FOUND, r"Failed to open|No such file"),
    (
        FailureReason.NOT_LOADABLE,
        r"Failed to (create llama runner|load)|tokenizer.*(invalid|Failed)",
    ),
    (FailureReason.MODEL_RAISED, r"exceeded|Failed to (warmup|generate|encode)"),
)

_Stamp = Annotated[int, msgspec.Meta(ge=0, le=1 << 60)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class _Statistics(Value, frozen=True, kw_only=True):
    prompt_tokens: _Count
    generated_tokens: _Count
    model_load_start_ms: _Stamp
    model_load_end_ms: _Stamp
    inference_start_ms: _Stamp
    inference_end_ms: _Stamp
    first_token_ms: _Stamp
    units_per_s: Annotated[int, msgspec.Meta(gt=0, le=10**9)] = msgspec.field(
        name="SCALING_FACTOR_UNITS_PER_SECOND", default=1000
    )


class LlamaMain(GivenRunner):
    """Builds the program's flags and reads its statistics, in every version."""

    name = NAME
    formats = frozenset({"pte"})
    options = _OPTIONS
    files = (_TOKENIZER,)
    can_generate = True

    def command(self, request: LaunchRequest) -> Command:
        """The command line of one launch: greedy, past any end token it can ignore.

        Raises:
            LaunchError: A depth, given ids, or no tokenizer.
        """
        asked = generation_of(request, NAME, takes_depth=False)
        given = self._programs.of(request)
        tokenizer = given.file(_TOKENIZER)
        if tokenizer is None:
            raise LaunchError(
                FailureReason.BAD_FLAGS,
                NAME,
                "has no tokenizer",
                remedy=f"Give the model's: --runner-option {NAME}.tokenizer=PATH",
            )
        remote = next(x for x in request.libraries if x.sha256 == tokenizer.sha256)
        # In most vocabularies the word is one token.
        prompt = given.option("prompt") or " the" * asked.prompt_tokens
        flags = [
            f"--model_path={request.model_path}",
            f"--tokenizer_path={remote.remote_path}",
            f"--prompt={prompt}",
            f"--cpu_threads={request.threads}",
            f"--temperature={given.option('temperature') or 0}",
            f"--seq_len={asked.prompt_tokens + asked.new_tokens}",
        ]
        if given.holds("max_new_tokens"):
            flags.append(f"--max_new_tokens={asked.new_tokens}")
        if given.holds("ignore_eos"):
            flags.append("--ignore_eos=true")
        if asked.warmup_generations:
            flags.append("--warmup=true")
        flags += given.flags(("data_path", "num_bos", "num_eos"))
        return start(request, *flags)

    def parse(
        self, result: CommandResult, artifact: Artifact, request: LaunchRequest
    ) -> Measurement:
        """Read its line of statistics.

        Raises:
            LaunchError: It did not measure; classified, with the raw words.
        """
        subject = f"{artifact.model} {artifact.variant}"
        asked = generation_of(request, NAME, takes_depth=False)
        lines = [*lines_of(result.stdout), *lines_of(result.stderr)]
        # What the model writes may stand before it on the line.
        found = [line.partition(_MARK)[2] for line in lines if _MARK in line]
        if result.failed or not found:
            raise why_it_ended(result, lines, _RULES, subject=subject)
        try:
            statistics = msgspec.json.decode(found[-1], type=_Statistics)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise LaunchError(
                FailureReason.BAD_OUTPUT, subject, f"printed no statistics ({error})"
            ) from error
        unit_ns = 10**9 // statistics.units_per_s
        load = statistics.model_load_end_ms - statistics.model_load_start_ms
        rss = _resident_bytes(lines)
        return Measurement(
            load_ns=load * unit_ns if load > 0 else None,
            latency_resolution_ns=unit_ns,
            memory=Memory(rss_after_load_bytes=rss.get("loading model")),
            generation=_tokens(asked, statistics, unit_ns, rss.get("prompt prefill")),
        )


def _tokens(
    asked: GenerationRequest, found: _Statistics, unit_ns: int, rss_bytes: int | None
) -> GeneratedTokens:
    """Older releases do not count the first token, newer ones do.

    One that generated all it was asked for made one step fewer than tokens, whatever it
    counts; of one that stopped early nobody knows.
    """
    is_whole = found.generated_tokens in (asked.new_tokens, asked.new_tokens - 1)
    steps = asked.new_tokens - 1 if is_whole else found.generated_tokens
    first_ns = (found.first_token_ms - found.inference_start_ms) * unit_ns
    decode_ns = (found.inference_end_ms - found.first_token_ms) * unit_ns
    has_first = first_ns > 0
    return GeneratedTokens(
        prompt_tokens=found.prompt_tokens,
        new_tokens=asked.new_tokens if is_whole else found.generated_tokens,
        stopped_early=not is_whole,
        time_to_first_token_ns=first_ns if has_first else None,
        prefill_tokens_per_s=1e9 * found.prompt_tokens / first_ns
        if has_first
        else None,
        decode_tokens_per_s=1e9 * steps / decode_ns if decode_ns > 0 else None,
        rates_are_theirs=True,
        rss_after_prefill_bytes=rss_bytes,
    )


def _resident_bytes(lines: Sequence[str]) -> dict[str, int]:
    """What it reports of its own memory; 0 is `unsupported`."""
    found = (match for line in lines if (match := _RSS.search(line)))
    sizes = {m["what"]: int((exact(m["mib"]) or Decimal(0)) * 2**20) for m in found}
    return {what: size for what, size in sizes.items() if 0 < size < 1 << 60}
