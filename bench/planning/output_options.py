"""What is asked of the devices' answers, from the command line and the suite file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.records.output_check import OutputChecks

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMITS = ("min_sqnr_db", "min_top1_agreement", "min_accuracy")
_PROPORTIONS = LIMITS[1:]


class Asked(Protocol):
    """The options about answers."""

    @property
    def check(self) -> tuple[str, ...]:
        """What is to be checked: `outputs`."""
        ...


def output_checks(
    asked: Asked, suite: Mapping[str, float | None] | None = None
) -> OutputChecks | None:
    """What to check; a limit of the command line wins over the suite file's.

    A limit alone asks for the check, too.

    Raises:
        UnknownNameError: There is no such check.
        UsageError: A proportion that is none.
    """
    for word in asked.check:
        if word != "outputs":
            raise UnknownNameError("check", word, ("outputs",))
    suite = suite or {}
    limits: dict[str, float | None] = {}
    for name in LIMITS:
        told = getattr(asked, name)
        limits[name] = suite.get(name) if told is None else told
    for name in _PROPORTIONS:
        value = limits[name]
        if value is not None and not 0 < value <= 1:
            raise UsageError(
                f"--{name.replace('_', '-')} {value:g}",
                "is not a proportion",
                "Give a number above 0 and up to 1, such as 0.99",
            )
    checks = OutputChecks(**limits)
    wanted = asked.check or suite.get("outputs") or checks.has_limits
    return checks if wanted else None
