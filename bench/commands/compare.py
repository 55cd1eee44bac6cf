"""`pocketbench compare`: two stored runs against each other."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench import registry


@click.command()
@click.argument("baseline", metavar="RUN_A")
@click.argument("candidate", metavar="RUN_B")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(list(registry.REPORTS)),
    help="May be given again; all but the console's go beside RUN_B's file, as "
    "compared-with-RUN_A.  [default: console]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File for the one format given; - for stdout.",
)
@click.option("--json", "as_json", is_flag=True, help="The verdicts on stdout as JSON.")
@click.option(
    "--gate-on",
    multiple=True,
    metavar="METRIC[,METRIC]",
    help="What gets verdicts: latency, p90, p99, throughput, load, first_inference, "
    "peak_memory, model_memory; the others are for information.  "
    "[default: what RUN_B was given]",
)
@click.option(
    "--min-effect",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="The smallest change that matters.  [default: what RUN_B was given]",
)
@click.option(
    "--anyway",
    is_flag=True,
    help="Give verdicts although conditions differed between the two sides.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["regression", "inconclusive", "never"]),
    default="never",
    show_default=True,
    help="Exit 1 on this verdict; needs --accept-drift.",
)
@click.option(
    "--accept-drift",
    is_flag=True,
    help="Fail although whatever changed on a device between the runs is in the ratio.",
)
@click.option(
    "--runs",
    "runs_folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
)
def compare(
    baseline: str,
    candidate: str,
    formats: tuple[str, ...],
    output: Path | None,
    as_json: bool,
    gate_on: tuple[str, ...],
    min_effect: float | None,
    anyway: bool,
    fail_on: str,
    accept_drift: bool,
    runs_folder: Path,
) -> None:
    """Compare RUN_B with RUN_A: folders, ids, or `last`.

    They were measured apart, so heat, clocks and other work on the device may differ
    between them and drift is not controlled: for a gate, measure both builds in one
    run. Nothing is measured here. Where the OS build, the runner, the clocks' caps or
    charging differ, there is no verdict unless you say --anyway.
    """
    from bench.commands.comparing import compare_and_show
    from bench.errors import UsageError
    from bench.gates import parse_gates
    from bench.measure.store import find_run, read_run

    if fail_on != "never" and not accept_drift:
        raise UsageError(
            f"--fail-on {fail_on}",
            "two runs measured apart do not control drift, so they are no gate",
            "Measure both builds in one run, or say --accept-drift",
        )
    if as_json:
        formats, output = ("json",), output or Path("-")
    code = compare_and_show(
        read_run(find_run(baseline, runs_folder)),
        read_run(find_run(candidate, runs_folder)),
        formats=formats,
        output=output,
        gate=parse_gates(gate_on),
        min_effect=min_effect,
        anyway=anyway,
        fail_on=fail_on,
    )
    sys.exit(code)
