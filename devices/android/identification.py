"""Ask a phone who it is, and later only whether it is the same still."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.errors import DeviceUnavailableError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.identity import (
    BOOT_ID_SCRIPT,
    IDENTITY_SCRIPT,
    device_info,
    parse_properties,
    parse_sections,
    serial_number,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocketbench.bench.records.device import DeviceInfo
    from pocketbench.devices.android.shell.shell import AdbShell

logger = logging.getLogger(__name__)

IDENTITY_TIMEOUT_S = 20.0


class Identity(NamedTuple):
    """Who answered, and since when it runs."""

    info: DeviceInfo
    properties: Mapping[str, str]
    """All of `getprop`."""
    boot_id: str
    """Another one each time that a phone starts; empty where it is not readable."""


def is_still(known: Identity, shell: AdbShell) -> bool:
    """Whether the phone that answered before answers, and has not restarted.

    Raises:
        DeviceUnavailableError: It is listed as ready and does not answer.
        DeviceLostError: It went away meanwhile.
    """
    if not known.boot_id:
        return False
    done = shell.run(["sh", "-c", BOOT_ID_SCRIPT], timeout_s=IDENTITY_TIMEOUT_S)
    if done.timed_out:
        raise _silent(known.info.id)
    return done.stdout.decode("utf-8", "replace").strip() == known.boot_id


def read_identity(
    shell: AdbShell, *, device_id: str, family: str, serial: str
) -> Identity:
    """Ask a phone who it is, in one round trip.

    Raises:
        DeviceUnavailableError: It is listed as ready and does not answer.
        DeviceLostError: It went away meanwhile.
    """
    done = shell.run(["sh", "-c", IDENTITY_SCRIPT], timeout_s=IDENTITY_TIMEOUT_S)
    sections = parse_sections(done.stdout)
    properties = parse_properties(sections.get("getprop", ""))
    if done.timed_out:
        raise _silent(device_id)
    if not properties:
        raise _unready(device_id, "does not report its properties")
    info = device_info(sections, device_id=device_id, family=family, serial=serial)
    logger.debug("%s: serial %s", device_id, serial_number(properties) or serial)
    return Identity(info, properties, sections.get("boot_id", "").strip())


def _silent(device_id: str) -> DeviceUnavailableError:
    return _unready(device_id, f"does not answer within {IDENTITY_TIMEOUT_S:.0f} s")


def _unready(device_id: str, fact: str) -> DeviceUnavailableError:
    next_step = "Unlock it, replug it, or restart it"
    return DeviceUnavailableError(device_id, fact, next_step, FailureReason.OFFLINE)
