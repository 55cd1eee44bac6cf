"""How a program ended, by Android's system log."""

from __future__ import annotations

import re
from typing import NamedTuple

from pocketbench.bench.records.logcat import LogLine, read_threadtime

_FRAMES = 2

_KILLED = re.compile(
    r"Kill(?:ing)? '(?P<name>[^']*)' \((?P<pid>\d+)\)(?P<how>.*)", re.IGNORECASE
)
_KILLED_FOR = re.compile(r"reason: (?P<reason>.+)")
_FATAL = re.compile(
    r"Fatal signal \d+ \(\w+\), code [^\s,]+(?: \((?P<code>\w+)\))?"
    r"(?:, fault addr (?P<address>[^\s,]+))?"
)
_SIGNAL = re.compile(
    r"signal \d+ \(\w+\), code [^\s,]+ \((?P<code>\w+)[^)]*\)"
    r"(?:, fault addr (?P<address>[^\s,]+))?"
)
_ABORT = "Abort message: "
_MOST_ABORT_LINES = 20
_CAUSE = re.compile(r"Cause: (?P<cause>.+)")
_FRAME = re.compile(
    r"\s*#\d\d pc [0-9a-f]+ +(?P<file>\S+)(?: \(offset \w+\))?"
    r"(?: \((?!BuildId:)(?P<function>.*?)\))?(?: \(BuildId: \w+\))?\s*"
)


class Ending(NamedTuple):
    """What the log says."""

    own_words: str = ""
    """All the program logged itself, and its abort message."""
    killed_because: str | None = None
    """Android's low-memory killer ended it, with its reason."""
    others_killed: int = 0
    """How many other processes it ended meanwhile."""
    crash: str | None = None
    """The top of its tombstone, on one line."""


def read_ending(log: bytes, pid: int | None) -> Ending:
    """Read what there is on a process.

    A program started by adb's shell is not on the low-memory killer's list: the kernel
    ends it, of which the log says only that others were killed before.
    """
    lines = tuple(read_threadtime(log))
    killed_because, others = _killed(lines, pid)
    words = [line.text for line in lines if line.pid == pid and line.tag != "libc"]
    dump = [line.text for line in lines if line.tag == "DEBUG"]
    fatal = [line.text for line in lines if line.tag == "libc"]
    abort = _abort_message(dump)
    return Ending(
        own_words="\n".join([*words, *([abort] if abort else [])]),
        killed_because=killed_because,
        others_killed=others,
        crash=_crash(fatal, dump, abort),
    )


def _abort_message(dump: list[str]) -> str | None:
    """Between quotes, on one line of the log or several."""
    for at, line in enumerate(dump):
        if line.startswith(_ABORT):
            first = line.removeprefix(_ABORT)
            found = [first.removeprefix("'")]
            rest = iter(dump[at + 1 : at + _MOST_ABORT_LINES])
            while first.startswith("'") and not found[-1].endswith("'"):
                following = next(rest, "backtrace:")
                if following.strip() == "backtrace:":
                    break
                found.append(following)
            return "\n".join(found).removesuffix("'").strip()
    return None


def _killed(lines: tuple[LogLine, ...], pid: int | None) -> tuple[str | None, int]:
    because, others = None, 0
    for line in lines:
        match = _KILLED.search(line.text) if line.pid != pid else None
        if match is None:
            continue
        if int(match["pid"]) == pid:
            parsed = _KILLED_FOR.search(match["how"])
            because = parsed["reason"].strip() if parsed else "it gave no reason"
        else:
            others += 1
    return because, others


def _crash(fatal: list[str], dump: list[str], abort: str | None) -> str | None:
    found = next((m for x in dump if (m := _SIGNAL.match(x))), None) or next(
        (m for x in fatal if (m := _FATAL.search(x))), None
    )
    if found is None:
        return None
    parts = []
    if found["code"]:
        parts.append(found["code"])
    address = found["address"] or ""
    if address.strip("-"):
        parts.append(f"fault addr {address}")
    parts += [m["cause"] for x in dump if (m := _CAUSE.match(x))][:1]
    if abort:
        parts.append(f"abort message: {abort}")
    parts += [_frame(m) for x in dump if (m := _FRAME.fullmatch(x))][:_FRAMES]
    return "; ".join(parts) or None


def _frame(match: re.Match[str]) -> str:
    file = match["file"].rpartition("/")[2]
    return f"in {match['function']} of {file}" if match["function"] else f"in {file}"
