"""From a stored run to the files of its reports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.bench import registry
from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.judge.summary import Summary

if TYPE_CHECKING:
    from pocketbench.bench.history.histories_for_run import RunHistories

FILE_NAMES = {
    "html": "report.html",
    "markdown": "report.md",
    "json": "report.json",
    "csv": "report.csv",
    "junit": "report.junit.xml",
    "benchmark-action": "report.benchmark-action.json",
    "annotations": "report.annotations.txt",
    "svg": "report.svg",
    "png": "report.png",
}
"""Formats that are written to the run folder, and what they are called there."""


ALIASES = {"md": "markdown"}
"""Other names of formats, not shown in the help."""


def known_reports(names: Iterable[str]) -> tuple[str, ...]:
    """The formats by their own names; called before anything is measured.

    Raises:
        UnknownNameError: No such format; offers the near ones.
    """
    found = tuple(ALIASES.get(name, name) for name in names)
    for name in found:
        if name not in registry.REPORTS:
            raise UnknownNameError("report", name, registry.REPORTS)
    return tuple(dict.fromkeys(found))


def render(summary: Summary, report: str, histories: RunHistories | None = None) -> str:
    """One report as text; the HTML and the Markdown show histories, if any.

    Raises:
        UnknownNameError: No such report.
        UsageError: It is an image.
    """
    made = _made(summary, report, histories)
    if isinstance(made, bytes):
        raise UsageError(report, "is no text", "Write it to a file")
    return made


def render_bytes(
    summary: Summary, report: str, histories: RunHistories | None = None
) -> bytes:
    """One report as its file has it.

    Raises:
        UnknownNameError: No such report.
    """
    made = _made(summary, report, histories)
    return made if isinstance(made, bytes) else made.encode()


def _made(summary: Summary, report: str, histories: RunHistories | None) -> str | bytes:
    """One report, drawn or written.

    Raises:
        UnknownNameError: No such report.
    """
    make = registry.load(registry.REPORTS, "report", report)
    shown: dict[str, object] = {}
    if histories and report == "html":
        shown["histories"] = histories
    elif histories and report == "markdown":
        shown["histories"] = {key: h.series.values for key, h in histories.items()}
    made: str | bytes = make(summary, **shown)
    return made


def write_reports(
    summary: Summary,
    folder: Path,
    reports: Iterable[str],
    histories: RunHistories | None = None,
) -> dict[str, Path]:
    """Write reports into a folder; by format, where each one is.

    A report is written beside its place and then moved there, so that whoever reads
    it never sees half of it.
    """
    written = {}
    for report in reports:
        made = render_bytes(summary, report, histories)
        path = folder / FILE_NAMES.get(report, f"report.{report}")
        beside = path.with_name(f".{path.name}.new")
        beside.write_bytes(made)
        beside.replace(path)
        written[report] = path
    return written
