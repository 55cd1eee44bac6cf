"""The phones of a lab as a run's devices: found there, and measured by sessions."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

import msgspec

from pocketbench.bench.errors import UsageError
from pocketbench.bench.lab.client import Lab, Phone, connected
from pocketbench.bench.lab.session import LabSession
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.prepare import make_driver
from pocketbench.bench.planning.selection import Selector
from pocketbench.bench.records.device import Claim, DeviceDriver, DeviceInfo
from pocketbench.bench.records.families import FAMILIES
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.run import DeviceReady, spares_of


class LabDriver:
    """The phones of a lab of one family, as `select` looks for them."""

    def __init__(self, lab: Lab, family: str) -> None:
        """Take an open lab."""
        self._lab = lab
        self._family = family
        self._phones: dict[str, Phone] = {}
        self.claim = Claim()

    def discover(self) -> tuple[DeviceInfo, ...]:
        """Every phone that is ready, with an id that is unique in the lab."""
        self._phones = {
            phone.id: phone
            for phone in self._lab.phones()
            if phone.info.family == self._family
        }
        return tuple(
            msgspec.structs.replace(
                phone.info,
                id=device_id,
                transport=f"{phone.info.transport}, lab host {phone.host}",
            )
            for device_id, phone in self._phones.items()
        )

    def open(self, info: DeviceInfo, *, cancel: threading.Event) -> NoReturn:
        """Refuse: what needs the phone at hand cannot be done on a lab's.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            info.id, "is a phone of a lab", "Run without --lab where it is attached"
        )

    def session(
        self,
        run: RunContext,
        job: DeviceJob,
        launches: tuple[Launch, ...],
        failures: tuple[Failure, ...],
        devices: tuple[DeviceReady, ...],
    ) -> LabSession:
        """What measures a job on the host that has its phone."""
        wanted = job.selected.info.id
        phone = self._lab.use(self._phones[wanted])
        self._lab.keep_for_others(
            x.device for x in devices if x.instead_of not in (None, wanted)
        )
        own = spares_of(wanted, devices)
        return LabSession(
            self._lab, phone, run, job, launches, failures, own, claim=self.claim
        )


@contextlib.contextmanager
def open_lab(
    address: str, wait_s: float, say: Callable[[str], None]
) -> Iterator[Callable[[Selector], DeviceDriver]]:
    """Connect to a scheduler; gives what makes drivers of its phones, and of `host`.

    TLS and its certificates are as Dask's own settings say. No phone is leased here,
    so there is no wait either: each session waits for its own, as its claim says.

    Raises:
        UsageError: No scheduler answers there.
    """
    with connected(address) as lab:
        yield (
            lambda selector: (
                make_driver(selector)
                if FAMILIES[selector.family].is_this_computer
                else LabDriver(lab, selector.family)
            )
        )
