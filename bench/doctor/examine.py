"""Looks at this computer and its devices, and changes nothing on them."""

from __future__ import annotations

import importlib.metadata
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from pocketbench.bench import registry
from pocketbench.bench.conditions.parts import parts_of
from pocketbench.bench.doctor.advice import advice_of
from pocketbench.bench.errors import PocketbenchError
from pocketbench.bench.records.device import SupportsStorage
from pocketbench.bench.records.doctor_report import (
    AdbFound,
    Check,
    DeviceFound,
    DoctorReport,
    RunnerFound,
)
from pocketbench.bench.records.families import family_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.planning.selection import SelectedDevice
    from pocketbench.bench.records.conditions import Conditions, Missing
    from pocketbench.bench.records.device import DeviceInfo


def examine(
    host: SelectedDevice,
    selected: Sequence[SelectedDevice],
    *,
    adb: AdbFound,
    troubles: Sequence[str] = (),
) -> DoctorReport:
    """Look at everything, devices side by side.

    Args:
        host: This computer.
        selected: Every other device.
        adb: As it was before anything was looked for, which may start its server.
        troubles: What is already known not to work, a line each.
    """
    with ThreadPoolExecutor(max_workers=2 + len(selected)) as pool:
        devices = [pool.submit(_look_at, each) for each in (host, *selected)]
        checks: dict[str, tuple[Check, ...]] = {
            name: registry.load(registry.CHECKS, "check", name)()
            for name in registry.CHECKS
        }
        found = tuple(future.result() for future in devices)
    return DoctorReport(
        pocketbench_version=importlib.metadata.version("pocketbench"),
        host=found[0],
        checks=checks,
        adb=adb,
        devices=found[1:],
        troubles=tuple(troubles),
    )


def look_at_adb() -> AdbFound:
    """The adb program and whether a server of its own version runs; starts none."""
    found: AdbFound = registry.load(registry.ADB, "adb check", "look")()
    return found


def runners_for(info: DeviceInfo) -> tuple[RunnerFound, ...]:
    """Which of our programs can run on a device."""
    table = registry.RUNNER_CHECKS
    name = info.family if info.family in table else registry.ANY_FAMILY
    found: tuple[RunnerFound, ...] = registry.load(table, "runner check", name)(info)
    return found


def _look_at(selected: SelectedDevice) -> DeviceFound:
    info = selected.info
    conditions: Conditions | None = None
    free_bytes: int | Missing | None = None
    trouble: PocketbenchError | None = None
    if info.state == "ready" and family_of(info).can_examine:
        try:
            info, conditions, free_bytes = _read(selected)
        except PocketbenchError as error:
            trouble = error
    found = DeviceFound(
        device=info,
        # A phone that is not ready does not even report its ABI.
        runners=runners_for(info) if info.abis else (),
        conditions=conditions,
        parts=parts_of(conditions) if conditions is not None else (),
        free_bytes=free_bytes,
        trouble=trouble.fact if trouble else None,
        remedy=trouble.next_step if trouble else info.remedy,
    )
    return msgspec.structs.replace(found, advice=advice_of(found))


def _read(
    selected: SelectedDevice,
) -> tuple[DeviceInfo, Conditions | None, int | Missing | None]:
    driver = selected.driver
    with driver.open(selected.info, cancel=threading.Event()) as device:
        free_bytes = (
            device.free_bytes() if isinstance(device, SupportsStorage) else None
        )
        return device.info, device.conditions(), free_bytes
