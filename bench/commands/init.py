"""`pocketbench init`: a first suite file, from six questions."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.option("--yes", is_flag=True, help="Take the proposed answers without asking.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("performance.toml"),
    show_default=True,
    help="Write this suite file.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def init(yes: bool, output: Path, force: bool) -> None:
    """Write a suite file by asking six questions.

    \b
    pocketbench init
    pocketbench run performance.toml
    """
    from pocketbench.bench.errors import PocketbenchError, UsageError
    from pocketbench.bench.planning.make_plan import make_plan
    from pocketbench.bench.planning.run_options import RunOptions

    if output.exists() and not force:
        raise UsageError(
            str(output), "exists already", "Say --force, or another --output"
        )

    def ask(question: str, proposed: str) -> str:
        if yes:
            return proposed
        answer: str = click.prompt(question, default=proposed, err=True)
        return answer

    text = suite_text(
        model=ask("1/6 Model (zoo name, MODULE:FACTORY or file)", "mobilenet_v2"),
        shape=ask("2/6 Input shape, such as 1x3x64x64 (-: the model's example)", "-"),
        variants=ask("3/6 Builds to compare", "float32, int8-dynamic, int8-static"),
        devices=ask("4/6 Devices (see `pocketbench devices`)", "host, android:*"),
        blocks=ask("5/6 Launches of each build", "10"),
        percent=ask("6/6 Smallest change that matters, in per cent", "2"),
    )
    before = output.read_bytes() if output.exists() else None
    output.write_text(text, "utf-8")
    try:
        make_plan(RunOptions(models=(str(output),)))
    except PocketbenchError:
        output.unlink()
        if before is not None:
            output.write_bytes(before)
        raise
    click.echo(f"{output}: written. Next: pocketbench run {output}")


def suite_text(
    *, model: str, shape: str, variants: str, devices: str, blocks: str, percent: str
) -> str:
    """The suite file of six answers.

    Raises:
        UsageError: A shape or a number is none.
    """
    from pocketbench.bench.errors import UsageError
    from pocketbench.bench.planning.input_options import parse_input

    try:
        count, effect = int(blocks), float(percent) / 100
    except ValueError as error:
        raise UsageError(
            f"{blocks}, {percent}", "are not two numbers", "Give 10 and 2, say"
        ) from error
    inputs = ""
    if shape.strip() not in ("", "-"):
        parse_input(shape)
        sizes, _, dtype = shape.partition(":")
        dimensions = [
            [int(x) for x in size.split(",")] if "," in size else int(size)
            for size in sizes.split("x")
        ]
        inputs = (
            f"inputs = [{{ shape = {json.dumps(dimensions)}, "
            f"dtype = {json.dumps(dtype or 'float32')} }}]\n"
        )
    builds = _listed(variants)
    return f"""\
[workload]
blocks = {count}                # launches of each build; each is one process start

[[model]]
source = {json.dumps(model)}
{inputs}variants = {json.dumps(builds)}
baseline = {json.dumps(builds[0])}

[devices]
select = {json.dumps(_listed(devices))}

[gate]
min_effect = {effect:g}            # the smallest change that matters

# A budget gets a verdict of its own (within, over, undecided); --fail-on budget
# makes it count:
# [[budget]]
# metric = "p90"
# at_most = "20 ms"
"""


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
