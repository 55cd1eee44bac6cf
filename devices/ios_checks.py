"""Which of the programs are here that reach Apple devices."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench.doctor.report import Check
from bench.errors import ToolMissingError
from devices.ios_tools import find_pymobiledevice3, find_xcrun


def check_tools() -> tuple[Check, ...]:
    """Xcode on a Mac; pymobiledevice3 anywhere."""
    found = [
        _check("pymobiledevice3", "iPhones, without Xcode", find_pymobiledevice3),
    ]
    if sys.platform == "darwin":
        found.insert(0, _check("Xcode", "iPhones and iOS simulators", find_xcrun))
    else:
        found.insert(
            0,
            Check(
                name="Xcode",
                needed_for="iPhones and iOS simulators",
                is_there=False,
                fact="exists only on a Mac",
            ),
        )
    return tuple(found)


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
