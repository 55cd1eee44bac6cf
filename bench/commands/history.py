"""`pocketbench history`: what the stored runs say over time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from pocketbench.bench.commands import options
from pocketbench.bench.commands.history_options import (
    AcceptOptions,
    ChangesOptions,
    ConfirmOptions,
    PlotOptions,
    ShowOptions,
    SiteOptions,
)
from pocketbench.bench.commands.typed_command import OptionsCommand
from pocketbench.bench.records.families import THIS_COMPUTER
from pocketbench.bench.records.plan import DEFAULT_MIN_EFFECT

FOLDER = click.option(
    "--history",
    "folder",
    default="history",
    show_default=True,
    metavar="FOLDER",
    help="Keep the history in this folder; for reading, any path DuckDB reads.",
)


_MIN_EFFECT = click.option(
    "--min-effect",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=DEFAULT_MIN_EFFECT,
    show_default=True,
    help="Ignore changes of level smaller than this.",
)


def _reading(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of every verb that looks for changes."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        _MIN_EFFECT,
        click.option(
            "--metric",
            help="Look at this metric: latency, p90, load, peak_memory, ...  "
            "[default: latency, and decode of models that generate]",
        ),
        options.accepted(),
        FOLDER,
    ):
        command = option(command)
    return command


@click.group()
def history() -> None:
    """Keep runs over time and detect change points.

    \b
    pocketbench history add last --history perf-history
    pocketbench history changes mobilenet_v2 --history perf-history
    pocketbench history confirm 1f2e3d4c --source nets:net --history perf-history
    pocketbench history accept 1f2e3d4c --reason 'new head' --history perf-history
    """


@history.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@FOLDER
@options.runs_folder()
def add(runs: tuple[str, ...], folder: str, runs_folder: Path) -> None:
    """Add stored RUNs (folders, ids, or `last`): one file for each run and device."""
    from pocketbench.bench.history.folder import add_run
    from pocketbench.bench.measure.run_folder import find_run, read_run

    for run in runs:
        for added in add_run(read_run(find_run(run, runs_folder)), _local(folder)):
            what = f"{added.launches} launches" if added.is_new else "was there already"
            click.echo(f"{added.path}: {what}")


@history.command()
@FOLDER
def compact(folder: str) -> None:
    """Compact each device's files of a month to Parquet."""
    from pocketbench.bench.history.compact import compact as compact_folder

    done = compact_folder(_local(folder))
    for path, runs in done:
        click.echo(f"{path}: {runs} files merged")
    if not done:
        click.echo("Nothing to compact.")


@history.command(cls=OptionsCommand, options=ShowOptions)
@click.argument("model")
@_reading
def show(given: ShowOptions) -> None:
    """Show every configuration of MODEL over its runs."""
    from pocketbench.bench.commands.history_flow import find, say

    say(find(given.model, given), "overview", as_json=given.as_json)


@history.command(cls=OptionsCommand, options=ChangesOptions)
@click.argument("model", required=False)
@_reading
@click.option(
    "--fail-on",
    type=click.Choice(["regression", "never"]),
    default="never",
    show_default=True,
    help="Exit 1 on a confirmed change for the worse that is not accepted.",
)
def changes(given: ChangesOptions) -> None:
    """Detect change points of MODEL (default: of every model).

    A change is confirmed once enough runs lie at the new level. The newest runs alone
    make no more than a suspect, and a suspect never fails: run it again to be sure.
    """
    from pocketbench.bench.commands.history_flow import find, say

    histories = find(given.model, given)
    say(histories, "changes", as_json=given.as_json)
    raised = any(change.is_raised for h in histories for change in h.changes)
    if raised and given.fail_on == "regression":
        sys.exit(1)


@history.command(cls=OptionsCommand, options=PlotOptions)
@click.argument("model")
@_reading
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write this .svg or .png file.  [default: MODEL.svg]",
)
def plot(given: PlotOptions) -> None:
    """Draw every configuration of MODEL; equal histories give equal bytes."""
    from pocketbench.bench.commands.history_flow import draw, find, say

    histories = find(given.model, given)
    path = draw(histories, given.output or Path(f"{Path(given.model).name}.svg"))
    if given.as_json:
        say(histories, "overview", as_json=True)
    click.echo(f"Chart: {path}", err=True)


@history.command("list")
@FOLDER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_runs(folder: str, as_json: bool) -> None:
    """List the runs of the history, device by device."""
    from pocketbench.bench.commands.history_flow import list_stored

    list_stored(folder, as_json=as_json)


@history.command(cls=OptionsCommand, options=SiteOptions)
@click.argument("folder", required=False, default="history", metavar="[DIR]")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("site"),
    show_default=True,
    help="Write the site here; reports in the folder are kept.",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="Show this metric: latency, peak_memory, ... Repeatable.  [default: "
    "latency, and decode of models that generate]",
)
@_MIN_EFFECT
@options.accepted()
@click.option(
    "--repository",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Read commits from this git repository.  [default: this one]",
)
@click.option(
    "--commit-url",
    "url",
    metavar="URL",
    help="Link commits to this address, with {commit} in it.  [default: the remote's]",
)
@options.runs_folder()
def site(given: SiteOptions) -> None:
    """Write the history in DIR as pages that need no server."""
    from pocketbench.bench.commands.history_site import make_site

    index, shown = make_site(given)
    click.echo(f"{index}: {shown} charts")


@history.command(cls=OptionsCommand, options=ConfirmOptions)
@click.argument("change")
@_reading
@click.option(
    "--source",
    help="Take the model from here in both commits, as in `run`.  [default: its name]",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE[:DTYPE]",
    help="Shape and type of one input, as in `run`. Repeatable.",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    default=(THIS_COMPUTER,),
    show_default=True,
    help="Measure both builds on this device. Repeatable.",
)
@click.option(
    "--blocks",
    type=click.IntRange(min=3),
    default=20,
    show_default=True,
    help="Launch each build this often.",
)
@click.option(
    "--repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Read commits from this git repository.  [default: this one]",
)
def confirm(given: ConfirmOptions) -> None:
    """Measure the commits around CHANGE (its id) again, in the same blocks.

    Exits 1 where the newer build is slower, and removes what it has checked out.
    """
    from pocketbench.bench.commands.history_confirm import confirm_change

    sys.exit(confirm_change(given))


@history.command(cls=OptionsCommand, options=AcceptOptions)
@click.argument("change")
@_reading
@click.option("--reason", required=True, help="Say why the change is right.")
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Alarm again from this day on.  [default: in 180 days]",
)
def accept(given: AcceptOptions) -> None:
    """Accept CHANGE (its id), so that it is no alarm."""
    from pocketbench.bench.commands.history_flow import accept_change

    entry = accept_change(given)
    said = f"Accepted: {given.change} in {given.accepted_path}"
    click.echo(entry if given.as_json else said)


def _local(folder: str) -> Path:
    from pocketbench.bench.errors import UsageError

    if "://" in folder:
        raise UsageError(
            folder, "cannot be written", "Give a local folder, and copy it there"
        )
    return Path(folder)
