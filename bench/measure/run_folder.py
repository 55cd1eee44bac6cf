"""Run folders: name a new one, find a stored one, and read its records."""

from __future__ import annotations

import contextlib
import os
import secrets
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from pocketbench.bench.errors import StoreError
from pocketbench.bench.measure.store import FILE_NAME, read_lines
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.operator_times import OperatorProfile, ProfileFailure
from pocketbench.bench.records.output_check import OutputCheck, OutputCheckMissing
from pocketbench.bench.records.run import (
    SCHEMA,
    ArtifactReady,
    DeviceReady,
    Outcome,
    Record,
    Run,
    RunEnded,
    RunResumed,
    RunStarted,
)
from pocketbench.bench.records.sustained import SustainedLaunch

_STAMP = "%Y%m%d-%H%M%S"
"""How the name of a run's folder begins."""

_decoder = msgspec.json.Decoder(Record)


def new_run_folder(runs_folder: Path, name: str) -> Path:
    """Name the folder of a run that starts now: by name it is the last of all.

    Under a clock that was set back, and twice in a second, its instant is the one
    after the run before.
    """
    instant = datetime.now(UTC).replace(microsecond=0)
    for known in runs_folder.glob(f"*/{FILE_NAME}"):
        with contextlib.suppress(ValueError):
            stamp = datetime.strptime(known.parent.name[:15], _STAMP)
            instant = max(instant, stamp.replace(tzinfo=UTC) + timedelta(seconds=1))
    return runs_folder / f"{instant.strftime(_STAMP)}-{name}-{secrets.token_hex(2)}"


def find_run(run: str, runs_folder: Path) -> Path:
    """The folder of a run named by path, by id, or as `last`.

    Raises:
        StoreError: There is none.
    """
    for candidate in (Path(run), Path(run).parent, runs_folder / run):
        if os.path.isfile(candidate / FILE_NAME) and (
            candidate != Path(run).parent or Path(run).name == FILE_NAME
        ):
            return candidate
    known = sorted(
        (p.parent for p in runs_folder.glob(f"*/{FILE_NAME}")), key=lambda p: p.name
    )
    if run == "last" and known:
        return known[-1]
    newest = ", ".join(p.name for p in known[-3:]) or f"none in {runs_folder}"
    raise StoreError(run, "no such run", f"Newest runs: {newest}")


def read_run(folder: Path) -> Run:
    """Read a stored run; a torn last line, left by a kill, is passed over.

    Raises:
        StoreError: No such run, a schema of a newer pocketbench, or a bad line.
    """
    path = folder / FILE_NAME
    records: list[Record] = []
    try:
        for number, line in read_lines(path):
            if not records:
                _check_schema(path, line)
            records.append(_decoded(path, number, line))
    except OSError as error:
        raise StoreError(
            str(path), f"cannot be read ({error.strerror})", "Give a run folder"
        ) from error
    if not records or not isinstance(records[0], RunStarted):
        raise StoreError(
            str(path), "has no first line with the plan", "Give another run"
        )
    return _gather(folder, records[0], records)


def is_written(folder: Path) -> bool:
    """Whether a pocketbench measures into the run's folder now."""
    lock = folder / ".lock"
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # another user's folder
        return False


def _decoded(path: Path, number: int, line: bytes) -> Record:
    try:
        record: Record = _decoder.decode(line)
        _check(record)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise StoreError(
            f"{path}:{number}",
            f"not a record of pocketbench ({error})",
            "Restore the file, or remove this line to lose only this record",
        ) from error
    return record


def _check(record: Record) -> None:
    """See that what is calculated with can be: instants, and the looks of a plan.

    Raises:
        ValueError: It cannot.
        OverflowError: An instant lies outside all calendars.
    """
    if isinstance(record, RunStarted | RunResumed | Launch):
        datetime.fromisoformat(record.started_at).timestamp()
    if isinstance(record, RunStarted):
        looks = record.plan.workload.looks
        if any(after <= before for before, after in pairwise((0, *looks))):
            raise ValueError("the looks of its plan do not increase")


def _check_schema(path: Path, line: bytes) -> None:
    class Head(msgspec.Struct):
        schema: int = SCHEMA

    try:
        head = msgspec.json.decode(line, type=Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    if head.schema > SCHEMA:
        raise StoreError(
            str(path),
            f"written with schema {head.schema}, this pocketbench reads {SCHEMA}",
            "Update pocketbench",
        )


def _gather(folder: Path, started: RunStarted, records: list[Record]) -> Run:
    artifacts: dict[tuple[str, str], Artifact] = {}
    devices: dict[str, DeviceReady] = {}
    launches: list[Launch] = []
    sustained: list[SustainedLaunch] = []
    failures: list[Failure] = []
    profiles: dict[tuple[str, str, str, int], OperatorProfile | ProfileFailure] = {}
    checks: dict[tuple[str, str, str], OutputCheck | OutputCheckMissing] = {}
    outcome: Outcome = "killed"
    for record in records:
        match record:
            case ArtifactReady(artifact=artifact):
                artifacts[artifact.model, artifact.variant] = artifact
            case DeviceReady(device=device):
                devices[device.id] = record
            case Launch():
                launches.append(record)
            case SustainedLaunch():
                sustained.append(record)
            case Failure():
                failures.append(record)
            case OperatorProfile(device_id=device_id, model=model):
                # The failure that this attempt made good.
                profiles.pop((device_id, model, record.variant_id, -1), None)
                key = (device_id, model, record.variant_id, record.block)
                profiles[key] = record
            case ProfileFailure(device_id=device_id, model=model):
                profiles[device_id, model, record.variant_id, -1] = record
            case OutputCheck() | OutputCheckMissing():
                checks[record.device_id, record.model, record.variant_id] = record
            case RunResumed():
                outcome = "killed"
            case RunEnded():
                outcome = record.outcome
            case RunStarted():
                pass
    return Run(
        folder=str(folder),
        started=started,
        artifacts=tuple(artifacts.values()),
        devices=tuple(devices.values()),
        launches=tuple(launches),
        sustained=tuple(sustained),
        failures=tuple(failures),
        profiles=tuple(profiles.values()),
        output_checks=tuple(checks.values()),
        outcome="running" if outcome == "killed" and is_written(folder) else outcome,
    )
