"""Leases of phones, listed on this computer until they are given back.

A run that is killed cannot give its phone back. So every command looks at the list.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import msgspec
from filelock import Timeout

from pocketbench.bench import registry
from pocketbench.bench.errors import PocketbenchError, ServiceError
from pocketbench.bench.paths import held_entry, state_dir, sync_folder
from pocketbench.bench.records.device import DeviceDriver
from pocketbench.bench.records.record import Value

logger = logging.getLogger(__name__)

FOLDER = "leases"

MakeDriver = Callable[[Any], DeviceDriver]
Restore = Callable[[MakeDriver | None], None]
"""Takes what makes the drivers of phones; `None`: this computer's own."""


class Lease(Value, frozen=True, kw_only=True):
    """What is reserved for us; the token to the lab is never written down."""

    url: str
    serial: str
    """The phone's serial, or the lease's own name."""
    lab: str = "stf"


@contextlib.contextmanager
def leased(
    lease: Lease, take: Callable[[], bool], give_back: Callable[[], None]
) -> Iterator[bool]:
    """Take a lease, which is listed until it is given back; `False`: it is taken.

    Raises:
        Timeout: Another run on this computer has it.
    """
    entry = state_dir() / FOLDER / quote(f"{lease.url}/{lease.serial}", safe="")
    with held_entry(entry, "lease"):
        entry.parent.mkdir(mode=0o700, exist_ok=True)
        entry.write_bytes(msgspec.json.encode(lease))
        sync_folder(entry.parent)
        if not take():
            # It may be leased by the same user on another computer: no release.
            entry.unlink(missing_ok=True)
            yield False
            return
        try:
            yield True
        finally:
            try:
                give_back()
                entry.unlink(missing_ok=True)
            except ServiceError as error:
                logger.warning("%s is not released: %s", lease.serial, error)


def release_listed(say: Callable[[str], None], restore: Restore | None) -> None:
    """Give back every listed lease that no running pocketbench uses.

    What cannot be given back now stays on the list and is said.

    Args:
        say: Takes one line.
        restore: Puts back what runs have changed on phones; `None`: nothing was.
    """
    folder = state_dir() / FOLDER
    for entry in sorted(folder.iterdir()):
        try:
            with held_entry(entry, "lease"):
                lease = msgspec.json.decode(entry.read_bytes(), type=Lease)
                registry.load(registry.GIVE_BACK, "lab", lease.lab)(lease, restore)
                entry.unlink(missing_ok=True)
                continue
        except (Timeout, FileNotFoundError):
            # A run goes on, or has just given it back itself.
            continue
        except ImportError as error:
            fact = f"{error.name} is not installed"
        except (PocketbenchError, OSError, msgspec.DecodeError) as error:
            fact = error.fact if isinstance(error, PocketbenchError) else str(error)
        say(
            f"Note: a phone leased by an earlier run is not released yet: {fact}. "
            f"The next command tries again; to give up, remove {entry}"
        )
    with contextlib.suppress(OSError):
        folder.rmdir()
