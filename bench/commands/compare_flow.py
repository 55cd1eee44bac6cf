"""From two stored runs to the reports of the later one against the earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from msgspec.structs import replace

from pocketbench.bench.commands.show_reports import console_report, exit_code
from pocketbench.bench.commands.write_reports import Reports, file_name
from pocketbench.bench.errors import UsageError
from pocketbench.bench.judge.cells import measured_cells
from pocketbench.bench.judge.compare import compare_runs
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import Summary
from pocketbench.bench.records.plan import Workload
from pocketbench.bench.records.run import Run


def compare_and_show(
    base: Run,
    head: Run,
    *,
    formats: tuple[str, ...],
    output: Path | None,
    gate: tuple[str, ...],
    min_effect: float | None,
    allow_mismatch: bool,
    fail_on: str,
    details: bool = False,
) -> int:
    """Write every report, then give the exit code.

    Raises:
        UsageError: The runs have no cell in common, or one output file was named for
            several formats.
    """
    formats = formats or (console_report(details),)
    if output is not None and len(formats) != 1:
        raise UsageError("--output", "takes exactly one --format", "Name one")
    summary = compared(
        base, head, gate=gate, min_effect=min_effect, allow_mismatch=allow_mismatch
    )
    for difference in differences(base, head):
        click.echo(f"Note: {difference}", err=True)
    reports = Reports(summary, fail_on=fail_on)
    for report in formats:
        made = reports.content(report)
        if output is not None and str(output) != "-":
            output.write_bytes(made)
            click.echo(f"Report: {output}", err=True)
        elif output is not None or report in ("console", "details"):
            click.echo(made, nl=not made.endswith(b"\n"))
        else:
            suffix = file_name(report).removeprefix("report")
            name = f"compared-with-{base.started.run_id}{suffix}"
            path = Path(head.folder) / name
            path.write_bytes(made)
            click.echo(f"Report: {path}", err=True)
    return exit_code(summary, fail_on)


def compared(
    base: Run,
    head: Run,
    *,
    gate: tuple[str, ...] = (),
    min_effect: float | None = None,
    allow_mismatch: bool = False,
) -> Summary:
    """The later run's summary with its comparisons against the earlier one.

    Raises:
        UsageError: The runs have no cell in common.
    """
    for run in (base, head):
        if run.started.plan.sustained is not None:
            raise UsageError(
                run.started.run_id,
                "is a sustained run: one process of each variant, nothing to compare",
                "Give runs of blocks; see its time series with `pocketbench report`",
            )
    gate = gate or head.started.plan.gate_on
    effect = min_effect or head.started.plan.min_effect
    comparisons = compare_runs(
        base, head, min_effect=effect, gate=gate, allow_mismatch=allow_mismatch
    )
    if not comparisons:
        raise UsageError(
            f"{base.started.run_id} and {head.started.run_id}",
            "have no model, variant and device in common",
            "Give two runs of the same models on the same devices",
        )
    return replace(
        summarize(head, min_effect=effect, gate=gate),
        comparisons=comparisons,
        compared_with=base.started,
        fleet=(),
        resolutions=(),
    )


def differences(base: Run, head: Run) -> Iterator[str]:
    """What else changed between the runs, besides the conditions of each cell."""
    torch_before, torch_after = (
        run.started.versions.get("torch") for run in (base, head)
    )
    if torch_before != torch_after:
        yield f"torch was {torch_before}, is {torch_after}"
    before, after = (_length(run.started.plan.workload) for run in (base, head))
    if before != after:
        yield f"a launch was {before}, is {after}"
    cells = [measured_cells(run, run.devices) for run in (base, head)]
    for run, mine, other in zip((base, head), cells, reversed(cells), strict=True):
        if alone := [key for key in mine if key not in other]:
            first = f"{alone[0].model} {alone[0].variant_id} on {alone[0].device_id}"
            more = f" and {len(alone) - 1} more" if len(alone) > 1 else ""
            yield f"only {run.started.run_id} has {first}{more}: not compared"


def _length(workload: Workload) -> str:
    if tokens := workload.generation:
        return f"{tokens.prompt_tokens} + {tokens.new_tokens} tokens"
    words = f"{workload.warmup_iterations} + {workload.iterations} iterations"
    if workload.min_duration_s:
        words += f" of at least {workload.min_duration_s:g} s"
    return words
