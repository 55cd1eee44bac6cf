"""Why an Apple tool refused, in our words: from its JSON error or its last line."""

from __future__ import annotations

import re
from typing import Any

from pocketbench.bench.errors import (
    DeviceError,
    DeviceLostError,
    DeviceUnavailableError,
    PushError,
)
from pocketbench.bench.records.failure import FailureReason

_BY_CODE = {
    ("FBSOpenApplicationErrorDomain", 7): FailureReason.LOCKED,
    ("FBSOpenApplicationErrorDomain", 3): FailureReason.NOT_TRUSTED,
    ("NSOSStatusErrorDomain", -10814): FailureReason.NOT_INSTALLED,
}
"""LaunchServices' -10814 is kLSApplicationNotFoundErr; 7 and 3 are FrontBoard's
`locked` and `security`."""

_BY_WORDS = (
    (FailureReason.LOCKED, r"could not be, unlocked|device is locked|: Locked\b"),
    (FailureReason.DEVELOPER_MODE_OFF, r"developer mode"),
    (
        FailureReason.DEVELOPER_SERVICES,
        r"developer disk image|could not support development|DDI\b|DeviceSupport",
    ),
    (FailureReason.NOT_INSTALLED, r"is not installed|application not found"),
    (
        FailureReason.NOT_TRUSTED,
        r"not been explicitly trusted|invalid code signature|provisioning profile"
        r"|0xe80080\w\w|code signature|untrusted developer",
    ),
    (FailureReason.DISK_FULL, r"no space left|insufficient (storage|space)|disk full"),
    (
        FailureReason.NOT_PAIRED,
        r"not paired|pairing (dialog|failed|required)|must be paired|PairingError"
        r"|PasswordRequired|UserDeniedPairing|trust this computer",
    ),
    (
        FailureReason.DEVICE_LOST,
        r"tunnel|connection (was|has been)? ?(lost|interrupted|invalidated|closed|"
        r"terminated|reset)|disconnected|ConnectionTerminated|mux error|broken pipe",
    ),
    (
        FailureReason.OFFLINE,
        r"device was not found|unable to locate|no device connected|NoDeviceConnected"
        r"|not connected|did not respond|timed out",
    ),
)

_REMEDIES = {
    FailureReason.OFFLINE: (
        "Connect the iPhone by cable, or bring it into this computer's network, and "
        "unlock it"
    ),
    FailureReason.DEVICE_LOST: (
        "Check the cable or the Wi-Fi and that the iPhone did not restart, then run "
        "with --resume"
    ),
    FailureReason.DISK_FULL: (
        "Free space on the iPhone; deleting the pocketbench app frees its models"
    ),
    FailureReason.PUSH_FAILED: "See the tool's message, then run with --resume",
}
"""Where the reason's own remedy speaks of adb."""


def error_chain(error: dict[str, Any]) -> list[tuple[str, int, str]]:
    """(domain, code, words) of a devicectl error and of all that it wraps."""
    found = []
    queue: list[Any] = [error]
    while queue:
        here = queue.pop(0)
        if not isinstance(here, dict):
            continue
        parsed = here.get("userInfo")
        info: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
        words = []
        for key, value in info.items():
            if not isinstance(value, dict):
                continue
            if isinstance(value.get("string"), str) and key.startswith(("NS", "BSE")):
                words.append(value["string"].strip())
            queue.append(value.get("error"))
        code = here.get("code")
        found.append(
            (
                str(here.get("domain", "")),
                code if isinstance(code, int) else 0,
                ". ".join(word.rstrip(".") for word in words if word),
            )
        )
    return found


def reason_of(error: dict[str, Any]) -> tuple[FailureReason | None, str]:
    """The reason of a devicectl error, and the most specific of its words."""
    chain = error_chain(error)
    parsed = [words for _, _, words in chain if words]
    fact = _short("; ".join(dict.fromkeys(parsed))) or _codes(chain)
    for domain, code, _ in chain:
        if (domain, code) in _BY_CODE:
            return _BY_CODE[domain, code], fact
    return reason_of_words(" ".join(parsed)), fact


def reason_of_words(words: str) -> FailureReason | None:
    """The reason in a tool's plain words; `None` when they say nothing known."""
    for reason, pattern in _BY_WORDS:
        if re.search(pattern, words, re.IGNORECASE):
            return reason
    return None


def device_error(
    device_id: str,
    reason: FailureReason | None,
    fact: str,
    *,
    is_push: bool = False,
) -> DeviceError:
    """The error to raise: lost, not usable, or a push that failed."""
    kind: type[DeviceError] = DeviceUnavailableError
    if reason is FailureReason.DEVICE_LOST:
        kind = DeviceLostError
    elif is_push and reason in (None, FailureReason.DISK_FULL):
        kind = PushError
        reason = reason or FailureReason.PUSH_FAILED
    reason = reason or FailureReason.OFFLINE
    remedy = _REMEDIES.get(reason, reason.remedy)
    return kind(device_id, fact, remedy, reason)


def _codes(chain: list[tuple[str, int, str]]) -> str:
    return ", ".join(f"{domain} {code}" for domain, code, _ in chain)


def _short(words: str, length: int = 300) -> str:
    words = " ".join(words.split())
    return words if len(words) <= length else f"{words[:length]} ..."
