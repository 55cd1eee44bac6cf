"""What adb and adbutils say when something fails, in pocketbench's errors."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from pocketbench.bench.errors import (
    DeviceError,
    DeviceLostError,
    DeviceUnavailableError,
    PushError,
)
from pocketbench.bench.records.failure import FailureReason

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def adb_errors(device_id: str) -> Iterator[None]:
    """Map every error of adbutils and of its sockets, chained; the one place for it.

    Raises:
        DeviceUnavailableError: The phone does not let us in.
        DeviceLostError: The phone or the adb server went away.
        PushError: A file was not taken.
    """
    from adbutils.errors import (
        AdbConnectionError,
        AdbError,
        AdbInstallError,
        AdbSyncError,
        AdbTimeout,
    )

    try:
        yield
    except AdbConnectionError as error:
        raise server_gone(device_id, str(error)) from error
    except AdbTimeout as error:
        raise lost(device_id, f"adb did not answer in time ({error})") from error
    except (AdbSyncError, AdbInstallError) as error:
        raise push_failed(device_id, str(error)) from error
    except AdbError as error:
        raise from_words(device_id, str(error)) from error
    except (EOFError, ConnectionError, TimeoutError) as error:
        raise lost(device_id, f"the connection broke ({error})") from error


def from_words(device_id: str, words: str) -> DeviceError:
    """The error that adb's own words mean; they are the same in all its versions.

    adbutils gives them as they are, the adb program with `adb: ` before them.
    """
    lowered = words.lower()
    fact = " ".join(words.split()) or "adb gave no reason"
    if "unauthorized" in lowered or "still authorizing" in lowered:
        reason = FailureReason.UNAUTHORIZED
        return DeviceUnavailableError(device_id, "unauthorized", reason.remedy, reason)
    if "no permissions" in lowered or "insufficient permissions" in lowered:
        reason = FailureReason.NO_PERMISSION
        return DeviceUnavailableError(device_id, fact, PERMISSION_REMEDY, reason)
    if "device offline" in lowered:
        reason = FailureReason.OFFLINE
        return DeviceLostError(device_id, "went offline", reason.remedy, reason)
    if "more than one device" in lowered:
        return DeviceUnavailableError(
            device_id,
            "several phones have this serial",
            "Select one by its USB port, as `pocketbench devices` lists it, or leave "
            "one of them attached",
            FailureReason.OFFLINE,
        )
    if "cannot connect to daemon" in lowered or "connect to adb server" in lowered:
        return server_gone(device_id, fact)
    return lost(device_id, fact)


PERMISSION_REMEDY = (
    "Let this user use the phone's USB node: install Android's udev rules "
    "(package android-sdk-platform-tools-common), join the plugdev group, replug"
)


def lost(device_id: str, fact: str) -> DeviceLostError:
    """The phone stopped answering."""
    reason = FailureReason.DEVICE_LOST
    return DeviceLostError(device_id, fact, reason.remedy, reason)


def server_gone(device_id: str, fact: str) -> DeviceLostError:
    """The adb server was ended or replaced while it was in use."""
    reason = FailureReason.ADB_SERVER_REPLACED
    return DeviceLostError(device_id, fact, reason.remedy, reason)


def server_silent(subject: str) -> DeviceLostError:
    """The adb server takes connections and answers none."""
    return DeviceLostError(
        subject,
        "takes connections and gives no answer",
        "End its process and run again: the next adb command starts a new one",
        FailureReason.ADB_SERVER_REPLACED,
    )


def push_failed(device_id: str, words: str) -> PushError:
    """Distinguish a full disk from a forbidden folder by the phone's words."""
    lowered = words.lower()
    if "no space left" in lowered or "disk quota" in lowered:
        reason = FailureReason.DISK_FULL
    elif "permission denied" in lowered or "read-only file system" in lowered:
        reason = FailureReason.NO_PERMISSION
    else:
        reason = FailureReason.PUSH_FAILED
    fact = " ".join(words.split()) or "no reason was given"
    return PushError(device_id, fact, reason.remedy, reason)


_LOST = re.compile(
    r"device (?:'.*' )?(?:not found|offline|unauthorized)|no such device"
    r"|still authorizing|cannot connect to daemon|connection reset|protocol fault"
    r"|error: closed|connect failed: closed|: EOF\b|failed to read|broken pipe"
)


def adb_push_failed(device_id: str, words: str) -> DeviceError:
    """What the adb program says of a push, a lost phone included."""
    failed = push_failed(device_id, words)
    if failed.reason is FailureReason.PUSH_FAILED and _LOST.search(words):
        return from_words(device_id, words)
    return failed
