"""Simulated phones in the foreground, connected to the user's own adb server."""

from __future__ import annotations

import contextlib
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.bench.errors import ToolMissingError, UsageError
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.android.adb.server import (
    ensure_running,
    server_from_environment,
)
from pocketbench.devices.simulated import profile
from pocketbench.devices.simulated.changes import heat_changes
from pocketbench.devices.simulated.driver import connected, why_not
from pocketbench.devices.simulated.phone.system_root import check_system_image
from pocketbench.devices.simulated.phone.translator import abi_of
from pocketbench.devices.simulated.running import running_phone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pocketbench.devices.simulated.phone.system_root import Root
    from pocketbench.devices.simulated.running import RunningPhone

_POLL_S = 0.2


def list_profiles() -> tuple[tuple[str, str, str], ...]:
    """Every phone that can be simulated: profile, model, Android version."""
    loaded = map(profile.load, profile.names())
    return tuple(
        (found.name, found.modelled_on, found.identity.android) for found in loaded
    )


def check_possible() -> None:
    """Do nothing where phones can be simulated.

    Raises:
        ToolMissingError: They cannot be here; says what would allow it.
    """
    remedy = why_not()
    if remedy is not None:
        raise ToolMissingError(
            "simulated phones", "this kernel allows no user namespaces", remedy
        )


def run_phones(
    profiles: Sequence[str],
    *,
    name: str | None,
    heat: Sequence[str] = (),
    changes: Sequence[str] = (),
    root: Root | None = None,
    system_image: Path | None = None,
    show: Callable[[str], None],
) -> None:
    """Run phones until Ctrl-C, SIGTERM, or until the last of them has ended.

    Args:
        profiles: What they are modelled on; the same one may come again.
        name: Whose file system the only phone has; its profile's unless given.
        heat: `KEY=VALUE` of a script by which all of them grow hot.
        changes: `PATH=VALUE`: what else is different from their profiles.
        root: What they show of this computer; `android` unless given.
        system_image: A copy of a phone's /system, for phones with its C library.
        show: Called with each line for the user.

    Raises:
        UnknownNameError: There is no such profile.
        UsageError: One name was given for several phones, or a change makes no sense.
        ToolMissingError: No adb, or no user namespaces.
        DeviceUnavailableError: A phone of that name runs already.
    """
    if name is not None and len(profiles) > 1:
        raise UsageError(
            "--name", "it names one phone, and several are asked for", "Leave it out"
        )
    changes = (*changes, *heat_changes(heat))
    loaded = [profile.load(each, changes) for each in profiles]
    check_possible()
    if system_image is not None:
        check_system_image(system_image, [abi_of(each) for each in loaded])
    adb = find_adb()
    server = server_from_environment(None, None)
    ensure_running(server, adb)
    with _interrupts() as interrupted, contextlib.ExitStack() as stack:
        running: list[tuple[str, RunningPhone]] = []
        for number, found in enumerate(loaded):
            earlier = [x.name for x in loaded[:number]].count(found.name)
            phone_name = name or (f"{found.name}-{earlier + 1}" if earlier else None)
            phone = stack.enter_context(
                running_phone(
                    found.name,
                    name=phone_name,
                    changes=changes,
                    root=root,
                    system_image=system_image,
                    adb_keys=[Path.home() / ".android" / "adbkey.pub"],
                )
            )
            device_id = f"android:{phone.serial}"
            stack.enter_context(
                connected(
                    adb,
                    server,
                    phone.serial,
                    device_id=device_id,
                    cancel=interrupted,
                )
            )
            running.append((phone_name or found.name, phone))
            show(
                f"{phone_name or found.name}: {phone.serial}, {abi_of(found)}, "
                f"modelled on {found.modelled_on}"
            )
        show("")
        show("Programs on them run on this computer's CPU. In another terminal:")
        show(f"  adb -s {running[0][1].serial} shell")
        show(
            "  pocketbench run mobilenet_v2 --quick "
            + " ".join(f"--device android:{phone.serial}" for _, phone in running)
        )
        show("Ctrl-C here switches them off.")
        while running and not interrupted.wait(_POLL_S):
            for each in [each for each in running if not each[1].is_running]:
                show(f"{each[0]}: it has ended")
                running.remove(each)


@contextlib.contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, in place of what they did before."""
    event = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: event.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
