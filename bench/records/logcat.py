"""Android's system log as `logcat -v threadtime` prints it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = re.compile(
    r"(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d+ +(?P<pid>\d{1,10}) +\d{1,10} "
    r"(?P<level>[VDIWEFA]) (?P<tag>[^:]*?) *: (?P<text>.*)",
    re.ASCII,
)


class LogLine(NamedTuple):
    """One line of the system log."""

    pid: int
    """Of the process that wrote it."""
    tag: str
    text: str
    raw: str
    """The whole line."""


def read_threadtime(log: bytes) -> Iterator[LogLine]:
    """The lines of a log in order; what has another form is left out."""
    for raw in log.decode("utf-8", "replace").splitlines():
        match = _LINE.fullmatch(raw.rstrip())
        if match:
            yield LogLine(int(match["pid"]), match["tag"], match["text"], raw.rstrip())
