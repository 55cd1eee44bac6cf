"""ExecuTorch's log lines in every dress: its own, bare-metal, Python's, logcat's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.android_runner.prebuilt.output_parsing import lines_of
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from pocketbench.bench.records.device import CommandResult

_LEVEL = "[VDIWEFA]"
_TAG = r"(?:ExecuTorch|ETLOG)"
"""`ETLOG` in the first releases."""

_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_LEVEL} (?:(?P<h>\d\d+):(?P<m>\d\d):(?P<s>\d\d)\.(?P<us>\d{{6}}) )?"
        r"executorch:[^\]\s]+:\d+\] (?P<text>.*)",
        rf"{_LEVEL} \[executorch:[^\]]+:\d+ [^\]]*\] (?P<text>.*)",
        r"\[[\w.+-]+:\d+\] (?P<text>.*)",
        rf"(?:\d{{4}}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d+ +(?P<pid>\d+) +\d+ {_LEVEL} "
        rf"{_TAG} *: (?P<text>.*)",
        rf"{_LEVEL}/{_TAG} *\( *(?P<pid>\d+)\): (?P<text>.*)",
    )
)
"""posix.cpp with a clock, minimal.cpp without; bare metal; Python; logcat's threadtime
and brief formats, which android.cpp ends up in."""


class Message(Value, frozen=True, kw_only=True):
    """One logged line without its prefix."""

    text: str
    at_us: int | None = None
    """By the program's own monotonic clock."""
    pid: int | None = None
    """Of the process that logged it, as the system log has it."""


def messages_of(result: CommandResult, subject: str) -> list[Message]:
    """What a launch logged; a line without a known prefix is no message.

    Raises:
        LaunchError: The system log holds several processes, and none is known to be
            the one that was started.
    """
    found = [
        message
        for output in (result.log, result.stderr, result.stdout)
        for line in lines_of(output)
        if (message := _message(line)) is not None
    ]
    logged_by = {item.pid for item in found if item.pid is not None}
    if result.pid in logged_by:
        return [item for item in found if item.pid in (None, result.pid)]
    if len(logged_by) > 1:
        raise LaunchError(
            FailureReason.BAD_OUTPUT,
            subject,
            f"the log mixes processes {sorted(logged_by)}",
        )
    return found


def _message(line: str) -> Message | None:
    for form in _FORMS:
        if match := form.fullmatch(line):
            parts = match.groupdict()
            return Message(
                text=parts["text"].strip(),
                at_us=_microseconds(parts) if parts.get("us") else None,
                pid=int(parts["pid"]) if parts.get("pid") else None,
            )
    return None


def _microseconds(parts: dict[str, str]) -> int:
    minutes = int(parts["h"]) * 60 + int(parts["m"])
    return (minutes * 60 + int(parts["s"])) * 1_000_000 + int(parts["us"])
