"""Measure the two commits around a change of a history in the same blocks."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from pocketbench.bench.commands.history_flow import change_named
from pocketbench.bench.commands.history_options import ConfirmOptions
from pocketbench.bench.commands.run_flow import run_main_job
from pocketbench.bench.errors import UsageError
from pocketbench.bench.history.stored import series_parts
from pocketbench.bench.paths import working_folder
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.processes.tool import run_to_end


def confirm_change(given: ConfirmOptions) -> int:
    """Export both commits' builds and compare them; the exit code of that run.

    It is 1 where the newer build is slower, as `--fail-on regression` has it.

    Raises:
        UnknownNameError: No change has this id now.
        UsageError: A run has no commit, or git or the export refuses one of them.
    """
    history, change = change_named(given.change, given)
    cell = history.series.cell
    places = history.series.points[change.index - 1 : change.index + 1]
    variant, asked = series_parts(cell.variant)
    builds = []
    with working_folder() as folder_of_both:
        for side, point in zip(("before", "after"), places, strict=True):
            if point.commit is None or "+" in point.commit:
                raise UsageError(
                    f"run {point.run_id}",
                    "was not measured at a commit, so its build cannot be made again",
                    "Confirm by more runs: `pocketbench history add` them",
                )
            target = folder_of_both / side
            tree = folder_of_both / "tree"
            with _checked_out(given.repository, point.commit, tree):
                click.echo(f"exporting {cell.model} at {point.version} ...", err=True)
                source = given.source or cell.model
                builds.append(_exported(tree, source, variant, given.inputs, target))
        return run_main_job(
            RunOptions(
                kind="generate" if asked else None,
                prompt_tokens=asked.prompt_tokens if asked else None,
                new_tokens=asked.new_tokens if asked else None,
                kv_depths=(asked.kv_depth,) if asked else None,
                baseline=str(builds[0]),
                candidates=(str(builds[1]),),
                build_of=f"{cell.model}:{variant}",
                baseline_commit=places[0].commit,
                candidate_commits=(places[1].commit or "",),
                devices=given.devices,
                blocks=given.blocks,
                threads=(cell.threads,),
                gate_on=(given.metric,) if given.metric else (),
                fail_on="regression",
                as_json=given.as_json,
            )
        )


@contextlib.contextmanager
def _checked_out(repository: Path, commit: str, tree: Path) -> Iterator[None]:
    git = ("git", "-C", str(repository), "worktree")
    done = run_to_end(*git, "add", "--quiet", "--detach", tree, commit)
    if not done.succeeded:
        raise UsageError(
            f"commit {commit}",
            f"git cannot check it out ({done.stderr.strip().splitlines()[-1]})",
            "Fetch it, or name its repository with --repository",
        )
    try:
        yield
    finally:
        run_to_end(*git, "remove", "--force", tree)


def _exported(
    tree: Path, source: str, variant: str, inputs: tuple[str, ...], target: Path
) -> Path:
    shapes = [word for shape in inputs for word in ("--input", shape)]
    done = run_to_end(
        *(sys.executable, "-m", "pocketbench", "export", source),
        *("--variant", variant, *shapes, "--output", str(target)),
        cwd=tree,
    )
    files = sorted(target.glob("*")) if done.succeeded else []
    if len(files) != 1:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise UsageError(
            f"{source} {variant}",
            f"cannot be exported there: {words[-1] if words else 'no file was made'}",
            "Name the model with --source MODULE:FACTORY, and its shapes with --input",
        )
    return files[0]
