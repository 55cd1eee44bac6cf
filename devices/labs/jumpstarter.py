"""Phones of a Jumpstarter exporter: leased, measured through its tunnel, given back."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from pocketbench.bench.errors import PocketbenchError, ServiceError, UsageError
from pocketbench.bench.units import format_span
from pocketbench.devices.labs.jumpstarter_api import JumpstarterApi, connected
from pocketbench.devices.labs.leased_driver import LeasedDriver, drivers_beside
from pocketbench.devices.labs.leases import Lease, MakeDriver, Restore, leased

logger = logging.getLogger(__name__)

LASTS = timedelta(minutes=30)
"""After so long without us, Jumpstarter itself ends a lease."""
EXTEND_S = 300.0
_WAIT_S = 60
"""How long an exporter that is leased, or starting, is waited for at least."""


@contextlib.contextmanager
def open_jumpstarter(
    address: str, wait_s: float, say: Callable[[str], None]
) -> Iterator[MakeDriver]:
    """Lease an exporter by its labels: `jumpstarter:model=pixel-8`; gives its driver.

    Who waits for one takes turns in the controller's own order.

    Raises:
        NoDeviceError: None that matches is free, or it has no adb driver.
        ServiceError: The controller refused, or cannot be reached.
        UsageError: No Jumpstarter client is configured.
    """
    selector = address.partition(":")[2]
    if not selector:
        raise UsageError(
            "--lab jumpstarter:",
            "names no exporter",
            "Give labels, as `jmp shell --selector` takes: jumpstarter:model=pixel-8",
        )
    with connected() as api:
        name = f"pocketbench-{uuid.uuid4().hex[:12]}"

        # A controller that refuses, or does not answer, leaves nothing to give back.
        api.exporter_of(name)

        def take() -> bool:
            api.create(name, selector, LASTS)
            return True

        with (
            leased(
                Lease(lab="jumpstarter", url=api.url, serial=name),
                take,
                partial(api.release, name),
            ),
            _extended(api, name),
        ):
            if wait_s > _WAIT_S:
                say(f"Waiting up to {format_span(wait_s)} for jumpstarter:{selector}")
            exporter = api.wait(name, selector, max(_WAIT_S, math.ceil(wait_s)))
            with api.tunnel(name, exporter) as port:
                yield _drivers(api, name, exporter, port)


def give_back_jumpstarter(lease: Lease, restore: Restore | None) -> None:
    """End a killed run's lease, after its phones have their settings back.

    Raises:
        ServiceError: The controller refused, or cannot be reached.
        UsageError: The client that is configured now is of another controller.
    """
    name = lease.serial
    with connected() as api:
        if api.url != lease.url:
            raise UsageError(
                "--lab jumpstarter",
                f"the Jumpstarter client in use is not of {lease.url}",
                "Choose it with `jmp config client use`",
            )
        exporter = api.exporter_of(name)
        if restore is not None and exporter:
            # An exporter that is gone must not keep the lease.
            with (
                contextlib.suppress(PocketbenchError),
                api.tunnel(name, exporter) as port,
            ):
                restore(_drivers(api, name, exporter, port))
        api.release(name)


def _drivers(api: JumpstarterApi, name: str, exporter: str, port: int) -> MakeDriver:
    """What makes drivers of the phones that an exporter's adb server lists."""
    return drivers_beside(
        LeasedDriver(
            f"{exporter} is leased from Jumpstarter",
            lambda: api.exporter_of(name) is not None,
            host="127.0.0.1",
            port=port,
        )
    )


@contextlib.contextmanager
def _extended(api: JumpstarterApi, name: str) -> Iterator[None]:
    """Have a lease last as long as this process lives, and not much longer."""
    over, begun = threading.Event(), time.monotonic()

    def extend() -> None:
        while not over.wait(EXTEND_S):
            passed = timedelta(seconds=time.monotonic() - begun)
            try:
                api.extend(name, passed + LASTS)
            except ServiceError as error:
                # A lease that is lost is noticed where its phone is used.
                logger.info("%s", error)

    thread = threading.Thread(target=extend, name=f"extend {name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
