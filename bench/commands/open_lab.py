"""Open what makes the drivers of a run's devices: this computer, or a lab."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pocketbench.bench import registry
from pocketbench.bench.errors import ToolMissingError, UsageError
from pocketbench.bench.measure.device_job import SupportsSession
from pocketbench.bench.measure.prepare import make_driver
from pocketbench.bench.planning.selection import SelectedDevice, Selector
from pocketbench.bench.records.device import DeviceDriver
from pocketbench.bench.records.plan import Plan

_OWN_EXTRAS = ("jumpstarter",)
"""Labs whose packages are not in the extra `lab`."""

MakeDriver = Callable[[Selector], DeviceDriver]


@contextmanager
def opened_lab(
    address: str | None, wait_s: float, say: Callable[[str], None]
) -> Iterator[MakeDriver]:
    """What makes drivers: of this computer, or of a lab while the context goes on.

    Args:
        address: `None`: this computer.
        wait_s: How long a phone that somebody else has leased is waited for.
        say: Takes one line, when it is.

    Raises:
        NoDeviceError: No phone of the lab became free in time.
        UsageError: No such lab, or it does not answer.
    """
    if address is None:
        yield make_driver
        return
    kind, colon, _ = address.partition(":")
    if not colon or kind not in registry.LABS:
        raise UsageError(
            f"--lab {address}",
            "is no address of a lab",
            "Give tcp://HOST:8786, stf:SELECTOR or jumpstarter:SELECTOR",
        )
    open_it = load_lab(registry.LABS, kind, f"--lab {address}")
    with open_it(address, wait_s, say) as make:
        yield make


def load_lab(table: Mapping[str, str], name: str, subject: str) -> Any:
    """Load what may need the packages of the extra `lab`, or of the lab's own.

    Raises:
        ToolMissingError: One of them is not installed.
    """
    try:
        return registry.load(table, "lab", name)
    except ImportError as error:
        raise ToolMissingError(
            subject,
            f"needs a package that is not installed ({error.name})",
            f"Run: pip install 'pocketbench[{name if name in _OWN_EXTRAS else 'lab'}]'",
        ) from error


def check_at_hand(plan: Plan, selected: Sequence[SelectedDevice]) -> None:
    """Refuse what needs a device of this computer, on those of a lab.

    Raises:
        UsageError: Names it.
    """
    asked = "--check" if plan.outputs else "--profile" if plan.profile else None
    for device in selected:
        if asked and isinstance(device.driver, SupportsSession):
            raise UsageError(
                f"{asked} on {device.info.id}",
                "is not done on phones of a lab",
                "Leave it out, or run it where the phone is attached",
            )
