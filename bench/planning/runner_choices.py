"""`--runner NAME=PATH[@ABI]` and `--runner-option NAME.KEY=VALUE`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pocketbench.bench.errors import UsageError
from pocketbench.bench.records.plan import RunnerChoice


def parse_runner(text: str, options: Sequence[str] = ()) -> RunnerChoice:
    """Read `NAME=PATH` or `NAME=PATH@ABI`, with its `NAME.key=value` options.

    Raises:
        UsageError: Not of that form.
    """
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise UsageError(
            f"--runner {text}", "is not NAME=PATH[@ABI]", "See `pocketbench run --help`"
        )
    head, at, abi = path.rpartition("@")
    if at and re.fullmatch(r"[\w-]+", abi):
        path = head
    else:
        abi = ""
    return RunnerChoice(
        name=name, path=path, abi=abi or None, options=_runner_options(name, options)
    )


def _runner_options(name: str, options: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found = []
    for option in options:
        key, equals, value = option.partition("=")
        owner, dot, key = key.partition(".")
        if not (owner and dot and key and equals):
            raise UsageError(
                f"--runner-option {option}",
                "is not NAME.key=value",
                "See `pocketbench run --help`",
            )
        if owner == name:
            found.append((key, value))
    return tuple(found)
