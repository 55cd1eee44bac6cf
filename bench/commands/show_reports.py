"""Show a stored run: reports to files, the console's to stdout, an exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pocketbench.bench.commands.large_run import reporting_on
from pocketbench.bench.commands.write_reports import Reports
from pocketbench.bench.errors import UsageError
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import BudgetVerdict, Summary, Verdict
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.records.metrics import parse_gates

if TYPE_CHECKING:
    from pocketbench.bench.history.histories_for_run import RunHistories


def finish(
    folder: Path,
    reports: tuple[str, ...],
    *,
    fail_on: str,
    as_json: bool,
    details: bool = False,
) -> int:
    """Report a run that has just ended; every file is written before the exit code."""
    with reporting_on(folder, draws=True):
        run = read_run(folder)
        summary = summarize(run)
        made = Reports(summary, fail_on=fail_on)
        written = made.write(folder, dict.fromkeys(("html", *reports)))
        click.echo(made.text("json" if as_json else console_report(details)), nl=False)
    for path in written.values():
        click.echo(f"Report: {path}", err=True)
    return exit_code(summary, fail_on)


def console_report(details: bool) -> str:
    """What goes to a terminal."""
    return "details" if details else "console"


def exit_code(summary: Summary, fail_on: str) -> int:
    """0 fine, 1 a verdict or limit that was asked to fail, 3 something is missing."""
    measured = summary.cells or summary.sustained
    verdicts = {
        comparison.verdict
        for comparison in summary.comparisons
        if comparison.verdict is not None
    } | {comparison.verdict for comparison in summary.fleet}
    fails = fail_on not in ("never", "budget")
    if fails and Verdict.REGRESSION in verdicts:
        return 1
    if fail_on == "inconclusive" and Verdict.INCONCLUSIVE in verdicts:
        return 1
    withheld = sum(comparison.is_withheld for comparison in summary.comparisons)
    if fails and withheld:
        click.echo(
            f"--fail-on {fail_on}: {withheld} of the comparisons are under different "
            "conditions and have no verdict to fail on. See what differed, or say "
            "--allow-mismatch",
            err=True,
        )
        return 3
    budgets = {judged.verdict for judged in summary.budgets}
    if fail_on == "budget" and BudgetVerdict.OVER in budgets:
        return 1
    if fail_on == "budget" and (not budgets or BudgetVerdict.NOT_MEASURED in budgets):
        what = "a budget was not measured" if budgets else "no budget is set"
        click.echo(f"--fail-on budget: {what}. See [[budget]] in the suite", err=True)
        return 3
    if any(outputs.missed for outputs in summary.outputs):
        return 1
    if _lacks_checks(summary):
        return 3
    if summary.failures or summary.gates_missing or not measured:
        return 3
    return 0


def _lacks_checks(summary: Summary) -> bool:
    """Whether a check failed, or a limit was asked for that nothing was held to."""
    checks = summary.run.started.plan.outputs
    asked = checks is not None and checks.has_limits
    return any(asked or missing.reason is not None for missing in summary.unchecked)


def stored_reports(
    folder: Path,
    *,
    min_effect: float | None = None,
    gate_on: tuple[str, ...] = (),
    allow_mismatch: bool = False,
    history_folder: str | None = None,
    accepted_path: Path = Path("accepted-changes.toml"),
    fail_on: str = "never",
) -> tuple[Summary, Reports]:
    """Judge a stored run again, beside its history where there is one.

    Raises:
        UsageError: No such metric.
        StoreError: No such run or history.
    """
    run = read_run(folder)
    summary = summarize(
        run,
        min_effect=min_effect,
        gate=parse_gates(gate_on),
        allow_mismatch=allow_mismatch,
    )
    histories: RunHistories = {}
    if history_folder is not None:
        from pocketbench.bench.commands.history_flow import histories_for_run

        histories = histories_for_run(run, history_folder, accepted_path)
    return summary, Reports(summary, histories, fail_on=fail_on)


def show_reports(
    summary: Summary,
    reports: Reports,
    folder: Path,
    formats: tuple[str, ...],
    output: Path | None,
    *,
    fail_on: str = "never",
    details: bool = False,
    is_opened: bool = False,
) -> int:
    """Write a stored run's reports, and give the exit code that was asked for.

    Raises:
        UsageError: One output file for several formats, or no browser.
    """
    code = 0 if fail_on == "never" else exit_code(summary, fail_on)
    if output is not None:
        if is_opened:
            raise UsageError("--open", "is not for --output", "Leave one of them out")
        if len(formats) != 1:
            raise UsageError(
                "--output", "takes exactly one --format", "Name the one to write"
            )
        content = reports.content(formats[0])
        if str(output) == "-":
            sys.stdout.buffer.write(content)
        else:
            output.write_bytes(content)
        return code
    formats = formats or ("console", "html")
    if "console" in formats:
        click.echo(reports.text(console_report(details)), nl=False)
    files = [name for name in formats if name != "console"]
    if is_opened:
        files = list(dict.fromkeys((*files, "html")))
    written = reports.write(folder, files)
    for path in written.values():
        click.echo(f"Report: {path}", err=True)
    if is_opened:
        import webbrowser

        if not webbrowser.open(written["html"].resolve().as_uri()):
            raise UsageError("--open", "found no browser", f"Open {written['html']}")
    return code
