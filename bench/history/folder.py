"""The history folder: one file per run and device, written once, never changed."""

from __future__ import annotations

import os
import re
import secrets
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec

from pocketbench.bench.errors import StoreError
from pocketbench.bench.history.queries import COMPACTED, runs_in
from pocketbench.bench.history.stored import StoredLaunch, stored_launches
from pocketbench.bench.records.run import Run


class Added(NamedTuple):
    """Where one device's launches of a run are, and whether they already were."""

    path: Path
    launches: int
    is_new: bool


def add_run(run: Run, folder: Path) -> tuple[Added, ...]:
    """Put the launches that count of a stored run in a history.

    Each device's go to `<folder>/<device>/<year-month>/<run id>.jsonl`, so that jobs
    that run at the same time never write one file. A file appears whole or not at all;
    a run that is there already stays as it is.

    Raises:
        StoreError: The run has no launch that counts, the history holds a run of this
            name with other launches, or the folder cannot be written.
    """
    launches = stored_launches(run)
    if not launches:
        raise StoreError(
            run.started.run_id,
            "has no whole block of launches to keep",
            "A sustained run is for its own page; measure without --sustained"
            if run.started.plan.sustained
            else "Finish it first with `pocketbench run --resume`",
        )
    month = run.started.started_at[:7]
    if not re.fullmatch(r"\d{4}-\d{2}", month):
        raise StoreError(
            run.started.run_id,
            f"does not say when it started ({run.started.started_at})",
            "Give a run that pocketbench measured",
        )
    name = f"{_file_name(run.started.run_id)}.jsonl"
    found = []
    for device, of_device in groupby(
        sorted(launches, key=lambda x: x.device), key=lambda x: x.device
    ):
        kept = list(of_device)
        path = folder / device / month / name
        try:
            found.append(Added(path, len(kept), _write_once(path, kept)))
        except OSError as error:
            raise StoreError(
                str(path),
                f"cannot be written ({error.strerror})",
                "Give another --history folder",
            ) from error
    return tuple(found)


def _file_name(run_id: str) -> str:
    return re.sub(r"[^\w.-]+", "-", run_id).strip(".") or "run"


def _write_once(path: Path, launches: list[StoredLaunch]) -> bool:
    """Whether the file was not there before."""
    data = b"".join(msgspec.json.encode(launch) + b"\n" for launch in launches)
    if _is_compacted(path, launches[0].run_id):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    beside.write_bytes(data)
    try:
        os.link(beside, path)
    except FileExistsError:
        if path.read_bytes() != data:
            raise StoreError(
                str(path),
                "holds other launches of a run of this name",
                "Delete it to add the run as it is now",
            ) from None
        return False
    finally:
        beside.unlink()
    return True


def _is_compacted(path: Path, run_id: str) -> bool:
    compacted = path.with_name(COMPACTED)
    return compacted.exists() and run_id in runs_in(compacted)
