"""From two stored runs to the reports of the later one against the earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from msgspec.structs import replace

from bench.commands.reports import exit_code
from bench.errors import UsageError
from bench.judge.compare import compare_runs
from bench.judge.summarize import summarize
from bench.judge.summary import Summary
from bench.reporting import FILE_NAMES, render
from bench.run import DeviceReady, Run


def compare_and_show(
    base: Run,
    head: Run,
    *,
    formats: tuple[str, ...],
    output: Path | None,
    gate: tuple[str, ...],
    min_effect: float | None,
    fail_on: str,
) -> int:
    """Write every report, then give the exit code.

    Raises:
        UsageError: The runs have no cell in common, or one output file was named for
            several formats.
    """
    formats = formats or ("console",)
    if output is not None and len(formats) != 1:
        raise UsageError("--output", "takes exactly one --format", "Name one")
    summary = compared(base, head, gate=gate, min_effect=min_effect)
    for difference in differences(base, head):
        click.echo(f"Note: {difference}", err=True)
    for report in formats:
        text = render(summary, report)
        if output is not None and str(output) != "-":
            output.write_text(text, encoding="utf-8")
            click.echo(f"Report: {output}", err=True)
        elif output is not None or report == "console":
            click.echo(text, nl=not text.endswith("\n"))
        else:
            suffix = Path(FILE_NAMES.get(report, f"report.{report}")).suffix
            name = f"compared-with-{base.started.run_id}{suffix}"
            path = Path(head.folder) / name
            path.write_text(text, encoding="utf-8")
            click.echo(f"Report: {path}", err=True)
    return exit_code(summary, fail_on)


def compared(
    base: Run, head: Run, *, gate: tuple[str, ...] = (), min_effect: float | None = None
) -> Summary:
    """The later run's summary with its comparisons against the earlier one.

    Raises:
        UsageError: The runs have no cell in common.
    """
    gate = gate or head.started.plan.gate_on
    effect = min_effect or head.started.plan.min_effect
    comparisons = compare_runs(base, head, min_effect=effect, gate=gate)
    if not comparisons:
        raise UsageError(
            f"{base.started.run_id} and {head.started.run_id}",
            "have no model, variant and device in common",
            "Give two runs of the same models on the same devices",
        )
    return replace(
        summarize(head, min_effect=effect, gate=gate), comparisons=comparisons
    )


def differences(base: Run, head: Run) -> Iterator[str]:
    """What else changed between the runs and is in the ratio."""
    before = {ready.device.id: ready for ready in base.devices}
    for ready in head.devices:
        if ready.device.id not in before:
            continue
        old = _facts(before[ready.device.id])
        for name, new in _facts(ready).items():
            if old[name] != new:
                yield f"{ready.device.name}: {name} was {old[name]}, is {new}"
    torch_before, torch_after = (
        run.started.versions.get("torch") for run in (base, head)
    )
    if torch_before != torch_after:
        yield f"torch was {torch_before}, is {torch_after}"
    loads = [
        (
            run.started.plan.workload.warmup_iterations,
            run.started.plan.workload.iterations,
        )
        for run in (base, head)
    ]
    if loads[0] != loads[1]:
        yield "a launch was {} + {} iterations, is {} + {}".format(*loads[0], *loads[1])


def _facts(ready: DeviceReady) -> dict[str, object]:
    info = ready.device
    return {
        "model": info.model,
        "cores": info.core_count,
        "OS": f"{info.os_version or 'unknown'} {info.build_fingerprint or ''}".strip(),
        "runtime": f"{ready.runner} {ready.runner_version or 'unknown'}",
    }
