"""A host with phones: what it announces, and what Dask runs on it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.metadata
import logging
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from distributed import Status, Worker, get_worker
from distributed.comm import connect
from distributed.security import Security

from pocketbench.bench import registry
from pocketbench.bench.errors import Cancelled, UsageError
from pocketbench.bench.lab.part import (
    TOPIC,
    Host,
    Part,
    decode,
    job_of,
    moved,
    phone_resource,
)
from pocketbench.bench.lab.silence import silence_limit_s
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.execute import measure
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.prepacking import with_prepacked
from pocketbench.bench.measure.spacing import LaunchSpacing
from pocketbench.bench.measure.store import Store, utc_now
from pocketbench.bench.paths import cache_dir, state_dir
from pocketbench.bench.records.device import Claim, DeviceInfo, SupportsClaim
from pocketbench.bench.records.families import PHONES
from pocketbench.bench.records.run import Record

logger = logging.getLogger(__name__)

PHONES_AT_ONCE = 256
_CHECK_S = 0.5
_AGAIN_S = 5.0
_CONNECT_S = 15.0

_SPACING = LaunchSpacing()
"""All phones of this host share it, whichever run they are measured for."""

Wanted = tuple[str, str]
"""sha256 and file name."""


async def serve(scheduler: str, *, name: str, say: Callable[[str], None]) -> None:
    """Announce this host's phones to a scheduler until the process is stopped.

    A scheduler that goes away is waited for; what runs for it is stopped.

    Raises:
        KeyboardInterrupt: SIGTERM, or the terminal was closed.
    """
    # What becomes of the lab is said here; Dask's log is for who looks after Dask.
    logging.getLogger("distributed").setLevel(logging.ERROR)
    serving = asyncio.ensure_future(_serve(scheduler, name, say))
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _serve(scheduler: str, name: str, say: Callable[[str], None]) -> None:
    is_said = False
    while True:
        if (trouble := await _trouble_with(scheduler)) is not None:
            if not is_said:
                say(f"{scheduler}: no scheduler answers ({trouble}); trying again")
            is_said = True
            await asyncio.sleep(_AGAIN_S)
            continue
        worker = Worker(
            scheduler,
            name=name,
            nthreads=PHONES_AT_ONCE,
            memory_limit=None,
            dashboard=False,
        )
        try:
            async with worker:
                phones = msgspec.json.decode(await announce(worker), type=Host).phones
                names = ", ".join(f"{x.name} ({x.id})" for x in phones) or "no phone"
                say(f"{name} at {worker.address}: {names}")
                await _until_gone(worker)
        except OSError as error:
            logger.info("%s: %r", scheduler, error)
        except RuntimeError as error:
            # What a worker's connections raise once it closes: it lost its scheduler,
            # and closes for as long as a part needs to stop.
            if worker.status is Status.running:
                raise
            logger.info("%s: %r", scheduler, error)
        say(f"{scheduler} went away; trying again")
        is_said = True
        await asyncio.sleep(_AGAIN_S)


async def _until_gone(worker: Worker) -> None:
    """Wait until the scheduler closes the connection.

    Raises:
        OSError: It does not answer.
        RuntimeError: The worker closes.
    """
    finished = asyncio.ensure_future(worker.finished())
    try:
        while not finished.done():
            async with asyncio.timeout(silence_limit_s()):
                await worker.scheduler.ncores(workers=[])
            await asyncio.wait([finished], timeout=_AGAIN_S)
    finally:
        finished.cancel()


async def _trouble_with(scheduler: str) -> str | None:
    """Why a scheduler cannot be joined now; Dask's own worker waits without a word.

    Raises:
        UsageError: It never can: what TLS needs is not set.
    """
    try:
        options = Security().get_connection_args("worker")
        comm = await connect(scheduler, timeout=_CONNECT_S, **options)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"lab {scheduler}", f"cannot be joined ({error})", "See docs/labs.md"
        ) from error
    except OSError as error:
        return str(error)
    await comm.close()
    return None


async def announce(dask_worker: Worker) -> bytes:
    """See which phones are ready now, announce each, and describe them."""
    phones = await asyncio.to_thread(_ready_phones)
    known = dict.fromkeys(dask_worker.state.total_resources, 0)
    found = {phone_resource(x): 1 for x in phones}
    await dask_worker.set_resources(**(known | found))
    version = importlib.metadata.version("pocketbench")
    return msgspec.json.encode(Host(version=version, phones=phones))


def _ready_phones() -> tuple[DeviceInfo, ...]:
    driver = registry.load(registry.DEVICES, "device family", PHONES)()
    return tuple(x for x in driver.discover() if x.state == "ready")


def _place(sha256: str, name: str) -> Path:
    return cache_dir() / "lab" / sha256 / name


def lacking(files: Sequence[Wanted]) -> list[str]:
    """The sha256 of those files that this host does not have."""
    return [sha256 for sha256, name in files if not _place(sha256, name).is_file()]


def take_piece(
    sha256: str, name: str, executable: bool, offset: int, data: bytes, is_last: bool
) -> None:
    """Write a piece of a file; the last one moves it to its place, verified.

    Raises:
        ValueError: It came damaged.
    """
    place = _place(sha256, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    coming = place.with_name(f".coming-{name}")
    with coming.open("r+b" if offset else "wb") as file:
        file.seek(offset)
        file.write(data)
    if not is_last:
        return
    with coming.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            coming.unlink()
            raise ValueError(f"{name} came damaged")
    coming.chmod(0o755 if executable else 0o644)
    coming.replace(place)


def measure_part(payload: bytes) -> list[str]:
    """Measure one phone's part; its records as JSON, also sent as they are made.

    Stops when its future is cancelled, its client is gone, or the scheduler is.
    """
    worker = get_worker()
    key = str(worker.get_current_task())
    worker.log_event(TOPIC, {"key": key, "clock": utc_now()})
    part = decode(payload)
    part = moved(part, {x.sha256: str(_place(x.sha256, x.name)) for x in part.files})
    driver = registry.load(registry.DEVICES, "device family", part.info.family)()
    observer = _SendingObserver(worker, key)
    if isinstance(driver, SupportsClaim):
        driver.claim = _claim_of(part, observer)
    deadline = None if part.left_s is None else time.monotonic() + part.left_s
    job = job_of(part, driver, deadline)
    with (
        tempfile.TemporaryDirectory(prefix="pocketbench-lab-") as folder,
        contextlib.closing(_SendingStore(Path(folder), worker, key)) as store,
        _stopped_with(worker, key) as cancel,
        contextlib.suppress(Cancelled),
    ):
        run = RunContext(
            part.plan,
            store,
            CpuLease(state_dir() / "lease"),
            observer,
            cancel,
            _SPACING,
        )
        jobs = with_prepacked(run, [job])
        measure(run, jobs, launches=part.launches, failures=part.failures)
    return store.lines


def _claim_of(part: Part, observer: Observer) -> Claim:
    """The run's claim on the phone, as on its own computer."""
    device_id = part.info.id

    def say(text: str) -> None:
        observer.note(device_id, text.removeprefix(f"{device_id}: "))

    return Claim(part.run_id, part.wait_s, say, pushes_per_hub=part.pushes_per_hub)


