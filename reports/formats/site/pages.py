"""The pages of a history: an overview, one per model and device, one per series."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from pocketbench.bench.history.series import CellHistory
from pocketbench.bench.history.stored_runs import StoredRun
from pocketbench.bench.records.metrics import METRICS
from pocketbench.reports.formats.html.theme import page_css
from pocketbench.reports.formats.site.rows import (
    SPARK_HEIGHT,
    SPARK_WIDTH,
    ChangeRow,
    SeriesRow,
    geometric_mean,
    page_name,
    series_row,
)
from pocketbench.reports.formats.site.series_data import runs_script, series_script
from pocketbench.reports.text.history import title
from pocketbench.reports.text.phrases import counted, effect

MOST_CHANGES = 100
"""Changes of a kind on the first page; every one is on its model's page."""
_SCRIPTS = ("chart.js", "labels.js")
_FOREIGN = ("uPlot.iife.min.js", "uPlot.min.css", "LICENSE")

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("pocketbench.reports.formats.site"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Origin(NamedTuple):
    """Where commits and reports are, for every page alike."""

    subjects: Mapping[str, str]
    """By commit."""
    commit_url: str | None
    """With `{commit}` in it."""
    reported: frozenset[str]
    """Runs with a page below `reports/`."""
    made_at: str


class Found(NamedTuple):
    """A change and its series."""

    row: SeriesRow
    change: ChangeRow


class Group(NamedTuple):
    """A model or a device: its page and its series."""

    name: str
    page: str
    tag: str | None
    rows: Sequence[SeriesRow]

    @property
    def raised(self) -> int:
        """Alarms."""
        return sum(change.is_raised for row in self.rows for change in row.changes)

    @property
    def recent(self) -> str:
        """The mean change of its series over 30 days."""
        first = min((row.metric for row in self.rows), key=METRICS.index)
        rows = [row for row in self.rows if row.metric == first]
        mean = geometric_mean(rows)
        if mean is None:
            return "not measured 30 days apart"
        return f"{effect(first, mean[0])} over {mean[1]} of {len(rows)}"


def write_device(
    site: Path,
    histories: Iterable[CellHistory],
    runs: Sequence[StoredRun],
    origin: Origin,
) -> list[SeriesRow]:
    """Write the data and pages of one device's series; return what tables show."""
    device = page_name(runs[0].device)
    data, pages = site / "data", site / "configurations"
    for folder in (data, pages):
        folder.mkdir(parents=True, exist_ok=True)
    script = runs_script(runs, origin.subjects, set(origin.reported))
    (data / f"{device}.js").write_text(script, "utf-8")
    place_of = {run.run_id: place for place, run in enumerate(runs)}
    template = _ENVIRONMENT.get_template("configuration.html.j2")
    rows = []
    for history in histories:
        row = series_row(history)
        script = series_script(history, place_of)
        (data / f"{row.page}.js").write_text(script, "utf-8")
        page = template.render(
            **_everywhere(origin, ".."),
            row=row,
            title=title(history.series),
            device_data=device,
            model_page=page_name(row.model),
        )
        (pages / f"{row.page}.html").write_text(page, "utf-8")
        rows.append(row)
    return rows


def write_overview(site: Path, rows: Sequence[SeriesRow], origin: Origin) -> Path:
    """Write the first page, those of models and devices, and what all of them load."""
    models = _groups(rows, lambda row: (row.model, row.model, ""))
    devices = _groups(
        rows, lambda row: (row.device, f"{row.device_name} ({row.device})", row.tag)
    )
    for kind, groups in (("models", models), ("devices", devices)):
        (site / kind).mkdir(parents=True, exist_ok=True)
        template = _ENVIRONMENT.get_template("group.html.j2")
        for group in groups:
            page = template.render(**_everywhere(origin, ".."), group=group, kind=kind)
            (site / kind / f"{group.page}.html").write_text(page, "utf-8")
    _write_static(site)
    found = [Found(row, change) for row in rows for change in row.changes]
    page = _ENVIRONMENT.get_template("index.html.j2").render(
        **_everywhere(origin, "."),
        rows=rows,
        models=models,
        devices=devices,
        most=MOST_CHANGES,
        by_commit=_by_commit([f for f in found if f.change.is_raised]),
        sections=_sections(found),
        unsteady=[row for row in rows if row.two_speeds],
    )
    index = site / "index.html"
    index.write_text(page, "utf-8")
    return index


def _sections(found: Sequence[Found]) -> list[tuple[str, list[Found]]]:
    """Other changes than alarms, newest first, by what they are."""

    def of(test: Callable[[ChangeRow], bool]) -> list[Found]:
        kept = [one for one in found if test(one.change) and not one.change.is_raised]
        return sorted(kept, key=lambda one: one.change.date, reverse=True)

    return [
        ("Suspects: not confirmed yet", of(lambda c: c.state == "suspect")),
        ("Accepted changes", of(lambda c: c.state == "accepted")),
        ("Improvements", of(lambda c: c.state == "confirmed" and not c.is_worse)),
        ("Since reverted", of(lambda c: c.state == "undone")),
    ]


def _by_commit(raised: Sequence[Found]) -> list[tuple[ChangeRow, list[Found]]]:
    """Alarms by the commit they began with, the newest first."""

    def key(one: Found) -> tuple[str, str]:
        return one.change.date, one.change.first_after

    ordered = sorted(raised, key=key, reverse=True)
    groups = [list(group) for _, group in itertools.groupby(ordered, key=key)]
    return [(group[0].change, group) for group in groups]


def _groups(
    rows: Sequence[SeriesRow], of: Callable[[SeriesRow], tuple[str, str, str | None]]
) -> list[Group]:
    found: dict[tuple[str, str, str | None], list[SeriesRow]] = {}
    for row in rows:
        found.setdefault(of(row), []).append(row)
    return [
        Group(
            name,
            page_name(key),
            tag,
            sorted(group, key=lambda row: (not row.is_raised, not row.changes)),
        )
        for (key, name, tag), group in sorted(found.items(), key=lambda x: x[0][0])
    ]


def _everywhere(origin: Origin, root: str) -> dict[str, Any]:
    return {
        "root": root,
        "origin": origin,
        "counted": counted,
        "page_name": page_name,
        "spark_width": SPARK_WIDTH,
        "spark_height": SPARK_HEIGHT,
    }


def _write_static(site: Path) -> None:
    ours = resources.files("pocketbench.reports.formats.site")
    static = site / "static"
    static.mkdir(parents=True, exist_ok=True)
    style = (ours / "templates" / "site.css").read_text("utf-8")
    (static / "site.css").write_text(f"{page_css()}\n{style}", "utf-8")
    copies = [(ours / "templates" / name, static / name) for name in _SCRIPTS]
    copies += [(ours / "uplot" / name, static / "uplot" / name) for name in _FOREIGN]
    (static / "uplot").mkdir(exist_ok=True)
    for source, copy in copies:
        with resources.as_file(source) as path:
            shutil.copyfile(path, copy)
    # GitHub Pages leaves the files as they are.
    (site / ".nojekyll").touch()
