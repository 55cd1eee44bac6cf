"""DuckDB over the files of a history where they lie: JSON Lines and Parquet."""

from __future__ import annotations

import contextlib
import glob
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from pocketbench.bench.errors import StoreError
from pocketbench.bench.history.series import HistoryCell, Point, Series
from pocketbench.bench.history.stored import StoredLaunch
from pocketbench.bench.judge.intervals import t_by_launches
from pocketbench.bench.judge.metrics import PRIMARY
from pocketbench.bench.records.metrics import (
    MEAN_LATENCY,
    METRICS,
    PRIMARIES,
    Metric,
)

COMPACTED = "launches.parquet"
"""What `compact` makes of the files of one device and month."""
MEMORY_LIMIT = "512MB"
"""What one query may hold before it goes to disk."""
_COLUMN_TYPES = {int: "BIGINT", float: "DOUBLE", tuple: "BIGINT[]"}


def read_series(
    folder: str | Path,
    *,
    model: str | None = None,
    metric: str | None = None,
    device: str | None = None,
) -> tuple[Series, ...]:
    """Every cell's series of a metric, the points in order of the runs' start.

    Args:
        folder: A local folder, or any path DuckDB reads (`s3://bucket/history`).
        model: Only this one's; `None`: all.
        metric: A metric's name; the latency's includes means without a median.
            `None`: the primary one of each cell.
        device: Only this one's folder; `None`: all.

    Raises:
        StoreError: There is no history, or a file of it cannot be read.
    """
    # Means without a median have a series of their own, never joined to medians.
    same = (PRIMARY, MEAN_LATENCY) if metric == PRIMARY else (metric,)
    names = PRIMARIES if metric is None else same
    # A device at a time: the launches of one query are held until it has its medians.
    devices = [device] if device else _devices(str(folder)) or [None]
    known: dict[Any, Any] = {}
    return tuple(
        _series(list(of_cell), wanted, known)
        for wanted in METRICS
        if wanted.name in names
        for each in devices
        for _, of_cell in groupby(
            _rows(str(folder), model, wanted, each), key=lambda row: row[:4]
        )
    )


def _devices(folder: str) -> list[str | None]:
    """The folders of a history that hold launches, sorted; none it cannot list."""
    import duckdb

    # Other folders, a repository's own among them, may lie beside the devices'.
    listed = "SELECT parse_path(file)[-3] AS device FROM glob($1)"
    query = f"{listed} UNION {listed.replace('$1', '$2')} ORDER BY device"
    with connection() as database, contextlib.suppress(duckdb.Error):
        found = database.execute(query, list(_patterns(folder, None))).fetchall()
        return [name for (name,) in found]
    return []


def _patterns(folder: str, device: str | None) -> tuple[str, str]:
    """Where a history's plain and compacted files are, of one device or of all."""
    root = folder if "://" in folder else glob.escape(folder)
    months = f"{root}/{glob.escape(device) if device else '*'}/*"
    return f"{months}/*.jsonl", f"{months}/{COMPACTED}"


def runs_in(compacted: Path) -> set[str]:
    """The runs that a compacted file holds."""
    with connection() as database:
        found = database.execute(
            "SELECT DISTINCT run_id FROM read_parquet($1)", [literal(compacted)]
        ).fetchall()
    return {run_id for (run_id,) in found}


def models_in(folder: str | Path) -> list[str]:
    """Every model of a history, sorted.

    Raises:
        StoreError: There is no history, or a file of it cannot be read.
    """
    rows = answered(str(folder), "SELECT DISTINCT model FROM launches ORDER BY 1", [])
    return [model for (model,) in rows]


def connection() -> Any:
    """A database in memory that spills to the system's own temporary folder."""
    import duckdb

    return duckdb.connect(
        config={"memory_limit": MEMORY_LIMIT, "temp_directory": tempfile.gettempdir()}
    )


def read_json(placeholder: str) -> str:
    """SQL of JSON Lines as typed columns; what a newer schema adds is passed over."""
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in _columns().items())
    return (
        f"read_json({placeholder}, format = 'newline_delimited', "
        f"columns = {{{columns}}})"
    )


def _columns() -> dict[str, str]:
    return {
        name: _column_type(hint) for name, hint in get_type_hints(StoredLaunch).items()
    }


