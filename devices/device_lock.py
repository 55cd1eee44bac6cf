"""One pocketbench at a time on a phone, whichever way it is reached."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from pocketbench.bench.errors import Cancelled, DeviceUnavailableError
from pocketbench.bench.paths import state_dir
from pocketbench.bench.records.device import Claim, Holder
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.units import format_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pocketbench.bench.records.device import DeviceInfo

_POLL_S = 0.1


def serial_hash(serial: str) -> str:
    """The first 8 hex digits of the sha256 of a serial."""
    return hashlib.sha256(serial.encode()).hexdigest()[:8]


@contextlib.contextmanager
def device_lock(
    device_id: str,
    phone: str,
    claim: Claim | None = None,
    cancel: threading.Event | None = None,
) -> Iterator[None]:
    """Hold the phone of a serial hash for this process, however it is reached.

    Those that wait get it in the order in which they came. The lock and a place in the
    line end with the process, also when that is killed.

    Args:
        device_id: For errors.
        phone: Its serial hash.
        claim: Whose it is then, and how long it is waited for; `None`: it is not.
        cancel: Ends the wait.

    Raises:
        DeviceUnavailableError: Another run holds it; its pid is named.
        Cancelled: The event was set.
    """
    claim = claim or Claim()
    # The holder is named in a file of its own: who tries a lock empties its file.
    holder = _folder() / f"{phone}.pid"
    lock = _file_lock(_folder() / f"{phone}.lock")
    _wait_in_line(lock, device_id, phone, claim, cancel or threading.Event())
    try:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        mine = Holder(pid=os.getpid(), run_id=claim.run_id, since=since)
        holder.write_bytes(msgspec.json.encode(mine))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def with_holders(infos: Iterable[DeviceInfo]) -> tuple[DeviceInfo, ...]:
    """The devices, with who holds each of them now."""
    return tuple(
        msgspec.structs.replace(info, held_by=_holder_of(info.serial_hash))
        for info in infos
    )


def _holder_of(phone: str | None) -> Holder | None:
    try:
        content = (_folder() / f"{phone}.pid").read_bytes()
        holder = msgspec.json.decode(content, type=Holder)
        os.kill(holder.pid, 0)
    except PermissionError:
        return holder
    except (OSError, msgspec.MsgspecError):
        return None
    return holder


def _wait_in_line(
    lock: FileLock,
    device_id: str,
    phone: str,
    claim: Claim,
    cancel: threading.Event,
) -> None:
    deadline = time.monotonic() + claim.wait_s
    place = _folder() / f"{phone}.{time.time_ns():020d}-{os.getpid()}.waits"
    is_said = False
    with _file_lock(place):
        try:
            while True:
                if _is_first(place, phone):
                    with contextlib.suppress(Timeout):
                        lock.acquire(timeout=0)
                        return
                holder = _holder_of(phone)
                is_ours = holder is not None and holder.pid == os.getpid()
                if is_ours or time.monotonic() >= deadline:
                    raise _busy(device_id, holder, claim.wait_s)
                if not is_said and claim.say is not None:
                    limit = format_span(claim.wait_s)
                    claim.say(f"{device_id}: waiting up to {limit} for {_who(holder)}")
                is_said = True
                if cancel.wait(_POLL_S):
                    raise Cancelled(device_id, "stopped", "Another run was using it")
        finally:
            place.unlink(missing_ok=True)


def _is_first(place: Path, phone: str) -> bool:
    """Whether nobody who still lives came earlier."""
    for other in sorted(_folder().glob(f"{phone}.*.waits")):
        if other.name >= place.name:
            break
        try:
            with _file_lock(other).acquire(timeout=0):
                other.unlink(missing_ok=True)
        except Timeout:
            return False
    return True


def _busy(
    device_id: str, holder: Holder | None, waited_s: float
) -> DeviceUnavailableError:
    reason = FailureReason.DEVICE_BUSY
    after = f", also after {format_span(waited_s)}" if waited_s else ""
    return DeviceUnavailableError(
        device_id, f"in use by {_who(holder)}{after}", reason.remedy, reason
    )


def _who(holder: Holder | None) -> str:
    if holder is None:
        return "another pocketbench run"
    if holder.pid == os.getpid():
        return "this very run, through another connection"
    return f"another pocketbench run ({holder})"


def _folder() -> Path:
    folder = state_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _file_lock(path: Path) -> FileLock:
    return FileLock(path, thread_local=False, is_singleton=False)