def measured_now(dask_worker: Worker) -> list[str]:
    """The parts that a worker measures, without those that wait for their phone."""
    return [str(task.key) for task in dask_worker.state.executing]


class _SendingStore(Store):
    """Keeps records, and sends each as soon as it is there."""

    def __init__(self, folder: Path, worker: Worker, key: str) -> None:
        super().__init__(folder)
        self.lines: list[str] = []
        self._worker, self._key = worker, key
        self._order = threading.Lock()

    def append(self, record: Record) -> None:
        line = msgspec.json.encode(record).decode()
        with self._order:
            message = {"key": self._key, "number": len(self.lines), "line": line}
            self.lines.append(line)
            self._worker.log_event(TOPIC, message)


class _SendingObserver(Observer):
    """Sends notes: what takes long on the phone."""

    def __init__(self, worker: Worker, key: str) -> None:
        self._worker, self._key = worker, key

    def note(self, subject: str, text: str) -> None:
        self._worker.log_event(TOPIC, {"key": self._key, "note": text})


@contextlib.contextmanager
def _stopped_with(worker: Worker, key: str) -> Iterator[threading.Event]:
    """An event that is set when nobody waits for a task any more."""
    cancel, over = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(_CHECK_S):
            task = worker.state.tasks.get(key)
            if (
                worker.status is not Status.running
                or task is None
                or task.state == "cancelled"
            ):
                logger.info("%s is not waited for any more", key)
                cancel.set()
                return

    watcher = threading.Thread(target=watch, name=f"watch {key}", daemon=True)
    watcher.start()
    try:
        yield cancel
    finally:
        over.set()
        watcher.join()
