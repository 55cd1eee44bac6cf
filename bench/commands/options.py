"""Options that several commands share: what is judged how, and where runs are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from pocketbench.bench import registry

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
        help=f"The smallest change that matters.  [default: {default}]",
    )


def gate_on(default: str) -> Option:
    """`--gate-on METRIC`; without it what `default` says."""
    return click.option(
        "--gate-on",
        multiple=True,
        metavar="METRIC[,METRIC]",
        help="What gets verdicts: latency, p90, p99, throughput, load, "
        "first_inference, peak_memory, model_memory; the others are for "
        f"information.  [default: {default}]",
    )


def anyway() -> Option:
    """`--anyway`."""
    return click.option(
        "--anyway",
        is_flag=True,
        help="Give verdicts although conditions differed between the two sides.",
    )


def fail_on(proviso: str = "") -> Option:
    """`--fail-on VERDICT`."""
    return click.option(
        "--fail-on",
        type=click.Choice(["regression", "inconclusive", "never"]),
        default="never",
        show_default=True,
        help=f"Exit 1 on this verdict{proviso}.",
    )


def formats(words: str) -> Option:
    """`--format NAME`, which `run` calls `--report`."""
    return click.option(
        "--format",
        "--report",
        "formats",
        multiple=True,
        type=click.Choice(list(registry.REPORTS)),
        help=f"May be given again{words}",
    )


def output() -> Option:
    """`-o FILE`."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="File for the one format given; - for stdout.",
    )


def verdicts_as_json() -> Option:
    """`--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="The verdicts on stdout as JSON."
    )


def runs_folder() -> Option:
    """`--runs FOLDER`."""
    return click.option(
        "--runs",
        "runs_folder",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("runs"),
        show_default=True,
        help="Where run folders are kept.",
    )
