"""`pocketbench report`: a stored run's reports again, from its file alone."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pocketbench.bench.commands import options


@click.command()
@click.argument("run")
@options.formats(".  [default: console and html]")
@options.output()
@options.min_effect("what the run was given")
@options.gate_on("what the run was given")
@options.allow_mismatch()
@options.fail_on()
@options.details()
@options.history()
@options.accepted()
@click.option("--open", "is_opened", is_flag=True, help="Show the page in a browser.")
@options.runs_folder()
def report(
    run: str,
    formats: tuple[str, ...],
    output: Path | None,
    min_effect: float | None,
    gate_on: tuple[str, ...],
    allow_mismatch: bool,
    fail_on: str,
    details: bool,
    history_folder: str | None,
    accepted_path: Path,
    is_opened: bool,
    runs_folder: Path,
) -> None:
    """Make the reports of RUN (a folder, an id, or `last`) again.

    Nothing is measured: the run's file is all that is read.
    """
    from pocketbench.bench.commands.large_run import reporting_on
    from pocketbench.bench.measure.run_folder import find_run

    folder = find_run(run, runs_folder)
    with reporting_on(folder, draws=not formats or "html" in formats):
        from pocketbench.bench.commands.show_reports import (
            show_reports,
            stored_reports,
        )

        summary, reports = stored_reports(
            folder,
            min_effect=min_effect,
            gate_on=gate_on,
            allow_mismatch=allow_mismatch,
            history_folder=history_folder,
            accepted_path=accepted_path,
            fail_on=fail_on,
        )
        code = show_reports(
            summary,
            reports,
            folder,
            formats,
            output,
            fail_on=fail_on,
            details=details,
            is_opened=is_opened,
        )
    sys.exit(code)
