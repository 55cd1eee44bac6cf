"""Every error of adbutils and adb in pocketbench's words."""

from __future__ import annotations

import inspect

import adbutils.errors
import pytest

from pocketbench.bench.errors import (
    DeviceError,
    DeviceLostError,
    DeviceUnavailableError,
    PushError,
)
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.errors import (
    adb_errors,
    adb_push_failed,
    from_words,
    push_failed,
)

ADBUTILS_ERRORS = [
    value
    for value in vars(adbutils.errors).values()
    if inspect.isclass(value) and issubclass(value, Exception)
]


@pytest.mark.parametrize("kind", [*ADBUTILS_ERRORS, EOFError, ConnectionResetError])
def test_every_error_of_adbutils_is_mapped_and_chained(kind):
    original = kind("the words of adb")
    with pytest.raises(DeviceError) as caught, adb_errors("android:x"):
        raise original
    assert caught.value.__cause__ is original
    assert caught.value.device_id == "android:x"
    assert "the words of adb" in str(caught.value)


def test_adbutils_has_errors_to_map():
    names = {kind.__name__ for kind in ADBUTILS_ERRORS}
    assert {"AdbError", "AdbTimeout", "AdbConnectionError", "AdbSyncError"} <= names


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError), adb_errors("android:x"):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("words", "kind", "reason"),
    [
        (
            "device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set",
            DeviceUnavailableError,
            FailureReason.UNAUTHORIZED,
        ),
        (
            "device still authorizing",
            DeviceUnavailableError,
            FailureReason.UNAUTHORIZED,
        ),
        (
            "insufficient permissions for device: missing udev rules?",
            DeviceUnavailableError,
            FailureReason.NO_PERMISSION,
        ),
        ("device offline", DeviceLostError, FailureReason.OFFLINE),
        ("device 'nope' not found", DeviceLostError, FailureReason.DEVICE_LOST),
        ("closed", DeviceLostError, FailureReason.DEVICE_LOST),
        ("", DeviceLostError, FailureReason.DEVICE_LOST),
        (
            "cannot connect to daemon at tcp:127.0.0.1:1: Connection refused",
            DeviceLostError,
            FailureReason.ADB_SERVER_REPLACED,
        ),
    ],
)
def test_adbs_words_report_why(words, kind, reason):
    error = from_words("android:x", words)
    assert type(error) is kind
    assert error.reason is reason
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("words", "kind", "reason"),
    [
        (
            "failed to copy 'f' to '/d': remote couldn't create file: "
            "No space left on device",
            PushError,
            FailureReason.DISK_FULL,
        ),
        (
            "failed to copy 'f' to '/d': remote secure_mkdirs() failed: "
            "Permission denied",
            PushError,
            FailureReason.NO_PERMISSION,
        ),
        (
            "failed to copy 'f' to '/d': remote couldn't create file: "
            "Read-only file system",
            PushError,
            FailureReason.NO_PERMISSION,
        ),
        (
            "failed to copy 'f' to '/d': remote path too long",
            PushError,
            FailureReason.PUSH_FAILED,
        ),
        (
            "error: failed to get feature set: device 'x' not found",
            DeviceLostError,
            FailureReason.DEVICE_LOST,
        ),
        (
            "failed to get feature set: device offline",
            DeviceLostError,
            FailureReason.OFFLINE,
        ),
        (
            "error: failed to read copy response: EOF",
            DeviceLostError,
            FailureReason.DEVICE_LOST,
        ),
    ],
)
def test_a_push_that_failed_says_why(words, kind, reason):
    error = adb_push_failed("android:x", words)
    assert type(error) is kind
    assert error.reason is reason


def test_a_file_name_is_not_taken_for_a_lost_phone():
    words = "mv: 'device not found closed EOF.ptl': I/O error"
    assert type(push_failed("android:x", words)) is PushError
