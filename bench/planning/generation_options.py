"""What `pocketbench generate`, or a suite of that kind, asks of each launch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.bench.errors import UsageError
from pocketbench.bench.planning.run_options import given
from pocketbench.bench.planning.zoo_names import ZOO, zoo_entry
from pocketbench.bench.records.generation import Generation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pocketbench.bench.planning.run_options import RunOptions
    from pocketbench.bench.records.plan import ModelRequest

_MOST_TOKENS = 1 << 20
_SEPARATOR = re.compile(r"[\s,]+")


def parse_generation(options: RunOptions) -> Generation | None:
    """Read the options of a generation; `None` where none was asked for.

    Raises:
        UsageError: A number is out of range, contradicts another one, or belongs to a
            run of another kind.
    """
    if options.kind is None:
        for name, value in (
            ("prompt_tokens", options.prompt_tokens),
            ("new_tokens", options.new_tokens),
            ("kv_depths", options.kv_depths),
            ("warmup_generations", options.warmup_generations),
            ("prompt_ids", options.prompt_ids),
            ("perplexity", options.perplexity),
        ):
            if value is not None:
                raise UsageError(
                    f"{name} in [workload]",
                    "is for models that generate",
                    'Add kind = "generate"',
                )
        return None
    _check_beside(options)
    usual = Generation()
    prompt_ids, scored_ids = usual.prompt_ids, usual.scored_ids
    prompt_tokens = given(options.prompt_tokens, usual.prompt_tokens)
    if options.prompt_ids is not None:
        prompt_ids = _token_ids("--prompt-ids", options.prompt_ids)
        if options.prompt_tokens not in (None, len(prompt_ids)):
            raise UsageError(
                f"--prompt-tokens {options.prompt_tokens}",
                f"contradicts --prompt-ids, which are {len(prompt_ids)}",
                "Give one of the two",
            )
        prompt_tokens = len(prompt_ids)
    if options.perplexity is not None:
        scored_ids = _token_ids("--perplexity", options.perplexity, least=2)
    generation = Generation(
        prompt_tokens=prompt_tokens,
        new_tokens=given(options.new_tokens, usual.new_tokens),
        kv_depths=tuple(dict.fromkeys(given(options.kv_depths, usual.kv_depths))),
        warmup_generations=given(options.warmup_generations, usual.warmup_generations),
        prompt_ids=prompt_ids,
        scored_ids=scored_ids,
    )
    _check_range("--prompt-tokens", generation.prompt_tokens, 1)
    # One token has no time to the next.
    _check_range("--new-tokens", generation.new_tokens, 2)
    _check_range("--warmup-generations", generation.warmup_generations, 0)
    for depth in generation.kv_depths:
        _check_range("--kv-depth", depth, 0)
    return generation


def _check_beside(options: RunOptions) -> None:
    for option, is_given in (
        ("iterations", options.iterations is not None),
        ("warm-up iterations", options.warmup_iterations is not None),
        ("min_duration", bool(options.min_duration or options.min_duration_s)),
        ("--profile", options.profile is not None),
        ("--check", bool(options.check)),
    ):
        if is_given:
            raise UsageError(
                f"a generation with {option}",
                "is not possible: a launch generates one sequence of tokens",
                "Leave it out; --new-tokens says how long a launch is",
            )


def _check_range(option: str, value: int, least: int) -> None:
    if not least <= value <= _MOST_TOKENS:
        raise UsageError(
            f"{option} {value}",
            f"is not between {least} and {_MOST_TOKENS}",
            "Give another number",
        )


def _token_ids(option: str, text: str, *, least: int = 1) -> tuple[int, ...]:
    """Numbers between commas or spaces, as they are or in a file.

    Raises:
        UsageError: Something else is among them, or there are too few.
    """
    words = text
    if not re.fullmatch(r"[\d,\s]*", text):
        try:
            words = Path(text).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{option} {text}",
                f"is neither numbers nor a file of them ({type(error).__name__})",
                "Write 1,15043,29892, or give a text file of such numbers",
            ) from error
    found = [word for word in _SEPARATOR.split(words) if word]
    wrong = next((x for x in found if not re.fullmatch(r"\d{1,9}", x)), None)
    if wrong is not None or len(found) < least:
        few = f"holds {len(found)} tokens, fewer than {least}" if found else "is empty"
        fact = f"holds {wrong[:40]!r}, which is no token id" if wrong else few
        raise UsageError(
            f"{option} {text[:80]}", fact, "Write whole numbers between commas"
        )
    return tuple(map(int, found))


def refuse_what_never_generates(requests: Iterable[ModelRequest]) -> None:
    """Refuse the zoo's other models before an export has shown what they are.

    Raises:
        UsageError: Names one that is no decoder.
    """
    decoders = [name for name, entry in ZOO.items() if entry.is_decoder]
    for request in requests:
        entry = zoo_entry(request.source)
        if entry is not None and not entry.is_decoder:
            raise UsageError(
                request.name,
                "is no decoder: it takes no tokens and no position",
                f"Choose from {', '.join(decoders)}, or measure its forward call with "
                "`pocketbench run`",
            )
