"""`pocketbench runs`: what is stored, and what to do away with."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from pocketbench.bench.commands import options


@click.group()
def runs() -> None:
    """List and remove stored runs.

    \b
    pocketbench runs list
    pocketbench runs rm 20260302-091500-mobilenet_v2
    """


@runs.command("list")
@options.runs_folder()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_stored(runs_folder: Path, as_json: bool) -> None:
    """List every stored run, oldest first."""
    import msgspec

    from pocketbench.bench.measure.run_list import list_runs
    from pocketbench.bench.units import format_size

    found, errors = list_runs(runs_folder)
    if as_json:
        document = {"schema": 1, "kind": "pocketbench runs", "runs": found}
        click.echo(msgspec.json.encode(document).decode())
    for run in () if as_json else found:
        commit = (run.commit or "no commit")[:10]
        click.echo(
            f"{run.run_id}\n  {run.started_at[:16]}  {commit}  {run.outcome}, "
            f"{run.launches} launches, {format_size(run.size_bytes)}: "
            f"{' '.join(run.models)} on {' '.join(run.devices)}"
        )
    if not (found or errors or as_json):
        click.echo(f"No runs in {runs_folder}.")
    for error in errors:
        click.echo(f"Note: {error}", err=True)


@runs.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@click.option("-y", "--yes", is_flag=True, help="Delete without asking.")
@options.runs_folder()
def remove(names: tuple[str, ...], yes: bool, runs_folder: Path) -> None:
    """Delete stored RUNs (folders, ids, or `last`) with all their reports.

    What a history has taken in of them stays there.
    """
    from pocketbench.bench.commands.run_flow import only_writer
    from pocketbench.bench.measure.run_folder import find_run

    folders = list(dict.fromkeys(find_run(name, runs_folder) for name in names))
    if not yes:
        click.confirm(f"Delete {', '.join(map(str, folders))}?", abort=True, err=True)
    for folder in folders:
        with only_writer(folder):
            shutil.rmtree(folder)
        click.echo(f"Deleted: {folder}")
