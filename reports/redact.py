"""A summary as it may be shown: no raw serials, no control characters."""

from __future__ import annotations

import re

import msgspec
from msgspec.structs import replace

from pocketbench.bench.judge.summary import Summary
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.launch import Launch
from pocketbench.bench.records.sustained import SustainedLaunch

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
    terminal, and a report handed on must not carry a serial number or an address. The
    samples, which are numbers, are passed on as they are.
    """
    launches = tuple(_shown_launch(x, summary) for x in summary.run.launches)
    sustained = tuple(_shown_sustained(x, summary) for x in summary.run.sustained)
    rows = [cell.launches for cell in summary.cells]
    slim = replace(
        summary,
        run=replace(summary.run, launches=(), sustained=()),
        cells=tuple(replace(cell, launches=()) for cell in summary.cells),
    )
    text = _shown(msgspec.json.encode(slim).decode(), summary)
    shown = msgspec.json.decode(text, type=Summary)
    names = {
        before.device.id: after.device.id
        for before, after in zip(summary.devices, shown.devices, strict=True)
        if before.device.id != after.device.id
    }
    if names:
        launches = tuple(
            replace(x, device_id=names[x.device_id]) if x.device_id in names else x
            for x in launches
        )
        sustained = tuple(
            replace(x, launch=replace(x.launch, device_id=names[x.launch.device_id]))
            if x.launch.device_id in names
            else x
            for x in sustained
        )
    return replace(
        shown,
        run=replace(shown.run, launches=launches, sustained=sustained),
        cells=tuple(
            replace(cell, launches=found)
            for cell, found in zip(shown.cells, rows, strict=True)
        ),
    )


def _shown_launch(launch: Launch, summary: Summary) -> Launch:
    """The launch; of what it holds the conditions alone have words of the device."""
    before = _shown_reading(launch.conditions_before, summary)
    after = _shown_reading(launch.conditions_after, summary)
    if before is launch.conditions_before and after is launch.conditions_after:
        return launch
    return replace(launch, conditions_before=before, conditions_after=after)


def _shown_sustained(record: SustainedLaunch, summary: Summary) -> SustainedLaunch:
    return replace(
        record,
        launch=_shown_launch(record.launch, summary),
        readings=tuple(
            replace(reading, conditions=read)
            for reading in record.readings
            if (read := _shown_reading(reading.conditions, summary)) is not None
        ),
    )


def _shown_reading(read: Conditions | None, summary: Summary) -> Conditions | None:
    """The very same where nothing has to be hidden, as nearly always."""
    if read is None:
        return None
    text = msgspec.json.encode(read).decode()
    shown = _shown(text, summary)
    return read if shown == text else msgspec.json.decode(shown, type=Conditions)


def _shown(text: str, summary: Summary) -> str:
    """The summary's JSON without what may not be shown."""
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
    if text.isascii() and "\\" not in text and "\x7f" not in text:
        # JSON writes all else that is unshowable as an escape.
        return text
    text = _UNSHOWABLE.sub(lambda found: found[1] or "\N{REPLACEMENT CHARACTER}", text)
    return _CARRIAGE_RETURN.sub(lambda found: found[1] or "", text)
