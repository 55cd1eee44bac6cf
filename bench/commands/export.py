"""`pocketbench export`: a model file for the device, without measuring it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pocketbench.bench.records.artifact import Artifact, MemoryFormat

_MOST_NAMES = 5


@click.command()
@click.argument("model")
@click.option(
    "--variant",
    "variants",
    multiple=True,
    help="Export this variant. Repeatable.  [default: float32, int8-dynamic, "
    "int8-static]",
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    help="Export for this engine: lite, executorch, executorch-portable, lite-nnapi, "
    "executorch-coreml, ... (docs/models.md). Repeatable.  [default: lite]",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE[:DTYPE]",
    help="Shape and type of one input, as in `run`. Repeatable.  [default: the "
    "model's example]",
)
@click.option(
    "--memory-format",
    type=click.Choice(["contiguous", "channels-last"]),
    help="Memory layout of image inputs, for every variant.  [default: contiguous]",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of weights and inputs."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Write MODEL-VARIANT.ptl files to this folder.  [default: here]",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the facts of each file as JSON."
)
def export(
    model: str,
    variants: tuple[str, ...],
    engines: tuple[str, ...],
    inputs: tuple[str, ...],
    memory_format: MemoryFormat | None,
    seed: int,
    output: Path,
    as_json: bool,
) -> None:
    """Export MODEL as the files a phone loads, and say what each variant changed."""
    import msgspec

    from pocketbench.bench.errors import ExportError
    from pocketbench.bench.models.exporting.child import export_process
    from pocketbench.bench.models.exporting.library import export as export_variant
    from pocketbench.bench.planning.make_plan import plan_models
    from pocketbench.bench.planning.run_options import RunOptions

    options = RunOptions(
        models=(model,),
        variants=variants,
        engines=engines or None,
        inputs=inputs,
        memory_format=memory_format,
    )
    requests = plan_models(options).models
    output.mkdir(parents=True, exist_ok=True)
    process = click.get_current_context().with_resource(export_process())
    made, refused = 0, 0
    for request, variant in ((r, v) for r in requests for v in r.variants):
        try:
            artifact = export_variant(
                request,
                variant,
                seed=seed,
                progress=lambda text: click.echo(text, err=True),
                process=process,
            )
        except ExportError as error:
            refused += 1
            click.echo(f"Error: {error}".rstrip(". "), err=True)
            continue
        made += 1
        target = output / f"{request.name}-{variant}.{artifact.format}"
        shutil.copyfile(artifact.path, target)
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(artifact) + b"\n")
            continue
        click.echo(f"{target}: {_described(artifact)}")
        for warning in _warnings(artifact):
            click.echo(f"Warning: {request.name} {variant}: {warning}", err=True)
    if refused:
        click.echo(f"{refused} of {made + refused} variants were refused", err=True)
        sys.exit(3)


def _described(artifact: Artifact) -> str:
    """Size, quality, and what the variant changed, on one line."""
    from pocketbench.bench.judge.output_quality import quality_text
    from pocketbench.bench.units import format_size

    facts, error = artifact.export, artifact.output_error
    quality = f", {quality_text(error)}" if error is not None else ""
    parts = [f"{format_size(artifact.size_bytes)}{quality}", facts.changed]
    if facts.compute_dtypes:
        parts.append(f"computes in {' and '.join(facts.compute_dtypes)}")
    if facts.kept_float:
        shown = ", ".join(facts.kept_float[:_MOST_NAMES])
        more = len(facts.kept_float) - _MOST_NAMES
        rest = f" and {more} more" if more > 0 else ""
        parts.append(f"in float32: {shown}{rest}")
    if facts.state:
        parts.append(f"keeps a state between calls ({', '.join(facts.state)})")
    return "; ".join(parts)


def _warnings(artifact: Artifact) -> tuple[str, ...]:
    from pocketbench.bench.judge.output_quality import output_warnings

    return output_warnings(artifact.output_error) if artifact.output_error else ()
