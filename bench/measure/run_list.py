"""The stored runs of a folder, each by what its first and last lines say."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pocketbench.bench.errors import StoreError
from pocketbench.bench.measure.run_folder import is_written
from pocketbench.bench.measure.store import FILE_NAME, read_lines
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.run import Outcome, RunStarted


class ListedRun(Value, frozen=True, kw_only=True):
    """One run, without its samples."""

    run_id: str
    folder: str
    started_at: str
    models: tuple[str, ...]
    devices: tuple[str, ...]
    """As they were selected."""
    commit: str | None
    launches: int
    outcome: Outcome
    size_bytes: int


class _Line(msgspec.Struct):
    record: str
    outcome: Outcome = "killed"


_line = msgspec.json.Decoder(_Line)
_started = msgspec.json.Decoder(RunStarted)


def list_runs(
    runs_folder: Path,
) -> tuple[tuple[ListedRun, ...], tuple[StoreError, ...]]:
    """Every stored run, oldest first, and why others cannot be read."""
    found: list[ListedRun] = []
    errors: list[StoreError] = []
    for path in sorted(runs_folder.glob(f"*/{FILE_NAME}")):
        try:
            found.append(_listed(path))
        except StoreError as error:
            errors.append(error)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            errors.append(
                StoreError(
                    str(path), f"cannot be read ({error})", "Restore or delete it"
                )
            )
    found.sort(key=lambda run: (run.started_at, run.run_id))
    return tuple(found), tuple(errors)


def _listed(path: Path) -> ListedRun:
    started, launches = None, 0
    outcome: Outcome = "killed"
    for _, text in read_lines(path):
        line = _line.decode(text)
        started = started or _started.decode(text)
        launches += line.record == "launch"
        # Whatever follows an end belongs to a run that was resumed.
        outcome = line.outcome
    if started is None:
        raise StoreError(str(path), "has no first line with the plan", "Delete it")
    return ListedRun(
        run_id=started.run_id,
        folder=str(path.parent),
        started_at=started.started_at,
        models=tuple(dict.fromkeys(model.name for model in started.plan.models)),
        devices=started.plan.device_selectors,
        commit=started.commit,
        launches=launches,
        outcome="running"
        if outcome == "killed" and is_written(path.parent)
        else outcome,
        size_bytes=sum(x.stat().st_size for x in path.parent.rglob("*") if x.is_file()),
    )
