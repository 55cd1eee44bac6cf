"""`pocketbench generate`: tokens per second and time to first token."""

from __future__ import annotations

import re
import sys

import click
from msgspec.structs import replace

from pocketbench.bench.commands import options as shared
from pocketbench.bench.commands.run import run, under_suite
from pocketbench.bench.commands.typed_command import OptionsCommand
from pocketbench.bench.planning.run_options import RunOptions

_OF_FORWARD_CALLS = {
    "check",
    "heap",
    "inputs",
    "iterations",
    "memory_format",
    "min_accuracy",
    "min_duration",
    "min_sqnr_db",
    "min_top1_agreement",
    "profile",
    "resume",
    "trust",
    "warmup_iterations",
}
"""Options of `run` that say nothing about a generation; a stopped one is resumed by
`run --resume`, as any run is."""


def _depths(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> tuple[int, ...]:
    words = [word.strip() for text in given for word in text.split(",")]
    wrong = next((x for x in words if not re.fullmatch(r"\d{1,9}", x)), None)
    if wrong is not None:
        from pocketbench.bench.errors import UsageError

        raise UsageError(
            f"--kv-depth {wrong}",
            "is no number of tokens",
            "Write whole numbers between commas: --kv-depth 0,1024",
        )
    return tuple(map(int, words))


@click.command(cls=OptionsCommand, options=RunOptions)
@click.option("--prompt-tokens", type=int, help="Tokens of the prompt.  [default: 128]")
@click.option(
    "--new-tokens", type=int, help="Tokens that each launch generates.  [default: 64]"
)
@click.option(
    "--kv-depth",
    "kv_depths",
    multiple=True,
    callback=_depths,
    metavar="TOKENS[,TOKENS]",
    help="Tokens in the KV cache when the prompt comes: 0,1024. Each depth is compared "
    "with the baseline of the same depth.  [default: 0]",
)
@click.option(
    "--warmup-generations",
    type=int,
    help="Whole generations before the measured one of each launch.  [default: 1]",
)
@click.option(
    "--prompt-ids",
    metavar="IDS",
    help="Token ids of the prompt, 1,15043,29892, or a text file of them.  "
    "[default: random ids of the seed]",
)
@click.option(
    "--perplexity",
    metavar="IDS",
    help="Report how likely each model finds these tokens, each after those before it. "
    "Token ids as in --prompt-ids.",
)
@click.option(
    "--variant",
    "variants",
    multiple=True,
    help="Build this variant: float32, int8-dynamic, 8da4w. Repeatable.  "
    "[default: float32 and what the model has besides]",
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="ENGINE",
    help="Run on this engine: executorch, executorch-portable, ... (docs/models.md). "
    "Repeatable.  [default: executorch]",
)
@click.option("--quick", is_flag=True, help="Take rough numbers: 3 blocks.")
@shared.gate_on("decode")
def generate(options: RunOptions) -> None:
    """Measure MODELs that generate: decode tokens/s and time to first token.

    One launch is one process: load, warm up, prefill the prompt, decode with one time
    stamp per token. MODEL is tiny_llama-15m, tiny_llama-110m, a .pte file as
    ExecuTorch's llama export makes it, or a suite .toml file. docs/generate.md has the
    formulas.

    \b
    pocketbench generate tiny_llama-15m --device host --variant float32 --variant 8da4w
    pocketbench generate llama.pte --prompt-tokens 512 --kv-depth 0,1024
    pocketbench generate tiny_llama-15m --gate-on decode,ttft --fail-on regression
    """
    from pocketbench.bench.commands.run_flow import run_main_job

    sys.exit(run_main_job(replace(under_suite(options), kind="generate")))


_own = {param.name for param in generate.params}
# Behind its own options those of any run.
generate.params.insert(0, run.params[0])
generate.params += [
    param
    for param in run.params[1:]
    if param.name not in _OF_FORWARD_CALLS and param.name not in _own
]
