"""Phones whose settings a run has changed, listed on this computer until restored.

A run that is killed cannot restore anything, and the run that continues it may have
nothing left to do on that phone. So every command looks at the list first.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from filelock import Timeout

from pocketbench.bench.errors import PocketbenchError
from pocketbench.bench.measure.prepare import make_driver
from pocketbench.bench.paths import held_entry, state_dir, sync_folder
from pocketbench.bench.planning.selection import Selector, select
from pocketbench.bench.records.device import DeviceDriver, SupportsQuiesce

FOLDER = "changed-phones"


@contextlib.contextmanager
def listed(device_id: str, device: SupportsQuiesce) -> Iterator[None]:
    """Keep a device on the list until its settings are restored."""
    entry = _entry(device_id)
    with held_entry(entry, "changed"):
        entry.parent.mkdir(mode=0o700, exist_ok=True)
        entry.touch()
        sync_folder(entry.parent)
        try:
            yield
        finally:
            if device.is_restored:
                entry.unlink(missing_ok=True)


def restore_listed(
    say: Callable[[str], None], make: Callable[[Selector], DeviceDriver] | None = None
) -> None:
    """Restore every listed phone that no running pocketbench uses.

    What cannot be restored now stays on the list and is said.

    Args:
        say: Takes one line.
        make: Makes the driver of a phone that is leased elsewhere.
    """
    folder = state_dir() / FOLDER
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        device_id = unquote(entry.name)
        try:
            with held_entry(entry, "changed"):
                _restore(device_id, make or make_driver)
                entry.unlink(missing_ok=True)
        except Timeout:
            continue
        except (PocketbenchError, OSError) as error:
            fact = error.fact if isinstance(error, PocketbenchError) else str(error)
            say(
                f"Note: {device_id}: settings changed by an earlier run are not "
                f"restored yet: {fact}. The next command tries again; to give up, "
                f"remove {entry}"
            )
    with contextlib.suppress(OSError):
        folder.rmdir()


def _restore(device_id: str, make: Callable[[Selector], DeviceDriver]) -> None:
    (chosen,) = select([device_id], make)
    with chosen.driver.open(chosen.info, cancel=threading.Event()) as device:
        if isinstance(device, SupportsQuiesce) and not device.restore():
            raise PocketbenchError(device_id, "it refuses to take them back", "")


def _entry(device_id: str) -> Path:
    return state_dir() / FOLDER / quote(device_id, safe="")
