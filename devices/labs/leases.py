"""Leases of phones, listed on this computer until they are given back.

A run that is killed cannot give its phone back. So every command looks at the list.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from urllib.parse import quote

import msgspec
from filelock import Timeout

from pocketbench.bench.errors import PocketbenchError, ServiceError
from pocketbench.bench.paths import held_entry, state_dir, sync_folder
from pocketbench.bench.records.record import Value
from pocketbench.devices.labs.stf_api import StfApi, api_from_environment

logger = logging.getLogger(__name__)

FOLDER = "leases"


class Lease(Value, frozen=True, kw_only=True):
    """A phone that is reserved for us; its token is never written down."""

    url: str
    serial: str


@contextlib.contextmanager
def leased(api: StfApi, serial: str) -> Iterator[bool]:
    """Lease a phone, which is listed until it is given back; `False`: it is taken.

    Raises:
        Timeout: Another run on this computer has it.
    """
    entry = state_dir() / FOLDER / quote(f"{api.url}/{serial}", safe="")
    with held_entry(entry, "lease"):
        entry.parent.mkdir(mode=0o700, exist_ok=True)
        entry.write_bytes(msgspec.json.encode(Lease(url=api.url, serial=serial)))
        sync_folder(entry.parent)
        if not api.take(serial):
            # It may be leased by the same user on another computer: no release.
            entry.unlink(missing_ok=True)
            yield False
            return
        try:
            yield True
        finally:
            try:
                api.release(serial)
                entry.unlink(missing_ok=True)
            except ServiceError as error:
                logger.warning("%s is not released: %s", serial, error)


def release_listed(say: Callable[[str], None]) -> None:
    """Give back every listed phone that no running pocketbench uses.

    What cannot be given back now stays on the list and is said.
    """
    folder = state_dir() / FOLDER
    for entry in sorted(folder.iterdir()):
        try:
            with held_entry(entry, "lease"):
                lease = msgspec.json.decode(entry.read_bytes(), type=Lease)
                api = api_from_environment()
                if api.url == lease.url:
                    api.release(lease.serial)
                    entry.unlink(missing_ok=True)
                    continue
                fact = f"STF_URL is not {lease.url}"
        except (Timeout, FileNotFoundError):
            # A run goes on, or has just given it back itself.
            continue
        except (PocketbenchError, OSError, msgspec.DecodeError) as error:
            fact = error.fact if isinstance(error, PocketbenchError) else str(error)
        say(
            f"Note: a phone leased by an earlier run is not released yet: {fact}. "
            f"The next command tries again; to give up, remove {entry}"
        )
    with contextlib.suppress(OSError):
        folder.rmdir()
