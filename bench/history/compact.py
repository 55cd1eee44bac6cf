"""Compact the files of a history to Parquet: one per device and month."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from pocketbench.bench.errors import StoreError
from pocketbench.bench.history.queries import (
    COMPACTED,
    connection,
    literal,
    quoted,
    read_json,
)
from pocketbench.bench.paths import state_dir


class Compacted(NamedTuple):
    """One file that was made or grew."""

    path: Path
    runs: int
    """Files that it took in."""


def compact(folder: Path) -> tuple[Compacted, ...]:
    """Move every run's file into its month's Parquet file.

    At no instant is a launch missing: the new file takes its place at once, only then
    is what it holds deleted, and queries count what is in both once. Runs added
    meanwhile stay as they are for the next time.

    Raises:
        StoreError: There is no such folder, or a file of it cannot be read.
    """
    if not folder.is_dir():
        raise StoreError(str(folder), "is no folder", "Give the --history folder")
    months = {path.parent for path in folder.glob("*/*/*.jsonl")}
    return tuple(_compact_month(month) for month in sorted(months))


def _compact_month(month: Path) -> Compacted:
    import duckdb

    whole, beside = month / COMPACTED, month / f".{COMPACTED}.new"
    with FileLock(state_dir() / "history-compact.lock"):
        plain = sorted(month.glob("*.jsonl"))
        try:
            with connection() as database:
                _write(database, whole, plain, beside)
        except duckdb.Error as error:
            beside.unlink(missing_ok=True)
            raise StoreError(
                str(month),
                f"cannot be compacted ({str(error).splitlines()[0]})",
                "Restore or delete the file it names",
            ) from error
        beside.replace(whole)
        for path in plain:
            path.unlink()
    return Compacted(whole, len(plain))


def _write(database: Any, whole: Path, plain: list[Path], beside: Path) -> None:
    files = f"[{', '.join(quoted(literal(path)) for path in plain)}]"
    query = f"SELECT * FROM {read_json(files)}"
    if whole.exists():
        before = f"read_parquet({quoted(literal(whole))})"
        query += (
            f" WHERE run_id NOT IN (SELECT DISTINCT run_id FROM {before})"
            f" UNION ALL BY NAME SELECT * FROM {before}"
        )
    database.execute(
        f"COPY ({query}) TO {quoted(str(beside))} (FORMAT parquet, COMPRESSION zstd)"
    )
