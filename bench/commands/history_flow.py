"""The flow of each subcommand of `pocketbench history`."""

from __future__ import annotations

import datetime
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from pocketbench.bench import registry
from pocketbench.bench.commands.history_options import AcceptOptions, HistoryQuery
from pocketbench.bench.errors import StoreError, UnknownNameError, UsageError
from pocketbench.bench.history.accepted import accept, read_accepted
from pocketbench.bench.history.changes import with_changes
from pocketbench.bench.history.histories_for_run import RunHistories, histories_of
from pocketbench.bench.history.queries import models_in, read_series
from pocketbench.bench.history.series import CellHistory, LevelChange
from pocketbench.bench.history.stored import StoredLaunch
from pocketbench.bench.history.stored_runs import stored_runs
from pocketbench.bench.records.metrics import parse_metric
from pocketbench.bench.records.run import Run

ACCEPTED_FOR = datetime.timedelta(days=180)


def find(model: str | None, query: HistoryQuery) -> tuple[CellHistory, ...]:
    """The histories of a model, or of all.

    Raises:
        UnknownNameError: No such metric, or no such model in the history.
        StoreError: There is no history, or a file of it cannot be read.
        UsageError: The file of accepted changes is not as it must be, or histories do
            not hold the metric.
    """
    metric = query.metric and parse_metric(query.metric)
    if metric and metric not in StoredLaunch.__struct_fields__:
        raise UsageError(
            f"--metric {metric}", "is not kept in histories", "Ask for another --metric"
        )
    accepted = read_accepted(query.accepted_path)
    found = read_series(query.folder, model=model, metric=metric)
    if not found and model is not None:
        models = models_in(query.folder)
        if model not in models:
            raise UnknownNameError("model in the history", model, models)
    if not found:
        raise StoreError(
            query.folder,
            f"holds no {metric or 'latency and no decode speed'}",
            "Ask for another --metric",
        )
    today = datetime.datetime.now(datetime.UTC).date()
    return tuple(
        with_changes(
            series, accepted=accepted, today=today, min_effect=query.min_effect
        )
        for series in found
    )


def say(histories: Sequence[CellHistory], form: str, *, as_json: bool) -> None:
    """Write histories to stdout: words for people, or a JSON document."""
    if as_json:
        document = {"schema": 1, "kind": "pocketbench history", "cells": histories}
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
        return
    words = registry.load(registry.HISTORY_REPORTS, "history report", form)
    click.echo(words(histories), nl=False)


def list_stored(folder: str, *, as_json: bool) -> None:
    """Write the runs of a history to stdout, those of a device together.

    Raises:
        StoreError: There is no history, or a file of it cannot be read.
    """
    runs = stored_runs(folder)
    if as_json:
        document = {"schema": 1, "kind": "pocketbench history runs", "runs": runs}
        click.echo(msgspec.json.encode(document).decode())
        return
    for _, group in itertools.groupby(runs, key=lambda run: run.device):
        of_device = list(group)
        name = " ".join(of_device[-1].device_name.split())
        number = f"{len(of_device)} run{'s' if len(of_device) > 1 else ''}"
        click.echo(f"{name} ({of_device[0].device}): {number}")
        for run in of_device:
            commit = (run.commit or "no commit")[:10]
            click.echo(
                f"  {run.started_at[:16]}  {commit:10}  {run.launches:5} launches, "
                f"{run.models} model{'s' if run.models > 1 else ''}  {run.run_id}"
            )


def draw(histories: Sequence[CellHistory], output: Path) -> Path:
    """Write a chart as the kind of file that its name says.

    Raises:
        UsageError: It is named neither .svg nor .png.
    """
    kind = output.suffix.lower().removeprefix(".")
    if kind not in ("svg", "png"):
        raise UsageError(str(output), "is neither .svg nor .png", "Name it so")
    drawn = registry.load(registry.HISTORY_REPORTS, "history report", kind)(histories)
    output.write_bytes(drawn)
    return output


def change_named(
    change_id: str, query: HistoryQuery
) -> tuple[CellHistory, LevelChange]:
    """A change of the history as it is now, and the history it is in.

    Raises:
        UnknownNameError: No change has this id now.
        StoreError: There is no history, or a file of it cannot be read.
    """
    histories = find(None, query)
    changes = {change.id: (h, change) for h in histories for change in h.changes}
    if change_id not in changes:
        raise UnknownNameError("change", change_id, changes)
    return changes[change_id]


def accept_change(given: AcceptOptions) -> str:
    """Add a change to the file of accepted ones; the entry's JSON.

    Raises:
        UnknownNameError: No change has this id now.
        UsageError: It was accepted before, or there is no reason.
    """
    history, change = change_named(given.change, given)
    if change.state == "accepted":
        raise UsageError(given.change, f"is accepted: {change.note}", "Nothing to do")
    today = datetime.datetime.now(datetime.UTC).date()
    until = given.expires.date() if given.expires else today + ACCEPTED_FOR
    if until < today:
        raise UsageError("--expires", f"{until} has passed", "Give a day to come")
    path, reason = given.accepted_path, given.reason
    accept(path, history.series, change, reason=reason, expires=until)
    return msgspec.json.encode(
        {
            "id": change.id,
            "cell": history.series.cell,
            "reason": reason,
            "expires": until,
            "file": str(path),
        }
    ).decode()


def histories_for_run(run: Run, folder: str, accepted_path: Path) -> RunHistories:
    """The histories of a run's cells as they stand today.

    Raises:
        StoreError: There is no history, or a file of it cannot be read.
        UsageError: The file of accepted changes is not as it must be.
    """
    return histories_of(
        run,
        folder,
        accepted=read_accepted(accepted_path),
        today=datetime.datetime.now(datetime.UTC).date(),
    )
