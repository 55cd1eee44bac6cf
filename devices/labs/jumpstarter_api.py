"""Jumpstarter's controller, asked as the client that `jmp` uses, and a lease's tunnel.

All of it is Jumpstarter's own Python packages. See https://jumpstarter.dev and
protocol/proto/jumpstarter of https://github.com/jumpstarter-dev/jumpstarter.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from anyio.from_thread import start_blocking_portal
from jumpstarter.client import Lease as ClientLease
from jumpstarter.client.exceptions import LeaseError
from jumpstarter.client.grpc import ClientService
from jumpstarter.common.exceptions import (
    ExporterUnreachableError,
    JumpstarterException,
)
from jumpstarter.config.client import (
    ClientConfigV1Alpha1,
    ClientConfigV1Alpha1Drivers,
)
from jumpstarter.config.user import UserConfigV1Alpha1
from jumpstarter_driver_adb.client import AdbClient

from pocketbench.bench.errors import NoDeviceError, ServiceError, UsageError

DRIVERS = (
    "jumpstarter_driver_adb.client.AdbClient",
    "jumpstarter_driver_composite.client.CompositeClient",
)
"""An exporter names the classes its client loads; no other is loaded."""


logger = logging.getLogger(__name__)

_FAULTS = (JumpstarterException, OSError, ExceptionGroup)
"""What Jumpstarter's client raises; a task group wraps it, whatever it is."""


class JumpstarterApi:
    """Asks one controller; everything runs in one event loop beside this thread."""

    def __init__(self, config: Any, portal: Any, channel: Any) -> None:
        """Take a client's configuration, and a channel in the portal's loop."""
        self.url = str(config.endpoint)
        self._config, self._portal, self._channel = config, portal, channel
        self._service = ClientService(
            channel=channel, namespace=config.metadata.namespace
        )

    def create(self, name: str, selector: str, duration: timedelta) -> None:
        """Ask for a lease of an exporter that matches; see `wait`.

        Raises:
            ServiceError: The controller refused, or cannot be reached.
        """
        self._ask("CreateLease", lease_id=name, selector=selector, duration=duration)

    def wait(self, name: str, selector: str, timeout_s: int) -> str:
        """Wait until a lease has an exporter; gives its name.

        Raises:
            NoDeviceError: None matches, or none became free in time.
        """
        lease = self._lease(name, timeout_s=timeout_s)
        try:
            lease.request()
        except LeaseError as error:
            raise NoDeviceError(
                f"--lab jumpstarter:{selector}",
                f"no exporter ({error})",
                f"See `jmp get exporters` for what {self.url} has, and try again",
            ) from error
        except JumpstarterException as error:
            raise self._refused(error) from error
        return str(lease.exporter_name)

    def exporter_of(self, name: str) -> str | None:
        """The exporter of a lease; empty while it waits for one.

        `None`: the lease is over, or not this client's any more.

        Raises:
            ServiceError: The controller cannot be reached.
        """
        try:
            found = self._ask("GetLease", name=name)
        except ServiceError as error:
            if "not found" in error.fact.lower():
                return None
            raise
        is_ours = found.client == self._config.metadata.name
        is_over = found.effective_end_time is not None
        return str(found.exporter) if is_ours and not is_over else None

    def extend(self, name: str, duration: timedelta) -> None:
        """Have a lease last so long from its begin.

        Raises:
            ServiceError: The controller refused, or cannot be reached.
        """
        self._ask("UpdateLease", name=name, duration=duration)

    def release(self, name: str) -> None:
        """End a lease; one that is over, or another's by now, is none of ours.

        Raises:
            ServiceError: The controller refused, or cannot be reached.
        """
        if self.exporter_of(name) is not None:
            self._ask("DeleteLease", name=name)

    @contextlib.contextmanager
    def tunnel(self, name: str, exporter: str) -> Iterator[int]:
        """Forward a port of this computer to the adb server of a lease's exporter.

        Raises:
            NoDeviceError: The exporter has no adb driver.
            ServiceError: It cannot be reached.
        """
        error: BaseException | None = None
        try:
            with self._tunnel(name, exporter) as port:
                # Jumpstarter wraps what passes its task groups, so nothing does.
                try:
                    yield port
                except BaseException as raised:
                    error = raised
        except _FAULTS as fault:
            if isinstance(_cause(fault), NoDeviceError):
                raise _cause(fault) from None
            if error is None:
                raise self._refused(fault) from fault
            logger.info("the tunnel ended with %r", fault)
        if error is not None:
            raise error

    @contextlib.contextmanager
    def _tunnel(self, name: str, exporter: str) -> Iterator[int]:
        with contextlib.ExitStack() as stack:
            root = self._connect(name, stack)
            adb = next((x for x in _tree(root) if isinstance(x, AdbClient)), None)
            if adb is None:
                raise NoDeviceError(
                    f"Jumpstarter exporter {exporter}",
                    "has no jumpstarter_driver_adb.driver.AdbServer",
                    "Select one that has",
                )
            _, port = stack.enter_context(adb.forward_adb())
            yield int(port)

    def _connect(self, name: str, stack: contextlib.ExitStack) -> Any:
        """Connect to a lease's exporter, which may still prepare for it."""
        deadline = time.monotonic() + self._config.leases.retry_timeout
        while True:
            try:
                return stack.enter_context(self._lease(name).connect())
            except _FAULTS as fault:
                is_unreachable = isinstance(_cause(fault), ExporterUnreachableError)
                if not is_unreachable or time.monotonic() >= deadline:
                    raise

    def _lease(self, name: str, timeout_s: int = 60) -> ClientLease:
        """Jumpstarter's own view of a lease that was created; it is left alone."""
        return ClientLease(
            channel=self._channel,
            namespace=self._config.metadata.namespace,
            name=name,
            selector=None,
            duration=timedelta(),
            portal=self._portal,
            allow=self._config.drivers.allow,
            unsafe=self._config.drivers.unsafe,
            release=False,
            tls_config=self._config.tls,
            grpc_options=self._config.grpcOptions,
            client_name=self._config.metadata.name,
            acquisition_timeout=timeout_s,
        )

    def _ask(self, call: str, **words: Any) -> Any:
        try:
            return self._portal.call(partial(getattr(self._service, call), **words))
        except JumpstarterException as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> ServiceError:
        error = _cause(error)
        details = getattr(error.__cause__, "details", lambda: None)()
        return ServiceError(
            f"Jumpstarter at {self.url}",
            f"refused, or cannot be reached ({details or error})",
            "Check it with `jmp get leases`",
        )


