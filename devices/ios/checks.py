"""Check for the programs that reach Apple devices."""

from __future__ import annotations

from collections.abc import Callable

from pocketbench.bench.errors import ToolMissingError
from pocketbench.bench.records.doctor_report import Check
from pocketbench.devices.ios.tools import find_pymobiledevice3, find_xcrun


def check_tools() -> tuple[Check, ...]:
    """Xcode, which only a Mac has; pymobiledevice3 anywhere."""
    return (
        _check("Xcode", "iPhones and iOS simulators", find_xcrun),
        _check("pymobiledevice3", "iPhones, without Xcode", find_pymobiledevice3),
    )


def _check(name: str, needed_for: str, find: Callable[[], str]) -> Check:
    try:
        return Check(name=name, needed_for=needed_for, is_there=True, fact=find())
    except ToolMissingError as error:
        return Check(
            name=name,
            needed_for=needed_for,
            is_there=False,
            fact=error.fact,
            remedy=error.next_step,
        )
