"""`pocketbench ingest`: import what was measured without pocketbench as a run."""

from __future__ import annotations

import importlib.metadata
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec.structs import replace

from pocketbench.bench import registry
from pocketbench.bench.commands import options
from pocketbench.bench.records.run import Record, RunEnded, RunStarted

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option(
    "--model",
    "models",
    multiple=True,
    type=_FILE,
    help="Name the model file that XCTest measured; tests are matched by its name. "
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
    """Make a stored run of what a bundle or XCTest measured, and report it.

    FILE is the results.jsonl of one `pocketbench bundle`; or xcodebuild's console
    output, or what `xcrun xcresulttool get test-results metrics --path R.xcresult`
    printed, each of which is one launch.

    \b
    pocketbench ingest results.jsonl
    pocketbench ingest day1.log day2.log --model mv3_xnnpack.pte
    """
    from pocketbench.bench.commands.run_flow import model_word
    from pocketbench.bench.commands.show_reports import finish
    from pocketbench.bench.errors import UsageError
    from pocketbench.bench.measure.bundle_results import is_bundle_result, read_results
    from pocketbench.bench.measure.run_folder import new_run_folder
    from pocketbench.bench.measure.store import Store

    if not any(is_bundle_result(file) for file in files):
        records = _measured_by_xctest(files, models, device_name)
    elif len(files) == 1 and not models:
        records = list(read_results(files[0]))
    else:
        raise UsageError(
            str(files[0]),
            "the results of a bundle are one run, and name their models",
            "Give this file alone, without --model",
        )
    started, *rest = records
    assert isinstance(started, RunStarted)
    folder = new_run_folder(runs_folder, model_word(started.plan))
    with Store(folder) as store:
        store.append(
            replace(started, run_id=folder.name, command=("pocketbench", *sys.argv[1:]))
        )
        for record in rest:
            store.append(record)
    sys.exit(finish(folder, (), fail_on="never", as_json=False))


def _measured_by_xctest(
    files: tuple[Path, ...], models: tuple[Path, ...], device_name: str | None
) -> list[Record]:
    from pocketbench.bench.errors import UsageError

    if not models:
        raise UsageError(
            str(files[0]),
            "is no result of a bundle, and of XCTest's the model must be known",
            "Name the model file that was measured: --model FILE",
        )
    instant = datetime.now(UTC).isoformat(timespec="milliseconds")
    read = registry.load(registry.INGESTS, "format", "xctest")
    plan, records = read(files, models, device_name=device_name, now=instant)
    started = RunStarted(
        run_id="",
        started_at=instant,
        plan=plan,
        command=(),
        versions={"pocketbench": importlib.metadata.version("pocketbench")},
    )
    return [started, *records, RunEnded(ended_at=instant, outcome="finished")]