def _cause(error: Exception) -> Exception:
    """What is inside the groups that task groups make."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _tree(client: Any) -> Iterator[Any]:
    yield client
    for child in client.children.values():
        yield from _tree(child)


@contextlib.contextmanager
def connected() -> Iterator[JumpstarterApi]:
    """The controller of the client that `jmp config client use` has chosen.

    JMP_ENDPOINT, JMP_TOKEN, JMP_NAMESPACE and JMP_NAME take its place, as for `jmp`.

    Raises:
        UsageError: No client is configured.
    """
    # What a run does not survive, it says itself.
    logging.getLogger("jumpstarter").setLevel(logging.CRITICAL)
    config = _client_config()
    config.drivers = ClientConfigV1Alpha1Drivers(allow=list(DRIVERS))
    with start_blocking_portal() as portal:
        try:
            channel = portal.call(config.channel)
        except JumpstarterException as error:
            raise ServiceError(
                f"Jumpstarter at {config.endpoint}",
                f"cannot be used ({error})",
                "Log in again: `jmp login`",
            ) from error
        try:
            yield JumpstarterApi(config, portal, channel)
        finally:
            portal.call(channel.close)


def _client_config() -> Any:
    config = ClientConfigV1Alpha1.try_from_env()
    if config is None and UserConfigV1Alpha1.exists():
        config = UserConfigV1Alpha1.load().config.current_client
    if config is None or not config.endpoint or not config.token:
        raise UsageError(
            "--lab jumpstarter",
            "no Jumpstarter client is configured",
            "Log in with `jmp login`, or set JMP_ENDPOINT, JMP_TOKEN, JMP_NAMESPACE "
            "and JMP_NAME",
        )
    return config
