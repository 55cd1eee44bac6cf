"""Turn arguments into words of a POSIX shell, so that nothing is interpreted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quote(word: str) -> str:
    """One word in single quotes, always.

    Inside single quotes a POSIX shell interprets nothing, newlines included; only
    the single quote itself has to step outside.

    Raises:
        ValueError: The word holds a NUL, which no argument can carry.
    """
    if "\0" in word:
        raise ValueError(f"an argument cannot hold a NUL character: {word!r}")
    return "'" + word.replace("'", "'\\''") + "'"


def quote_all(argv: Sequence[str]) -> str:
    """A whole command line.

    Raises:
        ValueError: It is empty, or an argument holds a NUL.
    """
    if not argv:
        raise ValueError("a command needs at least the program's path")
    return " ".join(quote(word) for word in argv)


def exports(env: Mapping[str, str] | None) -> str:
    """Commands that put variables into the environment; empty for none.

    Raises:
        ValueError: A name is none that a shell accepts, or a value holds a NUL.
    """
    for name in env or {}:
        if not _NAME.fullmatch(name):
            raise ValueError(f"no shell accepts this variable name: {name!r}")
    return "".join(
        f"export {quote(f'{name}={value}')}; " for name, value in (env or {}).items()
    )
