"""A summary as it may be shown: no raw serials, no control characters."""

from __future__ import annotations

import re

import msgspec

from bench.judge.summary import Summary

_UNSHOWABLE = re.compile(
    r"(\\\\)"  # a backslash of the text itself: what follows it is no escape
    r"|\\u00(?:0[0-8bBcCeEfF]|1[0-9a-fA-F])|\\[bf]"
    "|[\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
"""Terminal controls and marks that turn the direction of the text around them."""
_CARRIAGE_RETURN = re.compile(r"(\\\\)|\\r")
_SHORTEST_SERIAL = 6


def presentable(summary: Summary) -> Summary:
    """Hash adb serials wherever they stand and replace control characters.

    Devices give their own names, and programs their own messages: neither may steer a
    terminal, and a report handed on must not carry a serial number or an address.
    """
    text = msgspec.json.encode(summary).decode()
    for ready in summary.devices:
        info = ready.device
        serial = info.id.partition(":")[2]
        if (
            info.family == "android"
            and info.serial_hash
            and len(serial) >= _SHORTEST_SERIAL
        ):
            quoted = msgspec.json.encode(serial).decode()[1:-1]
            text = text.replace(quoted, info.serial_hash)
    text = _UNSHOWABLE.sub(lambda found: found[1] or "\N{REPLACEMENT CHARACTER}", text)
    text = _CARRIAGE_RETURN.sub(lambda found: found[1] or "", text)
    return msgspec.json.decode(text, type=Summary)
