"""`pocketbench compare`: two stored runs against each other."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pocketbench.bench.commands import options


@click.command()
@click.argument("baseline", metavar="RUN_A")
@click.argument("candidate", metavar="RUN_B")
@options.formats(
    "; all but the console's go beside RUN_B's file, as "
    "compared-with-RUN_A.  [default: console]"
)
@options.output()
@options.verdicts_as_json()
@options.gate_on("what RUN_B was given")
@options.min_effect("what RUN_B was given")
@options.allow_mismatch()
@options.fail_on("; needs --accept-drift")
@options.details()
@click.option(
    "--accept-drift",
    is_flag=True,
    help="Fail on verdicts although drift between the two runs is in their ratio.",
)
@options.runs_folder()
def compare(
    baseline: str,
    candidate: str,
    formats: tuple[str, ...],
    output: Path | None,
    as_json: bool,
    gate_on: tuple[str, ...],
    min_effect: float | None,
    allow_mismatch: bool,
    fail_on: str,
    details: bool,
    accept_drift: bool,
    runs_folder: Path,
) -> None:
    """Compare RUN_B with RUN_A: folders, ids, or `last`.

    They were measured apart, so heat, clocks and other work on the device may differ
    between them and drift is not controlled: for a gate, measure both builds in one
    run. Nothing is measured here. Where the OS build, the runner, the clocks' caps or
    charging differ, there is no verdict unless you say --allow-mismatch.
    """
    from pocketbench.bench.commands.compare_flow import compare_and_show
    from pocketbench.bench.errors import UsageError
    from pocketbench.bench.measure.run_folder import find_run, read_run
    from pocketbench.bench.records.metrics import parse_gates

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
        allow_mismatch=allow_mismatch,
        fail_on=fail_on,
        details=details,
    )
    sys.exit(code)
