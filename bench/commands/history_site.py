"""Write the site of a history, device by device; large ones in several processes."""

from __future__ import annotations

import datetime
import itertools
import multiprocessing
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from pocketbench.bench import registry
from pocketbench.bench.commands.history_options import SiteOptions
from pocketbench.bench.commands.write_reports import file_name
from pocketbench.bench.errors import UsageError
from pocketbench.bench.history.accepted import Accepted, read_accepted
from pocketbench.bench.history.changes import with_changes
from pocketbench.bench.history.commits import commit_subjects, commit_url
from pocketbench.bench.history.queries import read_series
from pocketbench.bench.history.stored_runs import StoredRun, stored_runs
from pocketbench.bench.records.metrics import parse_gates

_LARGE_LAUNCHES = 200_000
"""From here on further processes are worth their start."""


class _Work(NamedTuple):
    """What one device's pages are made of."""

    given: SiteOptions
    runs: Sequence[StoredRun]
    metrics: tuple[str | None, ...]
    accepted: tuple[Accepted, ...]
    today: datetime.date
    origin: Any


def make_site(given: SiteOptions) -> tuple[Path, int]:
    """Write the whole site; where its first page is, and how many series it shows.

    Raises:
        UnknownNameError: No such metric.
        StoreError: There is no history, or a file of it cannot be read.
        UsageError: A file or URL is not as it must be, or nothing is to be shown.
    """
    wanted: tuple[str | None, ...] = parse_gates(given.metrics) or (None,)
    url, folder, site = given.url, given.folder, given.output
    if url is not None and ("{commit}" not in url or not url.startswith("http")):
        raise UsageError(
            "--commit-url",
            f"{url} is no address with {{commit}} in it",
            "Give for example https://github.com/owner/name/commit/{commit}",
        )
    runs = stored_runs(folder)
    now = datetime.datetime.now(datetime.UTC)
    origin = registry.load(registry.HISTORY_SITE, "history site", "origin")(
        subjects=commit_subjects((run.commit or "" for run in runs), given.repository),
        commit_url=url or commit_url(given.repository),
        reported=_take_reports(site, runs, given.runs_folder),
        made_at=f"{now:%Y-%m-%d %H:%M} UTC",
    )
    accepted = read_accepted(given.accepted_path)
    works = [
        _Work(given, list(of_device), wanted, accepted, now.date(), origin)
        for _, of_device in itertools.groupby(runs, key=lambda run: run.device)
    ]
    launches = sum(run.launches for run in runs)
    rows = [row for of_device in _each(works, launches) for row in of_device]
    if not rows:
        holds = ", ".join(given.metrics) or "latency and no decode speed"
        raise UsageError(folder, f"holds no {holds}", "Give another --metric")
    write = registry.load(registry.HISTORY_SITE, "history site", "overview")
    return write(site, rows, origin), len(rows)


def _each(works: Sequence[_Work], launches: int) -> list[list[Any]]:
    workers = min(len(works), os.cpu_count() or 1)
    if workers < 2 or launches < _LARGE_LAUNCHES:
        return [_write_device(work) for work in works]
    with ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        try:
            return list(pool.map(_write_device, works))
        finally:
            # After Ctrl-C only what is under way is waited for.
            pool.shutdown(cancel_futures=True)


def _write_device(work: _Work) -> list[Any]:
    histories = (
        with_changes(
            series,
            accepted=work.accepted,
            today=work.today,
            min_effect=work.given.min_effect,
        )
        for metric in work.metrics
        for series in read_series(
            work.given.folder, metric=metric, device=work.runs[0].device
        )
    )
    write = registry.load(registry.HISTORY_SITE, "history site", "device")
    rows: list[Any] = write(work.given.output, histories, work.runs, work.origin)
    return rows


def _take_reports(
    site: Path, runs: Sequence[StoredRun], runs_folder: Path
) -> frozenset[str]:
    """Copy the pages of runs that are still stored; those taken in before stay."""
    reports = site / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    found = set()
    for run_id in {run.run_id for run in runs}:
        if Path(run_id).name != run_id:
            continue
        page, copy = (
            runs_folder / run_id / file_name("html"),
            reports / f"{run_id}.html",
        )
        if page.is_file() and not (
            copy.exists() and copy.stat().st_mtime >= page.stat().st_mtime
        ):
            shutil.copyfile(page, copy)
        if copy.exists():
            found.add(run_id)
    return frozenset(found)
