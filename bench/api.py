"""The Python API: measure, load and compare runs; imported as `pocketbench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.bench.errors import PocketbenchError
from pocketbench.bench.planning.run_options import RunOptions

if TYPE_CHECKING:
    import pandas as pd

    from pocketbench.bench.judge.summary import Cell, Comparison, Summary
    from pocketbench.bench.records.device import DeviceInfo
    from pocketbench.bench.records.launch import Failure, Launch
    from pocketbench.bench.records.run import Run


__all__ = ["PocketbenchError", "RunOptions", "StoredRun", "compare", "load", "run"]


class StoredRun:
    """A stored run and what is concluded from it; nothing of it touches a device."""

    def __init__(self, run: Run, summary: Summary | None = None) -> None:
        """Take a run that was read, and its summary where it is made already."""
        self._run = run
        self._summary = summary

    @property
    def run_id(self) -> str:
        """The run's id, which is the name of its folder."""
        return self._run.started.run_id

    @property
    def folder(self) -> Path:
        """Where the run is stored."""
        return Path(self._run.folder)

    @property
    def launches(self) -> tuple[Launch, ...]:
        """Every launch with its raw samples, in order of time."""
        return self._run.launches

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What could not be measured, with reason and remedy."""
        return self._run.failures

    @property
    def devices(self) -> tuple[DeviceInfo, ...]:
        """The devices that were opened."""
        return tuple(ready.device for ready in self._run.devices)

    @property
    def summary(self) -> Summary:
        """Estimates and comparisons; computed from the records when first asked for."""
        if self._summary is None:
            from pocketbench.bench.judge.summarize import summarize

            self._summary = summarize(self._run)
        return self._summary

    def cells(self) -> tuple[Cell, ...]:
        """Return the estimates of each model and variant on each device."""
        return self.summary.cells

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return every comparison with its interval and verdict."""
        return self.summary.comparisons

    def to_dataframe(self) -> pd.DataFrame:
        """Return a pandas table: one row per launch, in seconds and bytes."""
        from pocketbench.bench.judge.launch_table import launch_table

        return launch_table(self._run)

    def report(self, report: str = "console") -> str:
        """Return a report as text: `console`, `markdown`, `html`, `json`, `csv`, ...

        Raises:
            UnknownNameError: No such report.
            UsageError: It is an image.
        """
        from pocketbench.bench.commands.write_reports import Reports, known_reports

        (name,) = known_reports([report])
        return Reports(self.summary).text(name)

    def __repr__(self) -> str:
        """Name the run and how much is in it."""
        return (
            f"<StoredRun {self.run_id}: {len(self.launches)} launches, "
            f"{len(self.failures)} failures>"
        )

    def _repr_html_(self) -> str:
        """Show the forest chart and a table of estimates in a notebook."""
        from html import escape

        from pocketbench.bench.commands.write_reports import Reports

        reports = Reports(self.summary)
        chart, table = reports.text("svg"), reports.text("console")
        return f"<div>{chart}</div><pre>{escape(table)}</pre>"


def load(run: str | Path, *, runs_folder: str | Path = "runs") -> StoredRun:
    """Load a stored run by its folder, its id, or `last`.

    Raises:
        StoreError: No such run, or it cannot be read.
    """
    from pocketbench.bench.measure.run_folder import find_run, read_run

    return StoredRun(read_run(find_run(str(run), Path(runs_folder))))


def run(options: RunOptions) -> StoredRun:
    """Measure as `pocketbench run` does, and return the stored run.

    Progress goes to standard error; the HTML report and those of `options.reports` are
    written into the run's folder.

    Raises:
        PocketbenchError: What was asked cannot be done.
        Cancelled: Ctrl-C; the run is stored and can be resumed.
    """
    from pocketbench.bench.commands.run_flow import measure_and_store
    from pocketbench.bench.commands.write_reports import Reports, known_reports

    reports = known_reports(("html", *options.reports))
    folder, stopped = measure_and_store(options)
    if stopped is not None:
        raise stopped
    found = load(folder)
    Reports(found.summary).write(folder, [x for x in reports if x != "console"])
    return found


def compare(baseline: StoredRun, candidate: StoredRun) -> StoredRun:
    """Compare two stored runs; drift between them is not controlled.

    The result is the candidate, with its comparisons against the baseline.

    Raises:
        UsageError: The runs have no model, variant and device in common.
    """
    from pocketbench.bench.commands.compare_flow import compared

    return StoredRun(candidate._run, compared(baseline._run, candidate._run))
