"""Every error pocketbench raises on purpose.

PocketbenchError                 subject: fact. next step   (exit 3)
├── UsageError                   what was asked cannot be done (exit 2)
│   ├── UnknownNameError         unknown model, variant, device, profile ...
│   ├── NoDeviceError            a selector matches no device
│   ├── RunnerMissingError       no program for this device's ABI
│   ├── ToolMissingError         adb, a compiler, user namespaces ... are missing
│   └── StoreError               a stored run or history cannot be read or written
├── ExportError                  a model cannot be made into an artifact
├── RunnerBuildError             the native runner did not compile
├── LaunchError                  one launch failed; carries a FailureReason
├── DeviceError                  carries device_id
│   ├── DeviceUnavailableError   unauthorized, offline, locked by another run
│   ├── DeviceLostError          stopped answering in the middle (retryable)
│   └── PushError                a file could not be put on the device
├── ServiceError                 GitHub or GitLab refused, or is out of reach (exit 4)
├── StorageError                 a disk is full or a folder cannot be written (exit 4)
└── Cancelled                    the user pressed Ctrl-C (exit 130)
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pocketbench.bench.records.failure import FailureReason


class PocketbenchError(Exception):
    """The root; its text is always `subject: fact. next step`."""

    exit_code: ClassVar[int] = 3
    retryable: ClassVar[bool] = False

    def __init__(self, subject: str, fact: str, next_step: str) -> None:
        """Name the subject, the fact and the next step, without final periods."""
        super().__init__(subject, fact, next_step)
        self.subject = subject
        self.fact = fact
        self.next_step = next_step

    def __str__(self) -> str:
        """Render as one line."""
        return f"{self.subject}: {self.fact}. {self.next_step}"


class UsageError(PocketbenchError):
    """What was asked cannot be done."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name is not one of the known ones; the near matches are offered."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        """Offer the known names nearest to the unknown one."""
        known = sorted(set(known))
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        if near:
            step = f"Did you mean {' or '.join(near)}?"
        elif known:
            step = f"Choose from {', '.join(known)}"
        else:
            step = "None is known"
        super().__init__(name or "(empty)", f"unknown {kind}", step)


class NoDeviceError(UsageError):
    """A device selector matches nothing."""


class RunnerMissingError(UsageError):
    """No measuring program exists for a device's ABI."""


class ToolMissingError(UsageError):
    """A program or kernel feature that this needs is missing."""


class ExportError(PocketbenchError):
    """A model cannot be made into an artifact."""


class RunnerBuildError(PocketbenchError):
    """The native runner did not compile."""


class LaunchError(PocketbenchError):
    """One launch failed for a known reason."""

    def __init__(
        self,
        reason: FailureReason,
        subject: str,
        fact: str,
        *,
        remedy: str | None = None,
    ) -> None:
        """Take the remedy from the reason, unless this case has one of its own."""
        super().__init__(subject, fact, remedy or reason.remedy)
        self.reason = reason


class DeviceError(PocketbenchError):
    """Something about one device; `device_id` names it."""

    def __init__(
        self, device_id: str, fact: str, next_step: str, reason: FailureReason
    ) -> None:
        """Make the device the subject."""
        super().__init__(device_id, fact, next_step)
        self.device_id = device_id
        self.reason = reason


class DeviceUnavailableError(DeviceError):
    """The device is listed but cannot be used now."""


class DeviceLostError(DeviceError):
    """The device stopped answering while something was running on it."""

    retryable = True


class PushError(DeviceError):
    """A file could not be put on the device."""


class StoreError(UsageError):
    """A stored run or history cannot be read or written."""


class ServiceError(PocketbenchError):
    """A service on the network refused, or cannot be reached."""

    exit_code = 4

    def __init__(
        self, subject: str, fact: str, next_step: str, *, status: int | None = None
    ) -> None:
        """Take the HTTP status, where there was an answer."""
        super().__init__(subject, fact, next_step)
        self.status = status


class StorageError(PocketbenchError):
    """Results cannot be written: neither a verdict nor a usage error."""

    exit_code = 4


class Cancelled(PocketbenchError):
    """The user asked to stop; what was running has been ended."""

    exit_code = 130
