"""From a stored run to the files of its reports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.bench import registry
from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.judge.summary import Summary
from pocketbench.bench.paths import replace_file

if TYPE_CHECKING:
    from pocketbench.bench.history.histories_for_run import RunHistories

ALIASES = {"md": "markdown"}
"""Other names of formats, not shown in the help."""


def known_reports(names: Iterable[str]) -> tuple[str, ...]:
    """The formats by their own names; called before anything is measured.

    Raises:
        UnknownNameError: No such format; offers the near ones.
        UsageError: Another package's format cannot be loaded.
    """
    found = tuple(ALIASES.get(name, name) for name in names)
    for name in found:
        if name not in registry.REPORTS:
            raise UnknownNameError("report", name, registry.REPORTS)
        if not registry.REPORTS[name].startswith("pocketbench."):
            _check_of_another_package(name)
    return tuple(dict.fromkeys(found))


def _check_of_another_package(name: str) -> None:
    """See that a format that is not ours can be loaded: ours are loaded when needed."""
    try:
        registry.load(registry.REPORTS, "report", name)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"--report {name}", f"cannot be loaded ({error})", "Install it again"
        ) from error


def file_name(report: str) -> str:
    """What a report is called in a run's folder."""
    return registry.REPORT_FILES.get(report, f"report.{report}")


class Reports:
    """The reports of one summary, which is redacted and indexed once for all."""

    def __init__(
        self,
        summary: Summary,
        histories: RunHistories | None = None,
        *,
        fail_on: str = "never",
    ) -> None:
        """Take what was judged, histories to show, and which verdicts are alarms."""
        view = registry.load(registry.REPORT_VIEW, "report view", "view")
        self._view = view(
            summary, histories, fails_slower=fail_on not in ("never", "budget")
        )

    def text(self, report: str) -> str:
        """One report as text.

        Raises:
            UnknownNameError: No such report.
            UsageError: It is an image.
        """
        made = self._made(report)
        if isinstance(made, bytes):
            raise UsageError(report, "is no text", "Write it to a file")
        return made

    def content(self, report: str) -> bytes:
        """One report as its file has it.

        Raises:
            UnknownNameError: No such report.
        """
        made = self._made(report)
        return made if isinstance(made, bytes) else made.encode()

    def write(self, folder: Path, reports: Iterable[str]) -> dict[str, Path]:
        """Write reports into a folder; by format, where each one is.

        A report is written beside its place and then moved there, so that a
        reader never sees half of it.
        """
        written = {}
        for report in reports:
            path = folder / file_name(report)
            replace_file(path, self.content(report))
            written[report] = path
        return written

    def _made(self, report: str) -> str | bytes:
        make = registry.load(registry.REPORTS, "report", report)
        made: str | bytes = make(self._view)
        return made
