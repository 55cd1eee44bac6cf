"""From a stored run to the files of its reports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench import registry
from bench.judge.summary import Summary

FILE_NAMES = {
    "html": "report.html",
    "markdown": "report.md",
    "json": "report.json",
    "csv": "report.csv",
}
"""Formats that are written to the run folder, and what they are called there."""


def render(summary: Summary, report: str) -> str:
    """One report as text.

    Raises:
        UnknownNameError: No such report.
    """
    text: str = registry.load(registry.REPORTS, "report", report)(summary)
    return text


def write_reports(
    summary: Summary, folder: Path, reports: Iterable[str]
) -> dict[str, Path]:
    """Write reports into a folder; by format, where each one is.

    A report is written beside its place and then moved there, so that whoever reads
    it never sees half of it.
    """
    written = {}
    for report in reports:
        text = render(summary, report)
        path = folder / FILE_NAMES.get(report, f"report.{report}")
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
        written[report] = path
    return written
