"""LiteRT-LM's `litert_lm_advanced_main --benchmark` as a runner.

Its block `BenchmarkInfo:` (runtime/engine/io_types.cc) has the time of the prefill and
of all decode steps. A step yields a token, the first one included, so that its speeds
and its time to first token (the prefill and a mean step) stay theirs.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.android_runner.failures.failure_words import why_it_ended
from pocketbench.android_runner.prebuilt.generation_request import generation_of
from pocketbench.android_runner.prebuilt.given_programs import GivenRunner, start
from pocketbench.android_runner.prebuilt.output_parsing import lines_of
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.generation import GeneratedTokens
from pocketbench.bench.records.launch import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.artifact import Artifact
    from pocketbench.bench.records.device import CommandResult
    from pocketbench.bench.records.runner import Command, LaunchRequest

NAME = "litert_lm"
_OPTIONS = (
    "backend",
    "cache_dir",
    "disable_cache",
    "force_f32",
    "sampler_backend",
    "max_num_tokens",
    "prefill_batch_sizes",
    "litert_dispatch_lib_dir",
    "enable_speculative_decoding",
)
"""Flags passed on as the user wrote them."""

_MARK = "BenchmarkInfo:"
_MOST = 1 << 60
"""Nothing measured is larger: 36 years in nanoseconds."""
_SPAN = r"(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|ns))+"
_TURN = re.compile(
    rf"(?P<kind>Prefill|Decode) Turn \d+: Processed (?P<tokens>\d{{1,12}}) tokens in "
    rf"(?P<span>{_SPAN}) duration"
)
_INIT = re.compile(r"(?:Total init time|Init Total): (?P<ms>\d{1,12}(?:\.\d{1,9})?) ms")
_PART = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>h|ms|m|s|us|ns)")
_UNIT_NS = {
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1000,
    "ns": 1,
}

_RULES = (
    (FailureReason.BAD_FLAGS, r"Unknown command line flag|Illegal value"),
    (FailureReason.NOT_FOUND, r"NOT_FOUND|No such file|Failed to open"),
    (FailureReason.MISSING_BACKEND, r"[Uu]nsupported backend|accelerator.*not"),
    (FailureReason.NOT_LOADABLE, r"Failed to (create|load|build)|INVALID_ARGUMENT"),
    (FailureReason.OUT_OF_MEMORY, r"RESOURCE_EXHAUSTED|out of memory"),
)


class _Turn(NamedTuple):
    tokens: int
    duration_ns: int


class LitertLm(GivenRunner):
    """Builds the program's flags and reads its block of figures."""

    name = NAME
    formats = frozenset({"litertlm"})
    options = _OPTIONS
    can_generate = True

    def command(self, request: LaunchRequest) -> Command:
        """The command line of one launch; warm-up is earlier iterations of it.

        Raises:
            LaunchError: A depth, or given ids.
        """
        asked = generation_of(request, NAME, takes_depth=False)
        given = self._programs.of(request)
        flags = [
            f"--model_path={request.model_path}",
            f"--num_cpu_threads={request.threads}",
            "--benchmark=true",
            f"--benchmark_prefill_tokens={asked.prompt_tokens}",
            f"--benchmark_decode_tokens={asked.new_tokens}",
            f"--num_iterations={1 + asked.warmup_generations}",
        ]
        flags += given.flags(_OPTIONS)
        return start(request, *flags)

    def parse(
        self, result: CommandResult, artifact: Artifact, request: LaunchRequest
    ) -> Measurement:
        """Read its last block: those before it are warm-up.

        Raises:
            LaunchError: It did not measure; classified, with the raw words.
        """
        subject = f"{artifact.model} {artifact.variant}"
        asked = generation_of(request, NAME, takes_depth=False)
        # It prints on standard output, in some releases on the other.
        streams = [lines_of(result.stdout), lines_of(result.stderr)]
        blocks = [block for lines in streams if (block := _last_block(lines))]
        lines = [line for stream in streams for line in stream]
        if result.failed or not blocks:
            raise why_it_ended(result, lines, _RULES, subject=subject)
        prefill, decode = _turn(blocks[0], "Prefill"), _turn(blocks[0], "Decode")
        if prefill is None or decode is None:
            raise LaunchError(
                FailureReason.BAD_OUTPUT,
                subject,
                "recorded no prefill or no decode turn",
            )
        step_ns = decode.duration_ns // decode.tokens
        init = next((m for line in lines if (m := _INIT.search(line))), None)
        return Measurement(
            load_ns=int(Decimal(init["ms"]) * 1_000_000) if init else None,
            generation=GeneratedTokens(
                prompt_tokens=prefill.tokens,
                new_tokens=decode.tokens,
                stopped_early=decode.tokens < asked.new_tokens,
                prefill_ns=prefill.duration_ns,
                time_to_first_token_ns=prefill.duration_ns + step_ns,
                prefill_tokens_per_s=1e9 * prefill.tokens / prefill.duration_ns,
                decode_tokens_per_s=1e9 * decode.tokens / decode.duration_ns,
                rates_are_theirs=True,
            ),
        )


def _last_block(lines: Sequence[str]) -> list[str]:
    starts = [place for place, line in enumerate(lines) if line.strip() == _MARK]
    return list(lines[starts[-1] :]) if starts else []


def _turn(lines: Sequence[str], kind: str) -> _Turn | None:
    """The last turn of a kind that has tokens and took time."""
    found = None
    for line in lines:
        match = _TURN.search(line)
        if match is not None and match["kind"] == kind:
            turn = _Turn(int(match["tokens"]), _span_ns(match["span"]))
            found = turn if 0 < min(turn) <= max(turn) <= _MOST else found
    return found


def _span_ns(text: str) -> int:
    """`4.037520542s`, `399.049292ms`, `1m2.5s`, as absl prints a duration."""
    parts = _PART.finditer(text)
    total = sum(Decimal(part["number"]) * _UNIT_NS[part["unit"]] for part in parts)
    return int(total)
