"""`--sustained`, and the options that cannot be combined with it."""

from __future__ import annotations

from pocketbench.bench.errors import UsageError
from pocketbench.bench.planning.durations import parse_duration
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.records.sustained import Sustained

_ONE = "it is one process of each variant"
_SHORTEST_S = 1.0
_SHORTEST_INTERVAL_S = 0.5
"""A reading takes a tenth of a second and more."""


def parse_sustained(options: RunOptions) -> Sustained | None:
    """Read `--sustained` and `--sample-every`; `None` where no such run was asked for.

    Raises:
        UsageError: Not a length of time, too short, or beside an option that means
            something else.
    """
    duration, interval = options.sustained, options.sample_every
    if duration is None:
        if interval is not None:
            raise UsageError(
                "--sample-every", "is for sustained runs", "Say --sustained 10m too"
            )
        return None
    for option, is_given, why in (
        ("--blocks", options.blocks is not None, _ONE),
        ("--quick", options.quick, _ONE),
        ("--until-settled", options.until_settled, _ONE),
        ("--self-check", options.self_check, _ONE),
        (
            "--min-duration",
            options.min_duration is not None,
            "it says how long already",
        ),
        ("--fail-on", options.fail_on != "never", "one process gives no verdict"),
    ):
        if is_given:
            raise UsageError(
                f"--sustained {duration}",
                f"does not go with {option}: {why}",
                f"Leave {option} out",
            )
    found = Sustained(duration_s=parse_duration(duration, "--sustained"))
    if interval is not None:
        every_s = parse_duration(interval, "--sample-every")
        found = Sustained(duration_s=found.duration_s, interval_s=every_s)
    _at_least(f"--sustained {duration}", found.duration_s, _SHORTEST_S)
    _at_least(f"--sample-every {interval}", found.interval_s, _SHORTEST_INTERVAL_S)
    return found


def _at_least(subject: str, seconds: float, shortest_s: float) -> None:
    if seconds < shortest_s:
        raise UsageError(
            subject, f"is less than {shortest_s:g} s", "Give a longer time"
        )
