"""`pocketbench ingest`: a stored run of what another program has measured."""

from __future__ import annotations

import importlib.metadata
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from pocketbench.bench import registry
from pocketbench.bench.commands import options

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    type=_FILE,
    help="Name the model file that was measured; tests are matched by its name. "
    "Repeatable.",
)
@click.option("--device-name", help="Name the device, where the files do not.")
@options.runs_folder()
def ingest(
    files: tuple[Path, ...],
    models: tuple[Path, ...],
    device_name: str | None,
    runs_folder: Path,
) -> None:
    """Make a stored run of what XCTest measured, and report it.

    FILE is xcodebuild's console output, or what `xcrun xcresulttool get test-results
    metrics --path R.xcresult` printed. Each is one launch.

    \b
    pocketbench ingest day1.log day2.log --model mv3_xnnpack.pte
    """
    from pocketbench.bench.commands.show_reports import finish
    from pocketbench.bench.measure.store import Store, new_run_folder
    from pocketbench.bench.records.run import RunEnded, RunStarted

    now = datetime.now(UTC)
    instant = now.isoformat(timespec="milliseconds")
    read = registry.load(registry.INGESTS, "format", "xctest")
    plan, records = read(files, models, device_name=device_name, now=instant)
    folder = new_run_folder(runs_folder, "xctest")
    with Store(folder) as store:
        store.append(
            RunStarted(
                run_id=folder.name,
                started_at=instant,
                plan=plan,
                command=("pocketbench", *sys.argv[1:]),
                versions={"pocketbench": importlib.metadata.version("pocketbench")},
            )
        )
        for record in records:
            store.append(record)
        store.append(RunEnded(ended_at=instant, outcome="finished"))
    sys.exit(finish(folder, (), fail_on="never", as_json=False))
