"""`pocketbench comment`: a run's report as one comment on a pull or merge request."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pocketbench.bench.commands import options


@click.command()
@click.argument("run", default="last")
@click.option(
    "--number",
    type=click.IntRange(min=1),
    help="Post on this pull or merge request.  [default: the one CI runs for]",
)
@click.option(
    "--repository",
    metavar="OWNER/NAME",
    help="Post in this repository.  [default: CI's, or the remote origin]",
)
@click.option(
    "--key",
    default="default",
    show_default=True,
    help="Keep one comment for each key, so that several jobs can comment.",
)
@click.option(
    "--body-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Post this Markdown instead of RUN's report.",
)
@click.option("--report-url", help="Link to the whole report.  [default: the CI job]")
@options.history()
@options.accepted()
@options.runs_folder()
def comment(
    run: str,
    number: int | None,
    repository: str | None,
    key: str,
    body_file: Path | None,
    report_url: str | None,
    history_folder: str | None,
    accepted_path: Path,
    runs_folder: Path,
) -> None:
    """Post the report of RUN (default: the last), or update what was posted before.

    The comment is found again by a hidden marker in it; comments of others are never
    touched. A token is taken from GH_TOKEN, GITHUB_TOKEN or GITLAB_TOKEN; without one,
    the program `gh` or `glab` posts it.

    \b
    pocketbench comment last --history .performance-history
    pocketbench comment last --number 7 --key phones
    """
    from pocketbench.bench.commands.code_review import find_review, job_url, post
    from pocketbench.bench.commands.show_reports import stored_reports
    from pocketbench.bench.measure.run_folder import find_run

    review = find_review(repository, number, os.environ)
    if body_file is not None:
        body = body_file.read_text("utf-8", errors="replace")
    else:
        _, reports = stored_reports(
            find_run(run, runs_folder),
            history_folder=history_folder,
            accepted_path=accepted_path,
        )
        body = reports.text("markdown")
    url = report_url or job_url(os.environ)
    if url:
        body = f"{body.rstrip()}\n\n[The whole report]({url})\n"
    posted = post(review, body, key=key, environment=os.environ)
    click.echo(f"{'Posted' if posted.is_new else 'Updated'}: {posted.url}")
