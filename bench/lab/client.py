"""A connection to a lab: its phones, and what their hosts are asked."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from distributed import Client, Future

from pocketbench.bench.errors import UsageError
from pocketbench.bench.lab.part import (
    TOPIC,
    Host,
    Part,
    encode,
    part_of,
    phone_resource,
)
from pocketbench.bench.lab.silence import silence_limit_s
from pocketbench.bench.lab.worker import (
    announce,
    lacking,
    measure_part,
    measured_now,
    take_piece,
)
from pocketbench.bench.records.device import DeviceInfo

_CONNECT_S = 15
_LOOK_S = 1.0
_PIECE_BYTES = 16 << 20
_PIECE_S = 120.0


class Phone(NamedTuple):
    """A phone of the lab, and the worker that has it."""

    id: str
    """Unique in the lab."""
    info: DeviceInfo
    """As its own host knows it."""
    worker: str
    """Address."""
    host: str
    """Name."""


class Lab:
    """A connection to the scheduler of a lab."""

    def __init__(self, client: Client) -> None:
        """Take a connected client."""
        self._client = client
        self._queues: dict[str, queue.SimpleQueue[Mapping[str, Any]]] = {}
        self._sending = threading.Lock()
        self._alive: tuple[float, frozenset[str]] = (0.0, frozenset())
        self._silence_limit_s = silence_limit_s()
        self._is_silent = False
        """Whether the scheduler is connected and does not answer."""
        self._ids: dict[str, str | None] = {}
        self._used: set[str | None] = set()
        """Serial hashes of phones that this run measures on."""
        client.subscribe_topic(TOPIC, self._heard)

    def _heard(self, event: tuple[float, Mapping[str, Any]]) -> None:
        _, message = event
        waiting = self._queues.get(str(message.get("key")))
        if waiting is not None:
            waiting.put(message)

    def phones(self) -> list[Phone]:
        """Every phone that is ready now; one reached by two hosts counts once."""
        scheduler = self._client.sync(
            self._client.scheduler.identity,
            n_workers=-1,
            callback_timeout=self._silence_limit_s,
        )
        names = {
            address: str(worker["name"])
            for address, worker in scheduler["workers"].items()
        }
        answers = self._ask(announce, names)
        ours = importlib.metadata.version("pocketbench")
        found: dict[object, Phone] = {}
        for address, answer in sorted(answers.items()):
            host = msgspec.json.decode(answer, type=Host)
            if host.version != ours:
                raise UsageError(
                    f"lab worker {names.get(address, address)}",
                    f"runs pocketbench {host.version}, this is {ours}",
                    "Install the same version on both",
                )
            for info in host.phones:
                name = names.get(address, address)
                phone = Phone(self._id_of(info, name), info, address, name)
                found.setdefault(info.serial_hash, phone)
        return list(found.values())

    def _ask(
        self, function: Callable[..., Any], workers: Iterable[str]
    ) -> dict[str, Any]:
        """What workers answer, by address, without those that are silent or fail."""

        async def answers() -> list[Any]:
            asked = [
                self._client.run(
                    function,
                    workers=[address],
                    on_error="ignore",
                    callback_timeout=self._silence_limit_s,
                )
                for address in workers
            ]
            return await asyncio.gather(*asked, return_exceptions=True)

        found = self._client.sync(answers)
        return {k: v for x in found if isinstance(x, dict) for k, v in x.items()}

    def _id_of(self, info: DeviceInfo, host: str) -> str:
        """Its own id, which emulators of two hosts may share."""
        if self._ids.setdefault(info.id, info.serial_hash) == info.serial_hash:
            return info.id
        return f"{info.id}@{host}"

    def use(self, phone: Phone) -> Phone:
        """Remember that this run measures on a phone."""
        self._used.add(phone.info.serial_hash)
        return phone

    def keep_for_others(self, spares: Iterable[DeviceInfo]) -> None:
        """Never replace a phone by one whose blocks count for another in this run."""
        self._used.update(info.serial_hash for info in spares)

    def replacement(self, lost: Phone) -> Phone | None:
        """The same phone where it is back, or one of its model that is not used."""
        alive = [x for x in self.phones() if x.worker != lost.worker]
        for phone in alive:
            if phone.info.serial_hash == lost.info.serial_hash:
                return phone
        for phone in alive:
            if phone.info.serial_hash not in self._used and (
                (phone.info.model, phone.info.abis) == (lost.info.model, lost.info.abis)
            ):
                return self.use(phone)
        return None

    def is_alive(self, worker: str) -> bool:
        """Whether the scheduler still has a worker; asked at most once per second."""
        at, workers = self._alive
        if time.monotonic() - at > _LOOK_S:
            try:
                workers = self._workers()
            except OSError as error:
                # The scheduler went away, which `is_connected` reports.
                self._is_silent |= isinstance(error, TimeoutError)
                return True
            self._alive = time.monotonic(), workers
        return worker in workers

    def _workers(self) -> frozenset[str]:
        return frozenset(self._client.nthreads(callback_timeout=self._silence_limit_s))

    @property
    def is_connected(self) -> bool:
        """Whether the scheduler is there, and answers."""
        return bool(self._client.status == "running" and not self._is_silent)

    def busy(self) -> dict[str, tuple[str, ...]]:
        """The parts that each worker measures now, by its address."""
        found = self._ask(measured_now, self._workers())
        return {address: tuple(keys) for address, keys in found.items()}

    def part_on(self, phone: Phone) -> str | None:
        """The part that is measured on a phone now."""
        found = self._ask(measured_now, [phone.worker])
        return part_of(phone.info, found.get(phone.worker, ()))

    def send_files(self, part: Part, worker: str) -> int:
        """Send what a worker's host lacks, one host after another; gives the bytes."""
        wanted = [(x.sha256, x.name) for x in part.files]
        with self._sending:
            to_worker = {"workers": [worker], "callback_timeout": _PIECE_S}
            (missing,) = self._client.run(lacking, wanted, **to_worker).values()
            files = [x for x in part.files if x.sha256 in missing]
            for item in files:
                with open(item.path, "rb") as file:
                    for offset in range(0, max(item.size_bytes, 1), _PIECE_BYTES):
                        self._client.run(
                            take_piece,
                            item.sha256,
                            item.name,
                            item.executable,
                            offset,
                            file.read(_PIECE_BYTES),
                            offset + _PIECE_BYTES >= item.size_bytes,
                            **to_worker,
                        )
        return sum(x.size_bytes for x in files)

    @contextlib.contextmanager
    def measuring(
        self, part: Part, phone: Phone, key: str
    ) -> Iterator[tuple[Future, queue.SimpleQueue[Mapping[str, Any]]]]:
        """Have a worker measure a part; what it sends comes into the queue.

        Whatever runs when the context ends is stopped.
        """
        waiting = self._queues[key] = queue.SimpleQueue()
        future = self._client.submit(
            measure_part,
            encode(part),
            key=key,
            workers=[phone.worker],
            allow_other_workers=False,
            resources={phone_resource(phone.info): 1},
        )
        try:
            yield future, waiting
        finally:
            with contextlib.suppress(Exception):
                future.cancel()
            del self._queues[key]

    def send_mark(self, key: str) -> None:
        """Come back through the queue of a part, behind all that was sent before."""
        self._client.log_event(TOPIC, {"key": key, "mark": True})


@contextlib.contextmanager
def connected(address: str) -> Iterator[Lab]:
    """A connection to a scheduler.

    Raises:
        UsageError: No scheduler answers there.
    """
    # What a run does not survive, it says itself.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"lab {address}",
            f"no scheduler answers ({error})",
            "Start one: `dask scheduler`; for tls:// see docs/labs.md",
        ) from error
    with client:
        yield Lab(client)
