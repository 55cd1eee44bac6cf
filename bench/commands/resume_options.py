"""Which options a resumed run takes: those that its stored plan does not have."""

from __future__ import annotations

import click

from pocketbench.bench.errors import UsageError

TAKEN = {
    *("resume", "trust", "runs_folder", "models", "budget"),
    *("lab", "wait", "pushes_per_hub"),
    *("fail_on", "reports", "as_json", "details"),
}


def refuse_others(context: click.Context) -> None:
    """Refuse an option that a resume would ignore, instead of ignoring it.

    Raises:
        UsageError: Names the first one that was typed.
    """
    typed = click.core.ParameterSource.COMMANDLINE
    for param in context.command.params:
        name = param.name or ""
        if name not in TAKEN and context.get_parameter_source(name) is typed:
            raise UsageError(
                max(param.opts, key=len),
                "is that of the stored run, which --resume goes on with",
                "Leave it out, or start a new run",
            )
