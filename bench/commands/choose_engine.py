"""`--engine auto`: ExecuTorch where everything can be measured with it, else lite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pocketbench.bench.errors import RunnerBuildError, UsageError
from pocketbench.bench.measure.prepare import (
    equip,
    export_all,
    formats_of,
    make_runners,
)
from pocketbench.bench.planning.make_plan import make_plan
from pocketbench.bench.planning.suite import read_suite
from pocketbench.bench.records.engines import DEFAULT_ENGINE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.bench.planning.run_options import RunOptions
    from pocketbench.bench.planning.selection import SelectedDevice
    from pocketbench.bench.records.plan import Plan

AUTO = "auto"
_FIRST = "executorch"


def choose_engine(
    options: RunOptions,
    devices: Callable[[Plan], Sequence[SelectedDevice]],
    progress: Callable[[str], None],
) -> RunOptions:
    """Put one engine for the whole run in the place of `auto`, and say why.

    Every model is exported and every device's program is found for that; both are kept
    for the run that follows.

    Args:
        options: Without `auto` they are returned as they are.
        devices: Finds the devices of a plan.
        progress: Called with the choice in one line.

    Raises:
        UsageError: Another engine is named beside `auto`.
    """
    asked = options.engines or _engines_of_suite(options)
    if AUTO not in asked:
        return options
    if len(asked) > 1:
        raise UsageError(
            f"--engine {' '.join(asked)}",
            "auto chooses one engine for the whole run",
            "Leave the others out",
        )
    chosen = msgspec.structs.replace(options, engines=(_FIRST,))
    obstacle = _obstacle(chosen, devices, progress)
    if obstacle is None:
        progress(f"engine: {_FIRST}, which every device and variant can be measured on")
        return chosen
    progress(f"engine: {DEFAULT_ENGINE}, because {obstacle}")
    return msgspec.structs.replace(options, engines=(DEFAULT_ENGINE,))


def _obstacle(
    options: RunOptions,
    devices: Callable[[Plan], Sequence[SelectedDevice]],
    progress: Callable[[str], None],
) -> str | None:
    """In words, what cannot be measured with these options; `None`: everything can."""
    try:
        plan = make_plan(options)
        runners = make_runners(plan.runners, progress, plan.libc)
        equip(devices(plan), runners, formats_of(plan))
    except (UsageError, RunnerBuildError) as error:
        return f"{error.subject}: {error.fact}"
    _, errors = export_all(plan, progress)
    for (model, variant), failure in errors.items():
        return f"{model} {variant} cannot be exported ({failure.fact.splitlines()[0]})"
    return None


def _engines_of_suite(options: RunOptions) -> tuple[str, ...]:
    models = options.models
    if len(models) != 1 or not models[0].endswith(".toml"):
        return ()
    return read_suite(Path(models[0])).workload.engines or ()