def _column_type(hint: Any) -> str:
    if isinstance(hint, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    return _COLUMN_TYPES.get(get_origin(hint) or hint, "VARCHAR")


def literal(path: Path) -> str:
    """A path in which nothing is a pattern."""
    return glob.escape(str(path))


def _rows(
    folder: str, model: str | None, metric: Metric, device: str | None
) -> list[Any]:
    """One row per cell and run: a cell's rows stand together, in order of time."""
    name = metric.name
    logs = f"CASE WHEN {name} > 0 THEN ln({name}) END"
    query = f"""
        SELECT device, model, variant, threads, shown, imitation, run_id, began, commit,
            os_build, runtime, torch, middle,
            CASE WHEN is_positive THEN exp(log_mean - t * log_spread)
                ELSE mean - t * spread END,
            CASE WHEN is_positive THEN exp(log_mean + t * log_spread)
                ELSE mean + t * spread END,
            n
        FROM (
            SELECT device, model, variant, threads,
                arg_max(device_name, run_started_at) AS shown,
                arg_max(imitation, run_started_at) AS imitation,
                run_id, min(run_started_at) AS began, any_value(commit) AS commit,
                any_value(os_build) AS os_build, any_value(runtime) AS runtime,
                any_value(torch) AS torch, median({name}) AS middle, count(*) AS n,
                min({name}) > 0 AS is_positive, avg({name}) AS mean,
                stddev_samp({name}) AS spread, avg({logs}) AS log_mean,
                stddev_samp({logs}) AS log_spread, $t[least(n, len($t))] / sqrt(n) AS t
            FROM launches
            WHERE {name} IS NOT NULL AND ($model IS NULL OR model = $model)
            GROUP BY device, model, variant, threads, run_id
        )
        ORDER BY device, model, variant, threads, began, run_id
    """
    return answered(
        folder, query, {"model": model, "t": t_by_launches()}, device=device
    )


def answered(
    folder: str, query: str, values: Any, *, device: str | None = None
) -> list[Any]:
    """Ask of `launches`, every launch of the history (or of one device) once.

    Raises:
        StoreError: There is no history, or a file of it cannot be read.
    """
    import duckdb

    plain, compacted = _patterns(folder, device)
    with connection() as database:
        try:
            parts = _parts(database, plain, compacted)
            if not parts:
                raise StoreError(
                    folder,
                    "holds no history",
                    "Fill it with `pocketbench history add RUN --history FOLDER`",
                )
            launches = " UNION ALL BY NAME ".join(parts)
            found: list[Any] = database.execute(
                f"WITH launches AS ({launches}) {query}",
                values,
            ).fetchall()
        except duckdb.Error as error:
            raise StoreError(
                folder,
                f"cannot be read ({str(error).splitlines()[0]})",
                "Restore or delete the file it names",
            ) from error
    return found


def _parts(database: Any, plain: str, compacted: str) -> list[str]:
    """SQL of both kinds of file, where there are any.

    A compaction that was killed before it deleted what it had compacted leaves runs in
    both: they count once. Files of older releases lack columns, which are then NULL.
    """
    parts = []
    if _exist(database, compacted):
        columns = ", ".join(f"NULL::{k} AS {n}" for n, k in _columns().items())
        parts.append(f"SELECT {columns} WHERE false")
        parts.append(
            f"SELECT * FROM read_parquet({quoted(compacted)}, union_by_name = true)"
        )
    if _exist(database, plain):
        only_new = (
            f" WHERE (device, run_id) NOT IN (SELECT DISTINCT (device, run_id) FROM "
            f"read_parquet({quoted(compacted)}))"
            if parts
            else ""
        )
        parts.append(f"SELECT * FROM {read_json(quoted(plain))}{only_new}")
    return parts


def _exist(database: Any, pattern: str) -> bool:
    found = database.execute("SELECT count(*) FROM glob($1)", [pattern]).fetchone()
    return bool(found[0])


def quoted(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def _series(rows: Sequence[Any], metric: Metric, known: dict[Any, Any]) -> Series:
    device, model, variant, threads, *_ = rows[-1]
    return Series(
        cell=HistoryCell(device=device, model=model, variant=variant, threads=threads),
        device_name=rows[-1][4],
        imitation=rows[-1][5],
        metric=metric,
        points=tuple(_point(row, known) for row in rows),
    )


def _point(row: Any, known: dict[Any, Any]) -> Point:
    """One row's point; its words are those of the points before, held once."""
    run_id, began, commit, os_build, runtime, torch = [
        known.setdefault(words, words) for words in row[6:12]
    ]
    middle, low, high, launches = row[12:]
    return Point(
        run_id=run_id,
        started_at=began,
        commit=commit,
        os_build=os_build,
        runtime=runtime,
        torch=torch,
        value=middle,
        low=low,
        high=high,
        launches=launches,
    )
