"""What a phone's object store holds, and which of it goes first when room is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.devices.android.push.scripts import OBJECTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

STORE_LIMIT_BYTES = 2 << 30
"""What earlier runs have pushed is kept up to this size, the last used for longest."""

LIST_STORED = f"""
cd {OBJECTS} 2>/dev/null || exit 0
stat -c "%Y %s %n" */* */.verified */.used */.preinstalled 2>/dev/null
""".strip()
"""A line for each file: seconds of its last change, size in bytes, path."""

REMOVE_STORED = f'cd {OBJECTS} 2>/dev/null || exit 0; rm -rf "$@"'

_LINE = re.compile(r"(\d{1,12}) (\d{1,15}) ([0-9a-f]{64})/(.+)", re.ASCII)


class StoredObject(NamedTuple):
    """One content in the store, by its sha256."""

    sha256: str
    size_bytes: int
    used_at_s: int
    """When a run last looked it up; seconds of the phone's clock."""


def parse_stored(text: str) -> tuple[StoredObject, ...]:
    """Read the output of `LIST_STORED`, the longest unused first.

    Files that came with a simulated phone are not listed, for they take no room.
    """
    sizes: dict[str, int] = {}
    used: dict[str, int] = {}
    fixed: set[str] = set()
    for line in text.splitlines():
        if (found := _LINE.fullmatch(line)) is None:
            continue
        changed_s, size_bytes, sha256, name = found.groups()
        if name == ".preinstalled":
            fixed.add(sha256)
        elif name in (".verified", ".used"):
            used[sha256] = max(used.get(sha256, 0), int(changed_s))
        else:
            sizes[sha256] = sizes.get(sha256, 0) + int(size_bytes)
    stored = (
        StoredObject(sha256, size_bytes, used.get(sha256, 0))
        for sha256, size_bytes in sizes.items()
        if sha256 not in fixed
    )
    return tuple(sorted(stored, key=lambda x: (x.used_at_s, x.sha256)))


def longest_unused(
    stored: Sequence[StoredObject], *, keep: Collection[str], size_bytes: int
) -> tuple[StoredObject, ...]:
    """Choose what to remove so that so many bytes become free, or all there is.

    Args:
        stored: The longest unused first.
        keep: sha256 of what is needed now.
        size_bytes: To become free.
    """
    chosen: list[StoredObject] = []
    for each in stored:
        if size_bytes <= 0:
            break
        if each.sha256 not in keep:
            chosen.append(each)
            size_bytes -= each.size_bytes
    return tuple(chosen)
