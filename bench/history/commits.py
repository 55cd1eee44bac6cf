"""What git knows of a history's commits: their subjects, and where they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pocketbench.bench.processes.tool import run_to_end

_TIMEOUT_S = 60
_AT_ONCE = 10_000
_REMOTE = re.compile(
    r"^(?:https?://(?:[^@/]*@)?|ssh://(?:[^@/]*@)?|(?:[^@/]*@)?)"
    r"(?P<host>\w[\w.-]*)(?::\d+/|[:/])(?P<path>.+?)(?:\.git)?/?$"
)


def commit_subjects(commits: Iterable[str], repository: Path) -> Mapping[str, str]:
    """The first line of each commit's message; those git does not know are left out."""
    whole = sorted({c for c in commits if re.fullmatch("[0-9a-f]{40}", c)})
    words = ("log", "--no-walk=unsorted", "--ignore-missing", "--format=%H%x09%s")
    found = "".join(
        # What fits into one command line.
        _git(repository, *words, *whole[first : first + _AT_ONCE])
        for first in range(0, len(whole), _AT_ONCE)
    )
    pairs = (line.partition("\t") for line in found.splitlines())
    return {commit: subject for commit, _, subject in pairs}


class Remote(NamedTuple):
    """The host and path that a remote's address names."""

    host: str
    path: str


def remote(repository: Path) -> Remote | None:
    """The remote `origin`; `None` where it is a folder, or there is none."""
    found = _REMOTE.match(_git(repository, "remote", "get-url", "origin").strip())
    if found is None or "." not in found["host"]:
        return None
    return Remote(found["host"], found["path"])


def commit_url(repository: Path) -> str | None:
    """`https://github.com/owner/name/commit/{commit}` of the remote `origin`."""
    origin = remote(repository)
    return origin and f"https://{origin.host}/{origin.path}/commit/{{commit}}"


def _git(repository: Path, *words: str) -> str:
    """What git prints; nothing where there is no git or no repository."""
    done = run_to_end("git", "-C", repository, *words, timeout_s=_TIMEOUT_S)
    return done.stdout if done.succeeded else ""
