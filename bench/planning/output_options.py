"""What is asked of the devices' answers, from the command line and the suite file."""

from __future__ import annotations

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.planning.suite import SuiteCheck
from pocketbench.bench.records.output_check import OutputChecks


def output_checks(
    options: RunOptions, suite: SuiteCheck | None = None
) -> OutputChecks | None:
    """What to check; a limit of the command line wins over the suite file's.

    A limit alone asks for the check, too.

    Raises:
        UnknownNameError: There is no such check.
        UsageError: A proportion that is none.
    """
    for word in options.check:
        if word != "outputs":
            raise UnknownNameError("check", word, ("outputs",))
    given = suite or SuiteCheck(outputs=False)
    checks = OutputChecks(
        min_sqnr_db=_first(options.min_sqnr_db, given.min_sqnr_db),
        min_top1_agreement=_proportion(
            "--min-top1-agreement", options.min_top1_agreement, given.min_top1_agreement
        ),
        min_accuracy=_proportion(
            "--min-accuracy", options.min_accuracy, given.min_accuracy
        ),
    )
    return checks if options.check or given.outputs or checks.has_limits else None


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _proportion(option: str, *values: float | None) -> float | None:
    value = _first(*values)
    if value is not None and not 0 < value <= 1:
        raise UsageError(
            f"{option} {value:g}",
            "is not a proportion",
            "Give a number above 0 and up to 1, such as 0.99",
        )
    return value
