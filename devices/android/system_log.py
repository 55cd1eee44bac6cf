"""Read Android's system log: what one program wrote, and why one ended.

It is only ever read: `logcat -c` would take it from everybody else on the phone.
Lines are chosen here and not on the phone, whose logcat knows `--pid` only since
Android 7.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import msgspec

from pocketbench.bench.records.logcat import LogLine, read_threadtime

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pocketbench.bench.records.device import CommandResult

_LOGGED_SCRIPT = """
token=$1 tag=$2
shift 2
from=$(date '+%m-%d %H:%M:%S.000')
sh -c 'echo "$1 $$"; shift; exec "$@"' sh "$token" "$@"
code=$?
echo
echo "$token log"
logcat -d -v threadtime -T "$from" -s "$tag:V" 2>/dev/null </dev/null
exit $code
"""

_WINDOW_SCRIPT = """
sleep "$2"
from=$(date -d "@$(($(date +%s) - $1))" '+%m-%d %H:%M:%S.000' 2>/dev/null)
set -- -b main -b crash -b system -d -v threadtime
[ -z "$from" ] || set -- "$@" -T "$from"
logcat "$@" 2>/dev/null </dev/null | tail -n 4000
"""
"""A phone whose date cannot count back gives the end of its whole log."""

_KEPT_LINES = 200
_KILLER_TAGS = ("lowmemorykiller", "lmkd")
_SPARE_S = 2
"""The log's clock is compared in whole seconds."""
_DUMP_S = 1
"""How long a phone may take to write a crash down after the program has ended."""


def logged(argv: Sequence[str], *, token: str, tag: str) -> list[str]:
    """The same command, followed by what it wrote to the system log under a tag."""
    return ["sh", "-c", _LOGGED_SCRIPT, "sh", token, tag, *argv]


def unwrap_logged(done: CommandResult, *, token: str) -> CommandResult:
    """The command's own result, its pid and its log.

    A command that was killed at its deadline has no log yet.
    """
    first, _, rest = done.stdout.partition(b"\n")
    parsed = re.fullmatch(rb"%s (\d{1,10})" % token.encode(), first)
    if parsed is None:
        return done
    pid = int(parsed[1])
    marker = f"\n{token} log\n".encode()
    output, found, log = rest.rpartition(marker)
    mine = [line for line in read_threadtime(log) if line.pid == pid]
    return msgspec.structs.replace(
        done, stdout=output if found else rest, pid=pid, log=_joined(mine)
    )


def window_command(result: CommandResult, *, again: bool = False) -> list[str]:
    """What reads the log from the start of a command until now.

    Args:
        result: The command, which has just ended.
        again: A crash has been announced and is not written down yet: wait for it.
    """
    seconds = math.ceil(result.duration_ns / 1e9) + _SPARE_S
    wait_s = _DUMP_S if again else 0
    if again:
        seconds += 2 * _DUMP_S
    return ["sh", "-c", _WINDOW_SCRIPT, "sh", str(seconds), str(wait_s)]


def lines_about(log: bytes, pid: int) -> tuple[LogLine, ...]:
    """What a log holds on one process: its own words, its end, who else was killed.

    Bounded: the last lines.
    """
    found = tuple(read_threadtime(log))
    dumps = {
        line.pid
        for line in found
        if line.tag == "DEBUG" and re.search(rf"\bpid: {pid}\b", line.text)
    }
    kept = [
        line
        for line in found
        if line.pid == pid
        or line.tag in _KILLER_TAGS
        or (line.tag == "DEBUG" and line.pid in dumps)
        or (line.tag == "libc" and re.search(rf"\bpid {pid}\b", line.text))
    ]
    return tuple(kept[-_KEPT_LINES:])


def awaits_dump(lines: Iterable[LogLine]) -> bool:
    """Whether a crash has been announced and its dump is missing.

    The dump is another process's, which may end after the one that crashed.
    """
    tags = {line.tag for line in lines if "Fatal signal" in line.text}
    return "libc" in tags and not any(line.tag == "DEBUG" for line in lines)


def with_lines(result: CommandResult, lines: Iterable[LogLine]) -> CommandResult:
    """The result with these lines as its log."""
    return msgspec.structs.replace(result, log=_joined(lines))


def _joined(lines: Iterable[LogLine]) -> bytes:
    return "".join(f"{line.raw}\n" for line in lines).encode()
