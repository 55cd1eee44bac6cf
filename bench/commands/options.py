"""Options that several commands share: what is judged how, and where runs are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from pocketbench.bench import registry
from pocketbench.bench.commands.typed_command import AliasedOption

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Option(Protocol):
    """What click makes of an option: a decorator that leaves a command as it is."""

    def __call__(self, command: _Command, /) -> _Command:
        """Add the option."""
        ...


def min_effect(default: str) -> Option:
    """`--min-effect 0.02`; without it what `default` says."""
    return click.option(
        "--min-effect",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        help=f"Smallest change that matters.  [default: {default}]",
    )


def gate_on(default: str) -> Option:
    """`--gate-on METRIC`; without it what `default` says."""
    return click.option(
        "--gate-on",
        multiple=True,
        metavar="METRIC[,METRIC]",
        help="Give verdicts for this metric: latency, p90, p99, throughput, load, "
        "first_inference, peak_memory, model_memory; of a generation decode, ttft, "
        "prefill, inter_token, p90_inter_token, p99_inter_token. Repeatable.  "
        f"[default: {default}]",
    )


def allow_mismatch() -> Option:
    """`--allow-mismatch`."""
    return click.option(
        "--allow-mismatch",
        cls=AliasedOption,
        aliases=("--anyway",),
        is_flag=True,
        help="Give verdicts even if conditions differed between the two sides.",
    )


def fail_on(proviso: str = "") -> Option:
    """`--fail-on VERDICT`."""
    return click.option(
        "--fail-on",
        type=click.Choice(
            ["slower-than-baseline", "regression", "budget", "inconclusive", "never"]
        ),
        default="never",
        show_default=True,
        help="Exit 1 on this verdict, and show it as a failure in JUnit and "
        "annotations: within one run regression means slower-than-baseline, and "
        f"inconclusive includes it{proviso}.",
    )


def details() -> Option:
    """`--details`."""
    return click.option(
        "--details",
        is_flag=True,
        help="Print every table, operator, caveat and failure, not the answer alone.",
    )


def _known_reports(
    ctx: click.Context, param: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    from pocketbench.bench.commands.write_reports import known_reports

    return known_reports(names)


def formats(words: str) -> Option:
    """`--format NAME`, which `run` calls `--report`."""
    return click.option(
        "--format",
        "--report",
        "formats",
        multiple=True,
        callback=_known_reports,
        metavar="FORMAT",
        help=f"Make this report: {', '.join(registry.REPORTS)}. Repeatable{words}",
    )


def output() -> Option:
    """`-o FILE`."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="Write the one format given to this file; - is stdout.",
    )


def verdicts_as_json() -> Option:
    """`--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the verdicts as JSON."
    )


def runs_folder() -> Option:
    """`--runs FOLDER`."""
    return click.option(
        "--runs",
        "runs_folder",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("runs"),
        show_default=True,
        help="Keep run folders here.",
    )


def history() -> Option:
    """`--history FOLDER`, for reports that show it."""
    return click.option(
        "--history",
        "history_folder",
        metavar="FOLDER",
        help="Show the history of each configuration, and its confirmed changes.",
    )


def accepted() -> Option:
    """`--accepted FILE`."""
    return click.option(
        "--accepted",
        "accepted_path",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("accepted-changes.toml"),
        show_default=True,
        help="Read accepted changes, which are no alarm, from this file.",
    )
