"""Turns of the phones on one USB hub, whose link the pushes to all of them share."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pocketbench.bench.errors import Cancelled
from pocketbench.bench.paths import state_dir

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

_POLL_S = 0.05


def hub_of(usb_path: str | None) -> str | None:
    """Return the hub of a port such as `usb:1-1.4.1`; `None`: not on USB.

    A port of the computer itself belongs to its bus. macOS names no path, so there each
    phone counts as on a hub of its own.
    """
    if usb_path is None:
        return None
    port = usb_path.removeprefix("usb:")
    return port.rpartition(".")[0] or port.partition("-")[0]


@contextlib.contextmanager
def hub_turn(
    hub: str | None, at_once: int, *, device_id: str, cancel: threading.Event
) -> Iterator[None]:
    """Wait until fewer than so many pushes go over a hub, those of other runs included.

    Raises:
        Cancelled: The event was set meanwhile.
    """
    if hub is None:
        yield
        return
    folder = state_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"hub-{hub}-{slot}.lock" for slot in range(at_once)]
    slots = [FileLock(x, thread_local=False, is_singleton=False) for x in paths]
    while not any(map(_is_acquired, slots)):
        if cancel.wait(_POLL_S):
            raise Cancelled(device_id, "stopped", "It waited for its USB hub")
    try:
        yield
    finally:
        for slot in slots:
            slot.release()


def _is_acquired(slot: FileLock) -> bool:
    try:
        slot.acquire(timeout=0)
    except Timeout:
        return False
    return True
