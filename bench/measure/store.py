"""The run folder: append one flushed JSON line a record, and read them back."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from types import TracebackType

import msgspec

from pocketbench.bench.errors import StoreError
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

FILE_NAME = "run.jsonl"

_decoder = msgspec.json.Decoder(Record)
_encoder = msgspec.json.Encoder()


class Store:
    """Appends records to one run's file; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Open the run file for appending; makes the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = threading.Lock()
        path = folder / FILE_NAME
        _end_torn_line(path)
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> Store:
        """Use as a context that closes the file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def append(self, record: Record) -> None:
        """Write one record as one line, in one write, past every buffer of ours."""
        line = _encoder.encode(record) + b"\n"
        with self._lock:
            self._file.write(line)

    def close(self) -> None:
        """Close the file after its bytes reached the disk."""
        with self._lock:
            if not self._file.closed:
                os.fsync(self._file.fileno())
                self._file.close()


def _end_torn_line(path: Path) -> None:
    """Cut off a last line that a kill left without its end."""
    if not path.exists():
        return
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)


def find_run(run: str, runs_folder: Path) -> Path:
    """The folder of a run named by path, by id, or as `last`.

    Raises:
        StoreError: There is none.
    """
    for candidate in (Path(run), Path(run).parent, runs_folder / run):
        if (candidate / FILE_NAME).is_file() and (
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
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise StoreError(
            str(path), f"cannot be read ({error.strerror})", "Give a run folder"
        ) from error
    torn = lines.pop()
    records: list[Record] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if number == 1:
            _check_schema(path, line)
        try:
            records.append(_decoder.decode(line))
        except msgspec.DecodeError as error:
            raise StoreError(
                f"{path}:{number}",
                f"not a record of pocketbench ({error})",
                "Restore the file, or remove this line to lose only this record",
            ) from error
    if torn:
        # A kill came in the middle of this line; the rest stands.
        with contextlib.suppress(msgspec.DecodeError):
            records.append(_decoder.decode(torn))
    if not records or not isinstance(records[0], RunStarted):
        raise StoreError(
            str(path), "has no first line telling the plan", "Give another run"
        )
    return _gather(folder, records[0], records)


def _check_schema(path: Path, line: bytes) -> None:
    class Head(msgspec.Struct):
        schema: int = SCHEMA

    try:
        head = msgspec.json.decode(line, type=Head)
    except msgspec.DecodeError:
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
    profiles: dict[tuple[str, str, str], OperatorProfile | ProfileFailure] = {}
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
            case OperatorProfile() | ProfileFailure():
                profiles[record.device_id, record.model, record.variant_id] = record
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
        outcome=outcome,
    )
