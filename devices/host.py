"""This computer's own CPU: the baseline of every report."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import signal
import threading
from typing import TYPE_CHECKING

from pocketbench.bench.processes.child import run_child
from pocketbench.bench.records.device import DeviceFile
from pocketbench.devices.conditions.host import read_host_conditions
from pocketbench.devices.host_info import describe_host
from pocketbench.devices.local_file import check_unchanged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.device import CommandResult, DeviceInfo, LocalFile

logger = logging.getLogger(__name__)

_MARK = "POCKETBENCH_STARTED"
"""A variable of the environment by which a program's descendants are known."""


class HostDriver:
    """Finds the one computer we run on."""

    def discover(self) -> tuple[DeviceInfo, ...]:
        """Describe this computer; it is always ready."""
        return (describe_host(),)

    @contextlib.contextmanager
    def open(
        self, info: DeviceInfo, *, cancel: threading.Event
    ) -> Iterator[HostDevice]:
        """Use this computer; who may use which cores is the CPU lease's business."""
        yield HostDevice(info, cancel)


class HostDevice:
    """This computer as a device: files stay where they are, programs are children."""

    def __init__(self, info: DeviceInfo, cancel: threading.Event) -> None:
        """Take what `HostDriver.open` hands over."""
        self._info = info
        self._cancel = cancel
        self._one_at_a_time = threading.Lock()
        self._mark = secrets.token_hex(8)

    @property
    def info(self) -> DeviceInfo:
        """What is known of this computer."""
        return self._info

    def push(self, objects: Sequence[LocalFile]) -> tuple[DeviceFile, ...]:
        """Say where the files are; nothing is copied.

        Raises:
            PushError: A file is gone, or has another size than when it was described.
        """
        return tuple(self._in_place(wanted) for wanted in objects)

    def _in_place(self, wanted: LocalFile) -> DeviceFile:
        check_unchanged(self._info.id, wanted)
        return DeviceFile(
            name=wanted.name,
            sha256=wanted.sha256,
            size_bytes=wanted.size_bytes,
            remote_path=os.path.abspath(wanted.path),
            origin="local",
        )

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        cores: Sequence[int] = (),
        host_cpus: Sequence[int] = (),
        log_tag: str | None = None,
        grace_s: float = 0.0,
    ) -> CommandResult:
        """Run a program as a child, pinned to cores where this system can pin.

        Raises:
            Cancelled: The cancel event was set; the child and its group are dead.
        """
        command = [*self._pin(host_cpus), *argv]
        with self._one_at_a_time:
            logger.debug("%s: %s", self._info.id, command)
            try:
                return run_child(
                    command,
                    timeout_s=timeout_s,
                    env={**(env or {}), _MARK: self._mark},
                    cancel=self._cancel,
                    subject=self._info.id,
                    grace_s=grace_s,
                )
            finally:
                _end_marked(f"{_MARK}={self._mark}".encode())

    def conditions(self) -> Conditions:
        """What this computer reports to any user."""
        return read_host_conditions()

    @staticmethod
    def _pin(host_cpus: Sequence[int]) -> tuple[str, ...]:
        # taskset execs the program, so the pid and the signals stay the program's.
        taskset = shutil.which("taskset") if host_cpus else None
        if taskset is None:
            return ()
        return (taskset, "-c", ",".join(str(cpu) for cpu in host_cpus))


def _end_marked(mark: bytes) -> None:
    """Kill what a program has left running in sessions of its own, where /proc is."""
    with contextlib.suppress(FileNotFoundError):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as at:
                if mark in at.read().split(b"\0"):
                    os.kill(int(pid), signal.SIGKILL)
